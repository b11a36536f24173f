/// Writes JSON straight into bytes that somebody else owns, such as the free part of a send ring.
///
/// ```swift
/// var writer = JSONWriter(ring.freeBytes)
/// writer.beginObject()
/// writer.member("type", "ping")
/// writer.member("sequence", 7)
/// writer.endObject()
/// if !writer.overflowed { ring.commit(writer.count) }
/// ```
///
/// It places commas and escapes strings; that brackets match and that members stand in objects is
/// up to the caller. It never allocates. When room runs out it sets ``overflowed`` and does nothing
/// more: ``count`` bytes are written then, and ``rewind(to:)`` undoes what did not fit.
public struct JSONWriter: ~Copyable, ~Escapable {
    private var bytes: MutableRawSpan
    /// Bytes written so far.
    public private(set) var count = 0
    /// Values and member names written so far, as ``WireLimits/tokensMax`` counts them.
    public private(set) var tokens = 0
    /// Whether something did not fit. Nothing is written from then on.
    public private(set) var overflowed = false
    /// Where writing stops: the end of the room, or `count` after an overflow, so that one
    /// comparison decides both.
    private var limit: Int
    private var needsComma = false

    /// Writes from the first of `bytes` on.
    @_lifetime(copy bytes)
    public init(_ bytes: consuming MutableRawSpan) {
        limit = bytes.byteCount
        self.bytes = bytes
    }

    /// Bytes that may still be written.
    public var room: Int { limit - count }

    /// What is written so far.
    public var written: RawSpan {
        @_lifetime(borrow self)
        borrowing get { bytes.bytes.extracting(first: count) }
    }

    // MARK: Structure

    public mutating func beginObject() { open(UInt8(ascii: "{")) }
    public mutating func endObject() { close(UInt8(ascii: "}")) }
    public mutating func beginArray() { open(UInt8(ascii: "[")) }
    public mutating func endArray() { close(UInt8(ascii: "]")) }

    /// The name of the member whose value comes next. It must need no escaping.
    @inline(__always)
    public mutating func key(_ name: StaticString) {
        let nameCount = name.utf8CodeUnitCount
        let commaCount = needsComma ? 1 : 0
        guard hasRoom(nameCount + 3 + commaCount) else { return }
        if commaCount > 0 { append(UInt8(ascii: ",")) }
        append(UInt8(ascii: "\""))
        let start = count
        // SAFETY: a static string's bytes are constants of the program, and `hasRoom` has seen to
        // it that as many lie ahead of `start`.
        unsafe bytes.withUnsafeMutableBytes { room in
            unsafe (room.baseAddress! + start).copyMemory(
                from: name.utf8Start, byteCount: nameCount)
        }
        count = start &+ nameCount
        append(UInt16(littleEndian: 0x3A22))  // ":
        tokens &+= 1
        needsComma = false
    }

    /// Ends a frame. What follows begins a new one.
    public mutating func newline() {
        guard hasRoom(1) else { return }
        append(UInt8(ascii: "\n"))
        needsComma = false
    }

    private mutating func open(_ bracket: UInt8) {
        guard beginValue(1) else { return }
        append(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        guard hasRoom(1) else { return }
        append(bracket)
        needsComma = true
    }

    // MARK: Going back

    /// A place to go back to.
    public struct Mark: Sendable {
        public let count: Int
        public let tokens: Int
        fileprivate let overflowed: Bool
        fileprivate let needsComma: Bool
    }

    /// The place reached now. Taken after an overflow it leads nowhere better.
    public var mark: Mark {
        Mark(count: count, tokens: tokens, overflowed: overflowed, needsComma: needsComma)
    }

    /// Forgets what was written since `mark`, and an overflow that came after it.
    public mutating func rewind(to mark: Mark) {
        precondition(mark.count <= count, "a writer only goes back")
        count = mark.count
        tokens = mark.tokens
        needsComma = mark.needsComma
        overflowed = mark.overflowed
        limit = overflowed ? count : bytes.byteCount
    }

    // MARK: What the values are built on

    /// Whether `byteCount` more bytes fit; if not, the writer is at its end.
    @inline(__always)
    mutating func hasRoom(_ byteCount: Int) -> Bool {
        if limit &- count >= byteCount { return true }
        overflowed = true
        limit = count
        return false
    }

    /// Separates a value of `byteCount` bytes from the one before, if it fits.
    @inline(__always)
    mutating func beginValue(_ byteCount: Int) -> Bool {
        let commaCount = needsComma ? 1 : 0
        guard hasRoom(byteCount &+ commaCount) else { return false }
        if commaCount > 0 { append(UInt8(ascii: ",")) }
        tokens &+= 1
        needsComma = true
        return true
    }

    /// A name has been written: what comes next is its value.
    @inline(__always)
    mutating func endName() { needsComma = false }

    /// Appends the bytes of `value`, of which the first `byteCount` stay; there must be room for
    /// all.
    @inline(__always)
    mutating func append<Value: BitwiseCopyable>(
        _ value: Value, keeping byteCount: Int = MemoryLayout<Value>.size
    ) {
        bytes.storeBytes(of: value, toByteOffset: count, as: Value.self)
        count &+= byteCount
    }
}
