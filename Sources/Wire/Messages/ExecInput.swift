/// Host to guest, `exec_input`: bytes for the standard input of a running `Exec` that asked for it.
public struct ExecInput: Hashable, Sendable {
    public var id: String
    public var data: ExecData
    /// Nothing comes after this piece.
    public var isEnd: Bool

    public init(id: String, data: ExecData, isEnd: Bool) {
        self.id = id
        self.data = data
        self.isEnd = isEnd
    }

    /// `nil` when a member is missing or none of ours.
    public init?(_ value: JSONValue) {
        guard value.member("type")?.equals("exec_input") ?? false,
            let id = value.identifier("id"), let data = ExecData(value)
        else { return nil }
        self.init(id: id, data: data, isEnd: value.member("eof")?.bool ?? false)
    }
}
