public import Wire

/// A parameter's value, copied out of the message.
public enum ActionValue: Sendable, Hashable {
    case text(String)
    case integer(Int64)
    case number(Double)
    case truth(Bool)
    case texts([String])
    /// Anything else: it is kept to be refused by name when an action asks for it.
    case other
}

/// The parameters of one action, by name. A parameter that is `null` is none.
public struct ActionParameters: Sendable, Hashable {
    public private(set) var values: [String: ActionValue] = [:]

    public init(_ values: [String: ActionValue] = [:]) {
        self.values = values
    }

    mutating func set(_ name: String, _ value: ActionValue) { values[name] = value }

    func text(_ name: String) throws(ActionFailure) -> String? {
        switch values[name] {
        case nil: nil
        case .text(let text): text
        default: throw .invalid("\(name) is a string")
        }
    }

    func requiredText(_ name: String) throws(ActionFailure) -> String {
        guard let text = try text(name), !text.isEmpty else {
            throw .invalid("\(name) is missing or empty")
        }
        return text
    }

    func truth(_ name: String) throws(ActionFailure) -> Bool {
        switch values[name] {
        case nil: false
        case .truth(let truth): truth
        default: throw .invalid("\(name) is true or false")
        }
    }

    /// A whole number within `range`.
    func integer(_ name: String, in range: ClosedRange<Int64>) throws(ActionFailure) -> Int64? {
        guard let value = values[name] else { return nil }
        guard case .integer(let number) = value, range.contains(number) else {
            throw .invalid(
                "\(name) is a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func number(_ name: String, in range: ClosedRange<Double>) throws(ActionFailure) -> Double? {
        let number: Double
        switch values[name] {
        case nil: return nil
        case .integer(let whole): number = Double(whole)
        case .number(let value): number = value
        default: throw .invalid("\(name) is a number")
        }
        guard range.contains(number) else {
            throw .invalid("\(name) is from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// A list of texts; one text alone counts as a list of one.
    func texts(_ name: String) throws(ActionFailure) -> [String] {
        switch values[name] {
        case nil: []
        case .text(let text): text.isEmpty ? [] : [text]
        case .texts(let texts): texts
        default: throw .invalid("\(name) is a list of strings")
        }
    }
}

/// An action and its parameters, as a message names them.
public struct ActionRequest: Sendable, Hashable {
    public var action: String
    public var parameters: ActionParameters

    public init(action: String, parameters: ActionParameters = ActionParameters()) {
        self.action = action
        self.parameters = parameters
    }

    /// Of a `SafeCommand`: `command_type` is the action's name, or an object with `action` and the
    /// parameters beside it or in `params`; a `params` beside `command_type` counts as well.
    ///
    /// The innermost wins where a name stands twice. Source: protocol, "What the host in the field
    /// reads and sends".
    public init(safeCommand message: JSONValue) throws(ActionFailure) {
        guard let type = message.member("command_type") else {
            throw .invalid("command_type is missing; name an action")
        }
        var parameters = ActionParameters()
        if let outer = message.member("params") { try parameters.add(membersOf: outer) }
        if let name = type.string {
            self.init(action: name, parameters: parameters)
            return
        }
        guard let name = type.member("action")?.string else {
            throw .invalid("command_type has no action; name one")
        }
        try parameters.add(membersOf: type, without: ["action", "params"])
        if let inner = type.member("params") { try parameters.add(membersOf: inner) }
        self.init(action: name, parameters: parameters)
    }

    /// Of a command of ours, whose `type` is the action and whose parameters stand beside it.
    public init(ownCommand message: JSONValue) throws(ActionFailure) {
        guard let type = message.member("type")?.string else {
            throw .invalid("type is missing")
        }
        var parameters = ActionParameters()
        let others: Set = ["type", "id", "epoch", "timeout", "timestamp", "params"]
        try parameters.add(membersOf: message, without: others)
        if let inner = message.member("params") { try parameters.add(membersOf: inner) }
        self.init(action: type, parameters: parameters)
    }
}

extension ActionParameters {
    /// Copies the members of an object; `null` stands for an empty one.
    fileprivate mutating func add(
        membersOf value: JSONValue, without left: Set<String> = []
    ) throws(ActionFailure) {
        if value.isNull { return }
        guard value.type == .object else { throw .invalid("params is an object") }
        guard value.count <= ActionLimits.parametersMax else {
            throw .invalid("more than \(ActionLimits.parametersMax) parameters")
        }
        var members = value.members
        while let member = members.next() {
            guard let name = member.name.string, !left.contains(name) else { continue }
            if let value = try ActionValue(member.value, name: name) { set(name, value) }
        }
    }
}

extension ActionValue {
    fileprivate init?(_ value: JSONValue, name: String) throws(ActionFailure) {
        switch value.type {
        case .missing, .null: return nil
        case .boolean: self = .truth(value.bool ?? false)
        case .number:
            self = value.integer.map { .integer($0) } ?? .number(value.number ?? 0)
        case .string: self = .text(try ActionValue.text(value, name: name))
        case .object: self = .other
        case .array:
            guard value.count <= ActionLimits.listMax else {
                throw .invalid("\(name) has more than \(ActionLimits.listMax) elements")
            }
            var texts: [String] = []
            var elements = value.elements
            while let element = elements.next() {
                guard element.type == .string else {
                    self = .other
                    return
                }
                texts.append(try ActionValue.text(element, name: name))
            }
            self = .texts(texts)
        }
    }

    private static func text(_ value: JSONValue, name: String) throws(ActionFailure) -> String {
        guard let text = value.string, text.utf8.count <= ActionLimits.textBytesMax else {
            throw .invalid("\(name) is longer than \(ActionLimits.textBytesMax) bytes")
        }
        return text
    }
}
