import CSimdjson

/// Reads JSON from strangers: strictly, within ``WireLimits``, one text at a time.
///
/// ```swift
/// var parser = try JSONParser()
/// try parser.parse(frame)
/// if let type = parser.root.member("type")?.string { ... }
/// ```
///
/// The values of a text borrow the parser: they cannot be kept past the next `parse`. An idle
/// parser holds some 60 KB; after a frame of 1 MiB it holds up to 16 MB of address space, whose
/// pages the next short frame gives back.
///
/// Source: RFC 8259; simdjson's DOM underneath, which validates UTF-8 and numbers.
@safe public struct JSONParser: ~Copyable {
    /// SAFETY: created in init, destroyed in deinit, and used by nobody else: values borrow `self`.
    private let handle: OpaquePointer

    /// Bytes behind a frame that let it be parsed where it lies.
    public static let paddingBytes = csimdjson_padding

    /// - Throws: ``JSONError/outOfMemory``.
    public init() throws(JSONError) {
        let limits = csimdjson_limits(
            bytes_max: UInt32(WireLimits.frameBytesMax - 1),
            depth_max: UInt32(WireLimits.depthMax), tokens_max: UInt32(WireLimits.tokensMax))
        guard let handle = unsafe csimdjson_create(limits) else { throw .outOfMemory }
        unsafe self.handle = handle
    }

    deinit { unsafe csimdjson_destroy(handle) }

    /// Parses a whole frame, without its newline. It is copied once, for want of padding.
    ///
    /// - Throws: why it was refused; ``root`` is then missing.
    public mutating func parse(_ frame: RawSpan) throws(JSONError) {
        try parse(frame, count: frame.byteCount)
    }

    /// Parses the first `count` bytes of `readable` and ignores the rest, which nevertheless pays:
    /// with ``paddingBytes`` of it the frame is parsed where it lies, and no byte is copied.
    ///
    /// - Throws: why it was refused; ``root`` is then missing.
    public mutating func parse(_ readable: RawSpan, count: Int) throws(JSONError) {
        precondition(count >= 0 && count <= readable.byteCount, "a frame ends inside its bytes")
        let result = unsafe csimdjson_parse(handle, readable, count)
        if let error = JSONError(result) { throw error }
    }

    /// The value of the text parsed last. It is of type ``JSONType/missing`` before the first text
    /// and after one that was refused.
    public var root: JSONValue {
        @_lifetime(borrow self)
        get { unsafe JSONValue(csimdjson_root(handle), in: self) }
    }

    /// Address space held for parsing, in bytes, whether touched or not.
    public var memoryBytes: Int { unsafe Int(csimdjson_memory_bytes(handle)) }
}

// SAFETY: a parser has one owner, its C side has no thread of its own, and values cannot outlive
// the borrow, so that it may move between threads.
extension JSONParser: @unchecked Sendable {}

extension JSONError {
    init?(_ result: csimdjson_result) {
        switch result {
        case CSIMDJSON_OK: return nil
        case CSIMDJSON_BAD_UTF8: self = .notUTF8
        case CSIMDJSON_BYTE_ORDER_MARK: self = .byteOrderMark
        case CSIMDJSON_BAD_NUMBER: self = .badNumber
        case CSIMDJSON_TOO_DEEP: self = .tooDeep
        case CSIMDJSON_TOO_MANY_TOKENS: self = .tooManyTokens
        case CSIMDJSON_TOO_LONG: self = .tooLong
        case CSIMDJSON_DUPLICATE_NAME: self = .duplicateName
        case CSIMDJSON_OUT_OF_MEMORY: self = .outOfMemory
        default: self = .notJSON
        }
    }
}
