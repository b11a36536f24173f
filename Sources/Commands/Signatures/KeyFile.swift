import Kernel

/// A file with one key: a line of the key's kind, its id and itself, and comments behind `#`.
///
/// ```
/// # for vireo host exec --sign
/// ed25519-private ops-1 BASE64-OF-32-BYTES
/// ```
///
/// | kind | the key is written as |
/// |---|---|
/// | `ed25519-private` | base64 of the 32 bytes of its seed: for those who sign |
/// | `ed25519-public` | base64 of 32 bytes: for those who verify |
/// | `hmac-sha256` | hexadecimal digits of 16 to 128 bytes: for both |
/// | `infiniservice` | 64 hexadecimal digits, which are the key as they stand: for both |
///
/// InfiniService's own secret, those digits and nothing else, is taken as well where a policy says
/// that the file holds one.
///
/// A secret one is read only from `$CREDENTIALS_DIRECTORY` or from a file of mode 0600 in the right
/// hands, and never passes through a string.
public enum KeyFile {
    /// Bytes of a file with a key; the longest key has 300.
    public static let bytesMax = 4096

    /// The key in a file that only its owner may read.
    ///
    /// - Parameters:
    ///   - path: of the file, at most ``bytesMax`` bytes.
    ///   - bareID: the id of a key for InfiniService's envelope that may stand alone.
    public static func load(_ path: String, bareID: String? = nil) throws(KeyError) -> Key {
        try load(path, .owner, bareID)
    }

    /// The key that the service manager passed on. Source: systemd.exec(5), LoadCredential=.
    ///
    /// - Parameters:
    ///   - name: of the credential, which is the name of its file.
    ///   - directory: the value of `$CREDENTIALS_DIRECTORY`; `nil` when it is not set.
    ///   - bareID: the id of a key for InfiniService's envelope that may stand alone.
    public static func load(
        credential name: String, in directory: String?, bareID: String? = nil
    ) throws(KeyError) -> Key {
        guard let directory else { throw .noCredentials(name) }
        return try load("\(directory)/\(name)", .ownerAndGroup, bareID)
    }

    private static func load(
        _ path: String, _ privacy: TrustedFile.Privacy, _ bareID: String?
    ) throws(KeyError) -> Key {
        let text: SecretBytes
        do {
            let file = try TrustedFile.open(path, bytesMax: bytesMax, privacy: privacy)
            text = try SecretBytes.reading(file, bytesMax: bytesMax)
        } catch let error as TrustedFileError {
            throw .file(error)
        } catch {
            throw .empty(path)
        }
        return try parse(text, file: path, bareID: bareID)
    }

    /// Takes the text of a file to pieces.
    static func parse(
        _ text: SecretBytes, file: String, bareID: String? = nil
    ) throws(KeyError) -> Key {
        let fields = try text.withBytes { (bytes) throws(KeyError) -> [Range<Int>] in
            try Self.fields(of: bytes, file)
        }
        if fields.count == 1, let bareID {
            let kind = Key.Kind.infiniService
            return try Key(
                id: bareID, kind: kind, material: try material(text, fields[0], kind, file))
        }
        guard fields.count == 3 else { throw .notAKeyLine(file) }
        let id = word(text, fields[1])
        guard let kind = Key.Kind(rawValue: word(text, fields[0])), PolicyKey.isID(id) else {
            throw .notAKeyLine(file)
        }
        return try Key(id: id, kind: kind, material: try material(text, fields[2], kind, file))
    }

    /// The places of the words of the one line that is no comment.
    private static func fields(
        of bytes: RawSpan, _ file: String
    ) throws(KeyError) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var place = 0
        while place < bytes.byteCount {
            var end = place
            while end < bytes.byteCount, bytes.byte(at: end) != UInt8(ascii: "\n") { end += 1 }
            let words = words(of: bytes, place..<end)
            place = end + 1
            if let first = words.first, bytes.byte(at: first.lowerBound) != UInt8(ascii: "#") {
                guard found.isEmpty else { throw .notAKeyLine(file) }
                found = words
            }
        }
        return found
    }

    private static func words(of bytes: RawSpan, _ line: Range<Int>) -> [Range<Int>] {
        var words: [Range<Int>] = []
        var start: Int?
        for place in line.lowerBound...line.upperBound {
            let isSpace =
                place == line.upperBound
                || [UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r")]
                    .contains(bytes.byte(at: place))
            if isSpace, let first = start {
                words.append(first..<place)
                start = nil
            } else if !isSpace, start == nil {
                start = place
            }
        }
        return words
    }

    /// A word that is no secret.
    private static func word(_ text: SecretBytes, _ range: Range<Int>) -> String {
        text.withBytes { bytes in
            String(decoding: range.map { bytes.byte(at: $0) }, as: UTF8.self)
        }
    }

    /// Decodes the key from one page into another, so that it is nowhere else.
    private static func material(
        _ text: SecretBytes, _ range: Range<Int>, _ kind: Key.Kind, _ file: String
    ) throws(KeyError) -> SecretBytes {
        let count = text.withBytes { byteCount(of: $0, range, kind) }
        guard count > 0 else { throw .notAKeyLine(file) }
        var isRight = false
        let material: SecretBytes
        do {
            material = try SecretBytes(count: count) { (room) throws(Errno) in
                isRight = text.withBytes { decode($0, range, kind, into: &room) }
            }
        } catch {
            throw .memory(error)
        }
        guard isRight else { throw .notAKeyLine(file) }
        return material
    }

    private static func byteCount(
        of bytes: RawSpan, _ range: Range<Int>, _ kind: Key.Kind
    ) -> Int {
        switch kind {
        case .ed25519Public, .ed25519Private:
            let padding = range.suffix(2).count { bytes.byte(at: $0) == UInt8(ascii: "=") }
            return SecretBase64.bytes(of: range.count, padding: padding)
        case .hmacSHA256: return range.count / 2
        case .infiniService: return range.count
        }
    }

    private static func decode(
        _ bytes: RawSpan, _ range: Range<Int>, _ kind: Key.Kind, into room: inout MutableRawSpan
    ) -> Bool {
        var count = 0
        func take(_ byte: UInt8) {
            guard count < room.byteCount else { return }
            room.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
            count += 1
        }
        func character(_ place: Int) -> UInt8 { bytes.byte(at: range.lowerBound + place) }
        switch kind {
        case .ed25519Public, .ed25519Private:
            return SecretBase64.decode(count: range.count, character, take)
        case .hmacSHA256:
            return Hexadecimal.decode(count: range.count, character, take)
        case .infiniService:
            for place in 0..<range.count { take(character(place)) }
            return Hexadecimal.decode(count: range.count, character) { _ in }
        }
    }
}
