import Glibc

/// Parts of a file, at offsets that the caller names.
extension FileDescriptor {
    /// Up to `count` bytes from `offset` on; fewer only at the file's end. pread(2).
    public func bytes(at offset: Int64, count: Int) throws(Errno) -> [UInt8] {
        precondition(offset >= 0 && count >= 0, "a place in a file is not negative")
        var failure: Errno?
        let number = number
        // SAFETY: pread writes within the array's room, and `filled` says how much of it.
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let got = unsafe pread(
                    number, buffer.baseAddress! + filled, count - filled,
                    off_t(offset + Int64(filled)))
                if got > 0 {
                    filled += got
                } else if got == 0 {
                    return
                } else if errno != EINTR {
                    failure = .current
                    return
                }
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Writes all of `bytes` at `offset`. pwrite(2).
    public func write(_ bytes: [UInt8], at offset: Int64) throws(Errno) {
        precondition(offset >= 0, "a place in a file is not negative")
        let number = number
        // SAFETY: within the array's bytes.
        let failure = unsafe bytes.withUnsafeBytes { buffer -> Errno? in
            var done = 0
            while done < buffer.count {
                let put = unsafe pwrite(
                    number, buffer.baseAddress! + done, buffer.count - done,
                    off_t(offset + Int64(done)))
                if put >= 0 {
                    done += put
                } else if errno != EINTR {
                    return .current
                }
            }
            return nil
        }
        if let failure { throw failure }
    }

    /// ftruncate(2).
    public func setSize(_ bytes: Int64) throws(Errno) {
        let number = number
        _ = try retrying { Int(ftruncate(number, off_t(bytes))) }
    }

    /// fdatasync(2): returns when the bytes are on the disk.
    public func synchronize() throws(Errno) {
        let number = number
        _ = try retrying { Int(fdatasync(number)) }
    }

    /// Whether it is a regular file: nothing else has a size and offsets.
    public func isRegularFile() throws(Errno) -> Bool {
        var raw = stat()
        guard unsafe fstat(number, &raw) == 0 else { throw .current }
        return raw.st_mode & S_IFMT == S_IFREG
    }

    /// The last `bytesMax` bytes of the file at `path`, or all of it: logs are read from their end.
    public static func tail(_ path: String, bytesMax: Int) throws(Errno) -> [UInt8] {
        let file = try FileDescriptor.open(path, .read)
        // A file of /proc says that it has 0 bytes; then it is read from its start.
        let size = try file.status().sizeBytes
        return try file.bytes(at: max(0, size - Int64(bytesMax)), count: bytesMax)
    }
}
