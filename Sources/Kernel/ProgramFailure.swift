import Glibc

/// The end of a program that could not go on: what to say, and the exit code of sysexits(3).
public struct ProgramFailure: Error, Sendable, CustomStringConvertible {
    public enum Code: Int32, Sendable {
        case usage = 64
        case unavailable = 69
        case software = 70
        case inputOutput = 74
        case tryAgain = 75
        case permission = 77
        case configuration = 78
    }

    public let code: Code
    /// What is wrong and what to do about it.
    public let description: String

    public init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}

/// Ends the process at once, without taking anything down. _exit(2).
public func endProcess(_ code: Int32) -> Never {
    _exit(code)
}
