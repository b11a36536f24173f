/// What a client asks of a holder: words that end with a NUL each, the way arguments do.
struct FreezeRequest: Sendable, Equatable {
    /// `nil` asks for the thaw.
    var deadlineSeconds: Int64?
    var points: [String] = []

    var bytes: [UInt8] {
        let words = deadlineSeconds.map { ["freeze", "\($0)"] + points } ?? ["thaw"]
        // An empty word ends the request, so that the connection can stay open for the answer.
        return (words + [""]).flatMap { Array($0.utf8) + [0] }
    }

    /// Whether a request is complete.
    static func isWhole(_ bytes: [UInt8]) -> Bool { bytes.suffix(2) == [0, 0] }

    init(deadlineSeconds: Int64?, points: [String] = []) {
        self.deadlineSeconds = deadlineSeconds
        self.points = points
    }

    /// `nil` for anything else.
    init?(_ bytes: [UInt8]) {
        guard Self.isWhole(bytes) else { return nil }
        let words = bytes.dropLast(2).split(separator: 0).map {
            String(decoding: $0, as: UTF8.self)
        }
        switch words.first {
        case "thaw" where words.count == 1: self.init(deadlineSeconds: nil)
        case "freeze":
            guard words.count >= 2, let seconds = Int64(words[1]),
                (1...FreezeLimits.deadlineSecondsMax).contains(seconds)
            else { return nil }
            self.init(deadlineSeconds: seconds, points: Array(words[2...]))
        default: return nil
        }
    }
}
