import Wire

/// One line that came, as far as a script asks.
struct MockMessage {
    let text: String
    let type: String
    let epoch: Epoch?
    let sequence: UInt64?
    let offer: SessionOffer?
    /// Of a message that declares numbers lost: both ends.
    let skipped: NumberRange?
    /// Of a keep-alive.
    let sequenceNumber: UInt64?

    /// - Throws: why it is no message.
    init(_ line: [UInt8], _ parser: inout JSONParser) throws(JSONError) {
        try parser.parse(RawSpan(_elements: line.span))
        text = String(decoding: line, as: UTF8.self)
        let root = parser.root
        type = root.member("type")?.string ?? ""
        epoch = root.member("epoch")?.string.flatMap { Epoch($0) }
        sequence = root.member("seq")?.unsigned
        sequenceNumber = root.member("sequence_number")?.unsigned
        if type == "skipped", let from = root.member("from")?.unsigned,
            let to = root.member("to")?.unsigned, from <= to
        {
            skipped = NumberRange(from: from, to: to)
        } else {
            skipped = nil
        }
        if case .handshake(let handshake) = GuestMessage(root) {
            offer = handshake.offer
        } else {
            offer = nil
        }
    }

    /// Whether its members are these; `parser` holds the message.
    static func matches(
        _ expectation: MockScript.Expectation, _ parser: borrowing JSONParser
    ) -> Bool {
        for member in expectation.members {
            guard text(at: member.path[...], parser.root) == member.value else { return false }
        }
        return true
    }

    /// A value as a script writes it; `nil` when there is none.
    private static func text(at path: ArraySlice<String>, _ value: JSONValue) -> String? {
        guard let name = path.first else { return text(value) }
        var members = value.members
        while let member = members.next() {
            if member.name.string == name { return text(at: path.dropFirst(), member.value) }
        }
        return nil
    }

    private static func text(_ value: JSONValue) -> String? {
        if let string = value.string { return string }
        return value.json()
    }
}
