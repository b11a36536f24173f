import CLinux

/// A pipe between this process, whose end does not block, and a child, whose end does.
public struct ChildPipe: ~Copyable {
    /// This process's end, to be given to an engine.
    private var own: FileDescriptor?
    /// The child's, closed with the pipe once the child has it.
    public let childEnd: FileDescriptor

    /// - Parameter reads: whether this process reads what the child writes.
    /// - Throws: EMFILE or ENFILE when there are no descriptors left.
    public init(reads: Bool) throws(Errno) {
        var ends: [Int32] = [-1, -1]
        // SAFETY: two numbers are written into an array of two.
        let result = unsafe ends.withUnsafeMutableBufferPointer { buffer in
            unsafe clinux_child_pipe(buffer.baseAddress, reads ? 1 : 0)
        }
        guard result == 0 else { throw .current }
        own = FileDescriptor(owning: ends[reads ? 0 : 1])
        childEnd = FileDescriptor(owning: ends[reads ? 1 : 0])
    }

    /// Gives this process's end away, once.
    public mutating func takeOwnEnd() -> FileDescriptor {
        guard let taken = own.take() else { preconditionFailure("the end was given away") }
        return taken
    }
}

extension FileDescriptor {
    /// /dev/null, for a child that is to read nothing.
    public static func nullDevice() throws(Errno) -> FileDescriptor {
        let number = clinux_null_device()
        guard number >= 0 else { throw .current }
        return FileDescriptor(owning: number)
    }
}
