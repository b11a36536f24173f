/// Whole lines in memory, from which what is sent is cut.
struct LineTemplate {
    let lineBytes: Int
    private let bytes: [UInt8]

    /// - Parameter minimumBytes: at least this many bytes of lines, and one line at least.
    init(lineBytes: Int, minimumBytes: Int = 1) {
        precondition((BenchLimits.lineBytesMin...BenchLimits.lineBytesMax).contains(lineBytes))
        let count = max(1, minimumBytes / lineBytes)
        var lines = [UInt8](repeating: UInt8(ascii: "x"), count: count * lineBytes)
        for line in 1...count { lines[line * lineBytes - 1] = UInt8(ascii: "\n") }
        self.lineBytes = lineBytes
        bytes = lines
    }

    var count: Int { bytes.count }

    var span: RawSpan {
        @_lifetime(borrow self)
        get { RawSpan(_elements: bytes.span) }
    }
}
