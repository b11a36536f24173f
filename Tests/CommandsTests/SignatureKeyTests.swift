import Foundation
import Glibc
import Kernel
import Testing
import Wire

@testable import Commands

@Suite struct SignatureKeyTests {
    private func load(_ text: String, mode: mode_t = 0o600) throws -> Key {
        let folder = try TrustedFolder()
        return try KeyFile.load(try folder.write("key", text, mode: mode))
    }

    private static let seed = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

    @Test func aKeyFileIsOneLineWithComments() throws {
        let key = try load("# a comment\n\n  ed25519-private  ops-1\t\(Self.seed)\r\n# end")
        #expect(key.id == "ops-1" && key.kind == .ed25519Private)
        // RFC 8032 gives this public key; so does the openssl program.
        #expect(key.publicKeyText == "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=")
        #expect(key.exposedLine() == "ed25519-private ops-1 \(Self.seed)\n")
    }

    @Test(arguments: [
        "", "\n", "# only\n", "ed25519-private ops-1\n", "rsa ops-1 AAAA\n",
        "ed25519-private ../x \(seed)\n", "ed25519-private a \(seed) more\n",
        "ed25519-private a \(seed)\ned25519-private b \(seed)\n", "ed25519-private a AAAA\n",
        "ed25519-private a \(seed.dropLast(2))==\n", "ed25519-private a *\(seed.dropFirst())\n",
        "hmac-sha256 a 00\n", "hmac-sha256 a zz\(String(repeating: "0", count: 62))\n",
        "infiniservice a 1234\n", "infiniservice a \(String(repeating: "z", count: 64))\n",
    ])
    func anythingElseIsNoKeyFile(text: String) throws {
        let error = #expect(throws: KeyError.self) { try load(text) }
        #expect("\(try #require(error))".contains(Self.seed) == false)
    }

    @Test(arguments: [0o640, 0o604, 0o644, 0o660] as [mode_t])
    func aFileThatOthersMayReadIsRefused(mode: mode_t) throws {
        let error = #expect(throws: KeyError.self) {
            try load("ed25519-private a \(Self.seed)\n", mode: mode)
        }
        #expect("\(try #require(error))".contains("chmod "))
    }

    @Test func aCredentialComesFromItsDirectoryAlone() throws {
        let folder = try TrustedFolder()
        try folder.write(
            "host", "hmac-sha256 host \(String(repeating: "ab", count: 32))\n", mode: 0o440)
        #expect(try KeyFile.load(credential: "host", in: folder.path).id == "host")
        #expect(throws: KeyError.noCredentials("host")) {
            try KeyFile.load(credential: "host", in: nil)
        }
        #expect(throws: KeyError.self) { try KeyFile.load(credential: "none", in: folder.path) }
    }

    @Test func aRingHoldsWhatThePolicyNames() throws {
        let folder = try TrustedFolder()
        let file = try folder.write(
            "k", "hmac-sha256 host \(String(repeating: "ab", count: 32))\n", mode: 0o600)
        let public_ = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
        func ring(_ keys: String) throws -> KeyRing {
            try KeyRing(for: try policy("keys: [\(keys)]\n"), credentialsDirectory: folder.path)
        }
        let both = try ring(
            "{kid: ops-1, algorithm: ed25519, public_key: \"\(public_)\", may: all}, "
                + "{kid: host, algorithm: hmac-sha256, file: \(file), may: all}")
        #expect(both.key("ops-1", algorithm: "ed25519") != nil)
        #expect(both.key("host", algorithm: "hmac-sha256") != nil)
        #expect(both.key("host", algorithm: "ed25519") == nil)
        for wrong in [
            "{kid: other, algorithm: hmac-sha256, file: \(file), may: all}",
            "{kid: host, algorithm: infiniservice, file: \(file), may: all}",
            "{kid: host, algorithm: ed25519, credential: k, may: all}",
            "{kid: host, algorithm: hmac-sha256, file: /none, may: all}",
        ] {
            #expect(throws: KeyError.self, "\(wrong)") { try ring(wrong) }
        }
    }

    @Test func infiniServicesSecretMayStandAlone() throws {
        let folder = try TrustedFolder()
        let secret = String(repeating: "0123456789abcdef", count: 4)
        try folder.write("vm", secret + "\n", mode: 0o400)
        func ring(_ algorithm: String) throws -> KeyRing {
            let text = "keys: [{kid: vm, algorithm: \(algorithm), credential: vm, may: all}]\n"
            return try KeyRing(for: try policy(text), credentialsDirectory: folder.path)
        }
        #expect(try ring("infiniservice").infiniService.map(\.id) == ["vm"])
        #expect(throws: KeyError.self) { try ring("hmac-sha256") }
        try folder.write("vm2", "x" + secret.dropFirst(), mode: 0o400)
        #expect(throws: KeyError.self) {
            try KeyFile.load(credential: "vm2", in: folder.path, bareID: "vm")
        }
    }

    @Test func noKeyIsEverPrinted() throws {
        let key = try Key(id: "a", kind: .hmacSHA256, bytes: Array("0123456789abcdef".utf8))
        var dumped = ""
        dump(key, to: &dumped)
        for text in ["\(key)", String(reflecting: key), dumped, "\([key])"] {
            #expect(!text.contains("0123456789abcdef") && !text.contains("48, 49"), "\(text)")
        }
        let secret = try SecretBytes.random(count: 32)
        #expect("\(secret)" == "(secret)" && String(reflecting: secret) == "(secret)")
    }

    @Test func aSecretIsKeptFromCoreDumps() throws {
        let secret = try SecretBytes.random(count: 32)
        let place = secret.withBytes { bytes in
            bytes.withUnsafeBytes { UInt(bitPattern: $0.baseAddress!) }
        }
        // proc(5): VmFlags dd is "do not include area into core dump", lo "pages are locked".
        var reader = FileReader(bytesMax: 64 << 20)
        let maps = try reader.read("/proc/self/smaps").repairedText
        var isInside = false
        var flags: [Substring] = []
        for line in maps.split(separator: "\n") {
            let ends = line.prefix { $0 != " " }.split(separator: "-")
            if ends.count == 2, let low = UInt(ends[0], radix: 16),
                let high = UInt(ends[1], radix: 16)
            {
                isInside = (low..<high).contains(place)
            } else if isInside, line.hasPrefix("VmFlags:") {
                flags = line.split(separator: " ")
            }
        }
        #expect(flags.contains("dd"))
        if secret.isLocked { #expect(flags.contains("lo")) }
    }

    @Test func newKeysDiffer() throws {
        let keys = try (0..<8).map { _ in try Key.random(id: "a", kind: .ed25519Private) }
        #expect(Set(keys.map { $0.exposedLine() }).count == 8)
    }

    @Test func whatIsSignedHereIsVerifiedHereThroughTheWire() throws {
        for kind in [Key.Kind.ed25519Private, .hmacSHA256] {
            let key = try Key.random(id: "k.1", kind: kind)
            var signer = EnvelopeSigner(
                key: key, machine: "vm \u{e9}\"", epoch: EnvelopeFixture.epoch, counter: 41)
            let payload = "{\"type\":\"Exec\",\"x\":\"\u{1F600}\\n\"}"
            let signed = signer.sign(payload)
            let first = try #require(signed)
            #expect(signer.counter == 42)
            let verifying =
                try key.publicKey.map { try Key(id: "k.1", kind: .ed25519Public, bytes: $0) } ?? key
            var verifier = try EnvelopeFixture.verifier(
                KeyRing([verifying]), machine: "vm \u{e9}\"")
            let read = try EnvelopeFixture.envelope(try frame(first))
            #expect(read == first)
            #expect(
                verifier.verify(read, at: EnvelopeFixture.clocks())
                    == .verified(payload, keyID: "k.1"))
        }
    }

    private func frame(_ message: SignedEnvelope) throws -> String {
        var bytes = [UInt8](repeating: 0, count: 4096)
        var count = 0
        do {
            var span = bytes.mutableSpan
            var writer = JSONWriter(MutableRawSpan(_elements: &span))
            guard case .written(let written) = message.encode(into: &writer) else { return "" }
            count = written
        }
        return String(decoding: bytes[..<(count - 1)], as: UTF8.self)
    }

    @Test func aKeyThatOnlyVerifiesSignsNothing() throws {
        let keys = try EnvelopeFixture.keys()
        #expect(keys.map(EnvelopeSigner.canSign(with:)) == [true, false, true, false])
        #expect(keys[1].signature(of: "x") == nil)
    }

    @Test func theSignaturesAreThoseOfOthers() throws {
        let keys = try EnvelopeFixture.keys()
        let envelopes = try EnvelopeFixture.envelopes()
        for (key, counter, envelope) in [(keys[0], 7, envelopes[0]), (keys[2], 1, envelopes[1])] {
            var signer = EnvelopeSigner(
                key: key, machine: "vm-1", epoch: EnvelopeFixture.epoch, counter: UInt64(counter))
            let signed = signer.sign(envelope.payload)
            #expect(signed == envelope)
        }
    }

    @Test func base64IsStrict() {
        for count in 0..<20 {
            let bytes = (0..<UInt8(count)).map { $0 &* 37 &+ 11 }
            let text = SecretBase64.encode(bytes)
            #expect(text == Data(bytes).base64EncodedString())
            #expect(SecretBase64.decode(text) == bytes)
        }
        for text in [
            "A", "AA", "AAA", "A===", "====", "AA=A", "AB==", "AAB=", "AA==AAAA", "AA A", "A-A_",
        ] {
            #expect(SecretBase64.decode(text) == nil, "\(text)")
        }
    }
}
