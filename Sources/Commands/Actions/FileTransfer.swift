import CCrypto
public import Kernel
import Wire

/// Reads and writes a file in chunks, through a descriptor that the policy opened.
///
/// ```swift
/// let file = try policy.open(request)                    // openat2(2) below an allowed directory
/// let answer = try FileTransfer.read(file, parameters)   // or write
/// ```
///
/// Each chunk read carries the SHA-256 of its bytes. The last chunk written carries the SHA-256 of
/// the whole file, which is then read back and compared.
public enum FileTransfer {
    /// `FileRead`: `length` bytes from `offset` on, of a file that has at most `bytesMax`.
    ///
    /// - Throws: `INVALID_MESSAGE` for a parameter or when it is no regular file, `RESOURCE_LIMIT`
    ///   for one that is longer.
    public static func read(
        _ file: borrowing FileDescriptor, _ parameters: ActionParameters,
        bytesMax: Int64 = .max
    ) throws(ActionFailure) -> ActionAnswer {
        let path = try parameters.requiredText("path")
        let offset = try parameters.integer("offset", in: 0...Int64.max) ?? 0
        let longest = Int64(ActionLimits.chunkBytesMax)
        let length = try parameters.integer("length", in: 0...longest) ?? longest
        let bytes: [UInt8]
        let size: Int64
        do throws(Errno) {
            guard try file.isRegularFile() else { throw .invalid }
            size = try file.status().sizeBytes
            guard size <= bytesMax else { throw .tooLarge }
            bytes = offset < size ? try file.bytes(at: offset, count: Int(length)) : []
        } catch {
            throw failure(path, error)
        }
        let text = Self.text(of: bytes)
        let digest = try sha256(bytes)
        let document = ActionDocument([
            ("path", .text(path)), ("offset", .integer(offset)), ("length", .count(bytes.count)),
            ("size", .integer(size)), ("eof", .truth(offset + Int64(bytes.count) >= size)),
            ("encoding", .text(text == nil ? "base64" : "utf-8")),
            ("data", .text(text ?? Base64.encode(bytes))), ("sha256", .text(digest)),
        ])
        return .of(document)
    }

    /// `FileWrite`: `data` at `offset`. With `sha256` it is the last chunk: the file ends with it.
    ///
    /// - Throws: `COMMAND_FAILED` when the whole file has another checksum, `RESOURCE_LIMIT` beyond
    ///   `bytesMax` or ``ActionLimits/fileBytesMax``.
    public static func write(
        _ file: borrowing FileDescriptor, _ parameters: ActionParameters,
        bytesMax: Int64 = ActionLimits.fileBytesMax
    ) throws(ActionFailure) -> ActionAnswer {
        let path = try parameters.requiredText("path")
        let bytes = try data(parameters)
        guard bytes.count <= ActionLimits.chunkBytesMax else {
            throw .invalid("data is at most \(ActionLimits.chunkBytesMax) bytes; send more chunks")
        }
        let offset = try parameters.integer("offset", in: 0...Int64.max) ?? 0
        let end = offset.addingReportingOverflow(Int64(bytes.count))
        let longest = min(bytesMax, ActionLimits.fileBytesMax)
        guard !end.overflow, end.partialValue <= longest else {
            throw ActionFailure(
                code: .resourceLimit, reason: "a file is at most \(longest) bytes long")
        }
        let expected = try parameters.text("sha256")?.lowercased()
        if let expected {
            guard expected.utf8.count == 64, expected.allSatisfy(\.isHexDigit) else {
                throw .invalid("sha256 has 64 hexadecimal digits")
            }
        }
        do throws(Errno) {
            guard try file.isRegularFile() else { throw .invalid }
            try file.write(bytes, at: offset)
            if expected != nil {
                try file.setSize(end.partialValue)
                try file.synchronize()
            }
        } catch {
            throw failure(path, error)
        }
        var members: [(String, JSONTree)] = [
            ("path", .text(path)), ("offset", .integer(offset)), ("length", .count(bytes.count)),
        ]
        if let expected {
            let digest = try sha256(of: file, count: end.partialValue)
            guard digest == expected else {
                throw .failed("\(path) has SHA-256 \(digest), not \(expected); write it again")
            }
            members += [("size", .integer(end.partialValue)), ("sha256", .text(digest))]
        }
        return .of(ActionDocument(members))
    }

    private static func data(_ parameters: ActionParameters) throws(ActionFailure) -> [UInt8] {
        guard let text = try parameters.text("data") else { throw .invalid("data is missing") }
        switch try parameters.text("encoding") ?? "utf-8" {
        case "utf-8": return Array(text.utf8)
        case "base64":
            guard let bytes = Base64.decode(text) else { throw .invalid("data is not base64") }
            return bytes
        default: throw .invalid("encoding is utf-8 or base64")
        }
    }

    /// The bytes as text if they are UTF-8 that JSON writes short; binary is shorter in base64.
    private static func text(of bytes: [UInt8]) -> String? {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        return text.encodedBytes <= bytes.count * 4 / 3 + 4 ? text : nil
    }

    private static func failure(_ path: String, _ error: Errno) -> ActionFailure {
        switch error {
        case .invalid: .invalid("\(path) is no regular file")
        case .tooLarge:
            ActionFailure(code: .resourceLimit, reason: "\(path) is longer than the policy allows")
        default: .failed("\(path): \(error)")
        }
    }

    /// In hexadecimal digits. Source: FIPS 180-4, by libcrypto.
    static func sha256(_ bytes: [UInt8]) throws(ActionFailure) -> String {
        var digest = [UInt8](repeating: 0, count: 32)
        do {
            var room = digest.mutableSpan
            let result = ccrypto_sha256(RawSpan(_elements: bytes.span), &room)
            guard result == 1 else { throw ActionFailure.failed("libcrypto has no SHA-256") }
        }
        return hexadecimal(digest)
    }

    static func sha256(
        of file: borrowing FileDescriptor, count: Int64
    ) throws(ActionFailure) -> String {
        var digest = [UInt8](repeating: 0, count: 32)
        do {
            var room = digest.mutableSpan
            let result = ccrypto_sha256_of_file(file.number, count, &room)
            guard result == 1 else { throw ActionFailure.failed("the file became shorter") }
        }
        return hexadecimal(digest)
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        let text = bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }
}
