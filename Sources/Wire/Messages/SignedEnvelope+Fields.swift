extension SignedEnvelope {
    /// The members of an envelope beside its payload, by version.
    public enum Authentication: Hashable, Sendable {
        /// `"v":1`, InfiniService's: milliseconds since 1970, a word used once, the signature.
        case infiniService(milliseconds: Int64, nonce: String, signature: String)
        /// `"v":2`, ours: algorithm, key, machine, life of the agent, counter, signature.
        case vireo(
            algorithm: String, keyID: String, machine: String, epoch: Epoch, counter: UInt64,
            signature: String)

        var version: UInt64 {
            switch self {
            case .infiniService: 1
            case .vireo: 2
            }
        }

        init?(version: UInt64, _ members: inout JSONMembers) {
            switch version {
            case 1:
                guard let milliseconds = members.integer("ts"), let nonce = members.word("nonce"),
                    let signature = members.word("sig")
                else { return nil }
                self = .infiniService(
                    milliseconds: milliseconds, nonce: nonce, signature: signature)
            case 2:
                guard let algorithm = members.word("alg"), let keyID = members.word("kid"),
                    let machine = members.word("vm"),
                    let epoch = members.word("epoch").flatMap(Epoch.init),
                    let counter = members.unsigned("n"), let signature = members.word("sig")
                else { return nil }
                self = .vireo(
                    algorithm: algorithm, keyID: keyID, machine: machine, epoch: epoch,
                    counter: counter, signature: signature)
            default: return nil
            }
        }
    }

    /// The bytes that are signed.
    ///
    /// Source: protocol, "Commands" for version 2; InfiniService's host for version 1.
    public var signedText: String? {
        switch authentication {
        case .infiniService(let milliseconds, let nonce, _):
            "1\n\(milliseconds)\n\(nonce)\n\(payload)"
        case .vireo(let algorithm, let keyID, let machine, let epoch, let counter, _):
            "vireo-signed-2\n\(algorithm)\n\(keyID)\n\(machine)\n\(epoch)\n\(counter)\n\(payload)"
        case nil: nil
        }
    }
}

extension SignedEnvelope: WireMessage {
    /// Host to guest, `signed`.
    public func encodeMembers(into writer: inout JSONWriter) {
        writer.member("type", "signed")
        writer.member("v", version)
        switch authentication {
        case .infiniService(let milliseconds, let nonce, let signature):
            writer.member("ts", milliseconds)
            writer.member("nonce", nonce)
            writer.member("payload", payload)
            writer.member("sig", signature)
        case .vireo(let algorithm, let keyID, let machine, let epoch, let counter, let signature):
            writer.member("alg", algorithm)
            writer.member("kid", keyID)
            writer.member("vm", machine)
            writer.member("epoch", epoch)
            writer.member("n", counter)
            writer.member("payload", payload)
            writer.member("sig", signature)
        case nil:
            writer.member("payload", payload)
        }
    }
}

extension JSONMembers {
    /// A string of 1 to ``WireLimits/identifierBytesMax`` bytes without control characters, so that
    /// a newline can never move from one signed field into the next.
    fileprivate mutating func word(_ name: StaticString) -> String? {
        guard let text = string(name),
            (1...WireLimits.identifierBytesMax).contains(text.utf8.count),
            text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
        else { return nil }
        return text
    }
}
