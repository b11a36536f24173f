import Kernel
import Testing

@Suite struct ProgramPagesTests {
    /// Kilobytes of files' pages that are mapped and resident. Source: proc(5), RssFile.
    private func residentFileKilobytes() throws -> Int {
        var reader = FileReader()
        let bytes = try reader.read("/proc/self/status")
        var text: [UInt8] = []
        for offset in 0..<bytes.byteCount {
            text.append(bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self))
        }
        let line = String(decoding: text, as: UTF8.self).split(separator: "\n")
            .first { $0.hasPrefix("RssFile:") }
        let fields = try #require(line).split(whereSeparator: \.isWhitespace)
        return try #require(Int(fields[1]))
    }

    @Test func releasingGivesPagesBackAndTheProgramGoesOn() throws {
        let before = try residentFileKilobytes()
        ProgramPages.release()
        let after = try residentFileKilobytes()
        // Tests beside this one bring pages back meanwhile, but not all that starting has touched.
        #expect(after < before)
        // Code that has run before runs again, from the page cache.
        #expect([3, 1, 2].sorted() == [1, 2, 3])
    }
}
