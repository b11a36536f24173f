/// Strict YAML for files that people write: configuration and policy.
///
/// ```swift
/// let root = try YAML.parse(bytes, file: "/etc/vireo/config.yaml")
/// let fields = try root.fields(known: ["interval", "name"])
/// let seconds = try fields["interval"]?.number(in: 0.05...86_400)
/// ```
///
/// What makes YAML surprising is refused: the same key twice, anchors and aliases, tags and
/// directives, a second document, keys that are no plain names, text that is not UTF-8, and
/// whatever exceeds ``YAMLLimits``. Every refusal names file, line and column and says what to do.
///
/// Source: YAML 1.1, libyaml's event interface.
public enum YAML {
    /// The one document in `bytes`; an empty mapping when there is none.
    ///
    /// - Parameters:
    ///   - bytes: of the whole file, UTF-8, at most ``YAMLLimits/fileBytesMax``.
    ///   - file: what messages call the file.
    public static func parse(_ bytes: [UInt8], file: String) throws(YAMLError) -> YAMLNode {
        let start = YAMLPlace(file: file, line: 1, column: 1)
        guard bytes.count <= YAMLLimits.fileBytesMax else {
            throw YAMLError(
                start, "the file has more than \(YAMLLimits.fileBytesMax) bytes",
                "shorten it or split it")
        }
        if let place = firstBadByte(of: bytes, file: file) {
            throw YAMLError(place, "not UTF-8 from here on", "save the file as UTF-8")
        }
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
            throw YAMLError(start, "a byte order mark", "save the file as UTF-8 without one")
        }
        if let place = firstDirective(in: bytes, file: file) {
            throw YAMLError(place, "a directive (%NAME)", "leave it out")
        }
        var reader = try EventReader(bytes, file: file)
        return try reader.document()
            ?? YAMLNode(place: start, content: .mapping([]))
    }

    /// Where a directive stands in front of everything but comments. libyaml compares each with all
    /// before it, and so must not see 50,000 of them.
    private static func firstDirective(in bytes: [UInt8], file: String) -> YAMLPlace? {
        var line = 1
        var isAtStart = true
        var isComment = false
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\n"):
                line += 1
                (isAtStart, isComment) = (true, false)
            case _ where isComment, UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"):
                isAtStart = false
            case UInt8(ascii: "#"): isComment = true
            case UInt8(ascii: "%") where isAtStart:
                return YAMLPlace(file: file, line: line, column: 1)
            default: return nil
            }
        }
        return nil
    }

    /// Where the first byte stands that belongs to no UTF-8.
    private static func firstBadByte(of bytes: [UInt8], file: String) -> YAMLPlace? {
        do {
            _ = try UTF8Span(validating: bytes.span)
            return nil
        } catch {
            let before = bytes[..<error.byteOffsets.lowerBound]
            let line = before.count { $0 == UInt8(ascii: "\n") } + 1
            let start = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
            return YAMLPlace(file: file, line: line, column: before.count - start + 1)
        }
    }
}

/// What a file may hold at most, each with its reason.
public enum YAMLLimits {
    /// A policy of a thousand named commands has 200 KB.
    public static let fileBytesMax = 1 << 20
    /// Brackets and indentations open at once; ours need 5.
    public static let depthMax = 16
    /// Scalars, lists and mappings of a file.
    public static let nodesMax = 65_536
    /// Unicode scalars of a file's text that a message repeats.
    static let echoScalarsMax = 64
}
