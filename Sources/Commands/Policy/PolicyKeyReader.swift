import YAML

/// Reads `keys` of a policy.
enum PolicyKeyReader {
    static func keys(_ node: YAMLNode) throws(YAMLError) -> [PolicyKey] {
        var keys: [PolicyKey] = []
        for element in try node.elements() {
            let key = try key(element)
            guard !keys.contains(where: { $0.id == key.id }) else {
                throw element.error("a second key \"\(key.id)\"", "give each an id of its own")
            }
            keys.append(key)
        }
        guard keys.count <= PolicyLimits.keysMax else {
            throw node.error("more than \(PolicyLimits.keysMax) keys", "remove some")
        }
        return keys
    }

    private static func key(_ node: YAMLNode) throws(YAMLError) -> PolicyKey {
        let fields = try node.fields(known: [
            "kid", "algorithm", "public_key", "credential", "file", "may",
        ])
        let idNode = try fields.required("kid")
        let id = try idNode.string()
        guard PolicyKey.isID(id) else {
            throw idNode.error(
                "\"\(id.shown)\" is no key id", "use 1 to 64 letters, digits, \".\", \"_\", \"-\"")
        }
        let algorithm = try word(
            try fields.required("algorithm"), PolicyKey.Algorithm.allCases,
            PolicyKey.Algorithm.init)
        return PolicyKey(
            id: id, algorithm: algorithm, source: try source(fields, algorithm),
            grants: try grants(try fields.required("may")))
    }

    private static func grants(_ node: YAMLNode) throws(YAMLError) -> Set<PolicyKey.Grant> {
        var nodes = [node]
        if case .sequence(let elements) = node.content { nodes = elements }
        var grants: Set<PolicyKey.Grant> = []
        for element in nodes {
            grants.insert(try word(element, PolicyKey.Grant.allCases, PolicyKey.Grant.init))
        }
        return grants
    }

    private static func source(
        _ fields: YAMLFields, _ algorithm: PolicyKey.Algorithm
    ) throws(YAMLError) -> PolicyKey.Source {
        let given = ["public_key", "credential", "file"].filter { fields[$0] != nil }
        guard given.count == 1 else {
            throw YAMLError(
                fields.place, "a key has to come from one place",
                "give one of public_key, credential and file")
        }
        if let node = fields["public_key"] {
            guard algorithm == .ed25519 else {
                throw node.error(
                    "a secret key in the policy",
                    "put it into a file of mode 0600, or a credential, and name that")
            }
            guard let bytes = SecretBase64.decode(try node.string()), bytes.count == 32 else {
                throw node.error(
                    "no Ed25519 public key", "give its 32 bytes in base64, 44 characters")
            }
            return .publicKey(bytes)
        }
        if let node = fields["credential"] {
            let name = try node.string()
            guard PolicyKey.isID(name) else {
                throw node.error(
                    "\"\(name.shown)\" is no credential's name",
                    "give the name alone, as LoadCredential= has it")
            }
            return .credential(name)
        }
        let node = try fields.required("file")
        let path = try node.string()
        guard isPlainPath(path) else {
            throw node.error("\"\(path.shown)\" is no plain absolute path", "write it from / on")
        }
        return .file(path)
    }

    /// One of a few words.
    private static func word<Word: RawRepresentable<String>>(
        _ node: YAMLNode, _ all: [Word], _ make: (String) -> Word?
    ) throws(YAMLError) -> Word {
        let text = try node.string()
        guard let word = make(text) else {
            throw node.error(
                "\"\(text.shown)\" is not known here",
                YAMLError.suggestion(for: text, known: all.map(\.rawValue)))
        }
        return word
    }
}
