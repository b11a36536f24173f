extension Array where Element == UInt8 {
    /// Copies the bytes.
    public init(copying bytes: RawSpan) {
        self.init()
        reserveCapacity(bytes.byteCount)
        // SAFETY: the buffer does not outlive the closure; the array copies it.
        unsafe bytes.withUnsafeBytes { unsafe append(contentsOf: $0) }
    }
}
