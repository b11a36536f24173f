import Foundation
import Glibc
import Kernel
import Testing
import Wire

@testable import Commands

@Suite struct ActionFileTests {
    /// An open file of its own that has no name any more.
    private func temporaryFile(_ bytes: [UInt8] = []) throws -> Kernel.FileDescriptor {
        var path = Array(("/tmp/vireo-file-" + String(repeating: "X", count: 6)).utf8CString)
        let number = mkstemp(&path)
        try #require(number >= 0)
        unlink(path)
        let file = Kernel.FileDescriptor(owning: number)
        try file.write(bytes, at: 0)
        return file
    }

    private func parameters(_ values: [String: ActionValue]) -> ActionParameters {
        ActionParameters(values.merging(["path": .text("/srv/file")]) { own, _ in own })
    }

    @Test func aFileIsReadInChunksWithTheirChecksums() throws {
        let content = Array("hello, Wörld\n".utf8)
        let file = try temporaryFile(content)
        let whole = try data(FileTransfer.read(file, parameters([:])))
        #expect(
            whole["data"] as? String == "hello, Wörld\n" && whole["encoding"] as? String == "utf-8")
        #expect(whole["size"] as? Int == content.count && whole["eof"] as? Bool == true)
        // echo "hello, Wörld" | sha256sum
        #expect(whole["sha256"] as? String == (try FileTransfer.sha256(content)))
        // The chunk ends within ö, so that it is no UTF-8.
        let cut = try data(
            FileTransfer.read(file, parameters(["offset": .integer(7), "length": .integer(2)])))
        #expect(cut["encoding"] as? String == "base64" && cut["data"] as? String == "V8M=")
        #expect(cut["eof"] as? Bool == false)
        let behind = try data(FileTransfer.read(file, parameters(["offset": .integer(1 << 40)])))
        #expect(behind["length"] as? Int == 0 && behind["eof"] as? Bool == true)
    }

    @Test func aFileLongerThanThePolicyAllowsIsNeitherReadNorWritten() throws {
        let file = try temporaryFile(Array("12345".utf8))
        func code(_ body: () throws(ActionFailure) -> ActionAnswer) -> ErrorCode? {
            do throws(ActionFailure) {
                _ = try body()
                return nil
            } catch {
                return error.code
            }
        }
        let data = parameters(["offset": .integer(3), "data": .text("abc")])
        #expect(
            code { () throws(ActionFailure) in
                try FileTransfer.read(file, parameters([:]), bytesMax: 4)
            } == .resourceLimit)
        #expect(
            code { () throws(ActionFailure) in try FileTransfer.write(file, data, bytesMax: 5) }
                == .resourceLimit)
        #expect(
            code { () throws(ActionFailure) in
                try FileTransfer.read(file, parameters([:]), bytesMax: 5)
            } == nil)
        #expect(
            code { () throws(ActionFailure) in try FileTransfer.write(file, data, bytesMax: 6) }
                == nil)
    }

    @Test func checksumsAreTheStandards() throws {
        // FIPS 180-4's own examples.
        #expect(
            try FileTransfer.sha256(Array("abc".utf8))
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            try FileTransfer.sha256([])
                == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }

    @Test func anyBytesSurviveBothWays() throws {
        let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ $0 >> 7) }
        let source = try temporaryFile(bytes)
        let copy = try temporaryFile(Array(repeating: 9, count: 500_000))
        var offset = 0
        while offset < bytes.count {
            let chunk = try data(
                FileTransfer.read(
                    source,
                    parameters(["offset": .integer(Int64(offset)), "length": .integer(70_001)])))
            let count = try #require(chunk["length"] as? Int)
            var values: [String: ActionValue] = [
                "offset": .integer(Int64(offset)),
                "data": .text(try #require(chunk["data"] as? String)),
                "encoding": .text(try #require(chunk["encoding"] as? String)),
            ]
            offset += count
            if chunk["eof"] as? Bool == true {
                values["sha256"] = .text(try FileTransfer.sha256(bytes))
            }
            let written = try FileTransfer.write(copy, parameters(values))
            #expect(written.success)
        }
        // What was longer before ends where the last chunk ends.
        #expect(try copy.status().sizeBytes == 300_000)
        #expect(try copy.bytes(at: 0, count: 400_000) == bytes)
    }

    @Test func aChunkOfTheLargestSizeFitsInAFrame() throws {
        for byte: UInt8 in [0x61, 0x00, 0x22, 0xFF] {
            let file = try temporaryFile(
                Array(repeating: byte, count: ActionLimits.chunkBytesMax))
            let answer = try FileTransfer.read(file, parameters([:]))
            #expect(frameBytes(answer) != nil)
            #expect(try data(answer)["length"] as? Int == ActionLimits.chunkBytesMax)
        }
    }

    @Test func aWrongChecksumIsAFailure() throws {
        let file = try temporaryFile()
        let values: [String: ActionValue] = [
            "data": .text("abc"), "sha256": .text(String(repeating: "0", count: 64)),
        ]
        #expect(throws: ActionFailure.self) { try FileTransfer.write(file, parameters(values)) }
    }

    @Test func badChunksAreRefused() throws {
        let file = try temporaryFile()
        let wrong: [[String: ActionValue]] = [
            [:], ["data": .integer(1)], ["data": .text("a"), "encoding": .text("latin1")],
            ["data": .text("YQ"), "encoding": .text("base64")],
            ["data": .text("YR=="), "encoding": .text("base64")],
            ["data": .text("Y=Q="), "encoding": .text("base64")],
            ["data": .text("YQ==YQ=="), "encoding": .text("base64")],
            ["data": .text("a"), "offset": .integer(-1)],
            ["data": .text("a"), "offset": .integer(Int64.max)],
            ["data": .text("a"), "offset": .integer(ActionLimits.fileBytesMax)],
            ["data": .text("a"), "sha256": .text("xyz")],
            ["data": .text(String(repeating: "a", count: ActionLimits.chunkBytesMax + 1))],
        ]
        for values in wrong {
            #expect(throws: ActionFailure.self) { try FileTransfer.write(file, parameters(values)) }
        }
        #expect(try file.status().sizeBytes == 0, "nothing was written")
    }

    @Test func onlyRegularFilesAreRead() throws {
        let device = try Kernel.FileDescriptor.open("/dev/zero", .read)
        #expect(throws: ActionFailure.self) { try FileTransfer.read(device, parameters([:])) }
        let folder = try Kernel.FileDescriptor.open("/tmp", .directory)
        #expect(throws: ActionFailure.self) { try FileTransfer.read(folder, parameters([:])) }
    }

    @Test func base64IsTheStandards() {
        // RFC 4648, section 10.
        let vectors = [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
        ]
        for (text, code) in vectors {
            #expect(Base64.encode(Array(text.utf8)) == code)
            #expect(Base64.decode(code) == Array(text.utf8))
        }
        for code in ["Z", "Zg=", "Z===", "====", "Zg==\n", "Zm9v Zm9v", "Zm9\u{0}", "Zh=="] {
            #expect(Base64.decode(code) == nil, "\(code)")
        }
    }
}
