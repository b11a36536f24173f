import Kernel
public import Wire

/// Prints each message that was received on a line of its own, as it came.
///
/// With more than one guest a first member `socket` says which it came from: the guest's own words
/// cannot be believed about that.
public final class JSONLinesView: WatchView {
    public let refreshMilliseconds: UInt64? = nil
    private let descriptor: Int32
    private let namesSockets: Bool
    private var pending = ""
    /// Set when nobody reads any more.
    public private(set) var isBroken = false

    /// - Parameters:
    ///   - descriptor: where the lines go.
    ///   - namesSockets: whether to add the member `socket`.
    public init(descriptor: Int32, namesSockets: Bool) {
        self.descriptor = descriptor
        self.namesSockets = namesSockets
    }

    public func said(
        _ message: GuestMessage, by link: GuestLink, in readable: RawSpan, count: Int
    ) {
        let text = String(frame: readable.extracting(first: count)).harmlessJSON
        guard namesSockets, let brace = text.firstIndex(of: "{") else {
            pending += text + "\n"
            return
        }
        let rest = text[text.index(after: brace)...]
        let isEmpty = rest.drop { $0.isWhitespace }.first == "}"
        pending += "{\"socket\":\(JSONText.quoted(link.name))\(isEmpty ? "" : ",")\(rest)\n"
    }

    public func changed(_ link: GuestLink) {}

    public func show(_ links: [GuestLink]) {
        guard !pending.isEmpty, !isBroken else { return }
        do {
            try FileDescriptor.writeAll(pending, to: descriptor)
        } catch {
            isBroken = true
        }
        pending = ""
    }

    public func end() {}
}

extension String {
    /// The same JSON with what a terminal would obey, or not show, as escapes of JSON. Outside of
    /// strings JSON has none of these.
    var harmlessJSON: String {
        guard unicodeScalars.contains(where: \.actsOnTerminals) else { return self }
        var result = ""
        for scalar in unicodeScalars {
            guard scalar.actsOnTerminals else {
                result.unicodeScalars.append(scalar)
                continue
            }
            for unit in UTF16.encode(scalar)! {
                let digits = String(unit, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return result
    }

    /// A frame as text: it is valid UTF-8, for it was parsed.
    init(frame: RawSpan) {
        self = frame.repairedText
    }
}

extension Unicode.Scalar {
    /// Control characters, and characters that change the direction of writing or are not seen.
    fileprivate var actsOnTerminals: Bool {
        guard value >= 0x7f else { return false }
        if value <= 0x9f { return true }
        switch properties.generalCategory {
        case .format, .lineSeparator, .paragraphSeparator: return true
        default: return false
        }
    }
}
