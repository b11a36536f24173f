import Foundation
import Kernel
import Testing
import Wire

@testable import Commands

/// What Tests/Fixtures/envelopes holds: made by Python's hmac and by the openssl program.
enum EnvelopeFixture {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures/envelopes")

    static func lines(_ name: String) throws -> [String] {
        try String(contentsOf: folder.appending(path: name), encoding: .utf8)
            .split(separator: "\n").map(String.init)
    }

    /// Ed25519, HMAC-SHA256, InfiniService.
    static func envelopes() throws -> [SignedEnvelope] {
        try lines("envelopes.jsonl").map(envelope)
    }

    static func envelope(_ line: String) throws -> SignedEnvelope {
        var parser = try JSONParser()
        try parser.parse(RawSpan(_elements: Array(line.utf8).span))
        guard case .signed(let envelope) = HostMessage(parser.root) else {
            throw FixtureError(line: line)
        }
        return envelope
    }

    struct FixtureError: Error { let line: String }

    static func keys() throws -> [Key] {
        try lines("keys.txt").map { line in
            let bytes = Array((line + "\n").utf8)
            let text = try SecretBytes(count: bytes.count) { span in
                for (place, byte) in bytes.enumerated() {
                    span.storeBytes(of: byte, toByteOffset: place, as: UInt8.self)
                }
            }
            return try KeyFile.parse(text, file: "keys.txt")
        }
    }

    /// All but the private one.
    static func ring() throws -> KeyRing {
        KeyRing(try keys().filter { $0.kind != .ed25519Private })
    }

    static let epoch = Epoch("00112233445566778899aabbccddeeff")!
    /// When the third envelope was signed, in milliseconds since 1970.
    static let signedAt: Int64 = 1_800_000_000_000
    /// The agent started an hour before `clocks()`.
    static let startedAt = BootTime(nanoseconds: 1_000_000_000)

    static func clocks(
        wall offset: Int64 = 0, boot milliseconds: UInt64 = 3_600_000
    ) -> EnvelopeClocks {
        EnvelopeClocks(
            wallMilliseconds: signedAt + offset,
            boot: BootTime(nanoseconds: 1_000_000_000 + milliseconds * 1_000_000))
    }

    static func verifier(
        _ keys: KeyRing? = nil, machine: String = "vm-1", epoch: Epoch = epoch
    ) throws -> EnvelopeVerifier {
        EnvelopeVerifier(
            keys: try keys ?? ring(), machine: machine, epoch: epoch, startedAt: startedAt)
    }
}

extension Verification {
    var keyID: String? {
        if case .verified(_, let keyID) = self { return keyID }
        return nil
    }

    var refusal: EnvelopeRefusal? {
        if case .refused(let refusal) = self { return refusal }
        return nil
    }
}
