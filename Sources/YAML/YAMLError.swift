/// Where something stands in a file; lines and columns count from 1.
public struct YAMLPlace: Hashable, Sendable, CustomStringConvertible {
    public let file: String
    public let line: Int
    public let column: Int

    public init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    public var description: String { "\(file):\(line):\(column)" }
}

/// Why a file was refused, where, and what to change.
public struct YAMLError: Error, Hashable, Sendable, CustomStringConvertible {
    public let place: YAMLPlace
    public let problem: String
    public let remedy: String

    public init(_ place: YAMLPlace, _ problem: String, _ remedy: String) {
        self.place = place
        self.problem = problem
        self.remedy = remedy
    }

    /// `FILE:LINE:COLUMN: problem; remedy`.
    public var description: String { "\(place): \(problem); \(remedy)" }
}

extension String {
    /// As much of somebody's text as a message repeats, without control characters: messages go to
    /// terminals.
    package var shown: String {
        var text = ""
        for scalar in unicodeScalars.prefix(YAMLLimits.echoScalarsMax) {
            let isControl = scalar.properties.generalCategory == .control
            text.unicodeScalars.append(isControl ? "?" : scalar)
        }
        return unicodeScalars.count > YAMLLimits.echoScalarsMax ? text + "..." : text
    }
}
