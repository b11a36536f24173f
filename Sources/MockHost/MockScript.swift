/// What a host for tests does, line by line. ``manual`` describes the language.
///
/// ```swift
/// let script = try MockScript("greet\nexpect handshake\npass\n")
/// ```
public struct MockScript: Equatable, Sendable {
    /// One line, and where it stands.
    struct Line: Equatable, Sendable {
        var number: Int
        var instruction: Instruction
    }

    /// When the host acknowledges by itself.
    enum Acknowledging: Equatable, Sendable {
        case never
        /// After so many messages with a number.
        case lazily(UInt64)
        /// So many milliseconds after the first that is not acknowledged.
        case after(milliseconds: UInt64)
    }

    /// A message that is waited for.
    struct Expectation: Equatable, Sendable {
        var type: String
        /// Members by path, with dots between the names, and the text of their values.
        var members: [(path: [String], value: String)] = []
        var milliseconds = MockLimits.expectMilliseconds
        /// Whether the next message must be it.
        var isNext = false

        static func == (one: Expectation, other: Expectation) -> Bool {
            one.type == other.type && one.milliseconds == other.milliseconds
                && one.isNext == other.isNext
                && one.members.elementsEqual(other.members, by: ==)
        }
    }

    indirect enum Instruction: Equatable, Sendable {
        case accept(milliseconds: UInt64)
        case greet
        case answer(received: String?, windowBytes: UInt64, isObserver: Bool)
        case answerAll(Bool)
        case expect(Expectation)
        case refuse(type: String, milliseconds: UInt64)
        /// A text with variables, and whether a newline follows it.
        case send(String, isLine: Bool)
        case sendFile(String)
        case fill(bytes: Int, byte: UInt8)
        case acknowledge(Acknowledging)
        case acknowledgeNow(String?)
        case read(bytesPerSecond: UInt64?)
        case pause(milliseconds: UInt64)
        case wait(milliseconds: UInt64)
        case drop
        case dropAfter(bytes: UInt64)
        case track
        case numbered(UInt64, milliseconds: UInt64)
        case repeated(UInt64, [Line])
        case pass
        case fail(String)
    }

    let lines: [Line]
}

/// A line of a script that says nothing, and what would.
public struct MockScriptError: Error, Equatable, CustomStringConvertible {
    public let line: Int
    public let reason: String

    public var description: String { "line \(line): \(reason)" }
}

/// What a script bounds.
public enum MockLimits {
    /// How long a message is waited for, unless the script says otherwise.
    public static let expectMilliseconds: UInt64 = 5000
    /// The longest script, in bytes.
    public static let scriptBytesMax = 1 << 20
    /// Blocks inside blocks.
    public static let depthMax = 8
    /// What is read at a time, and the most that is sent at a time.
    public static let transferBytes = 65_536
}
