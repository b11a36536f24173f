extension RawSpan {
    /// The byte at `offset`.
    ///
    /// - Precondition: `offset` lies inside the span.
    @inlinable
    public func byte(at offset: Int) -> UInt8 {
        // SAFETY: unsafeLoad checks the offset; every bit pattern is a UInt8.
        unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    /// The eight bytes at `offset` as a number whose least byte comes first.
    ///
    /// - Precondition: all eight lie inside the span.
    @inlinable
    public func littleEndian64(at offset: Int) -> UInt64 {
        // SAFETY: unsafeLoadUnaligned checks the range; every bit pattern is a UInt64.
        let value = unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
        return UInt64(littleEndian: value)
    }

    /// The bytes as text, with U+FFFD where they are not UTF-8.
    public var repairedText: String {
        // SAFETY: the buffer does not outlive the closure; String copies it.
        unsafe withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }
}
