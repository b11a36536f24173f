import CLinux
import Glibc

/// Unix stream sockets in the abstract name space: no file system holds their names, so that one
/// can be reached while every file system is frozen. Source: unix(7).
public enum AbstractSocket {
    /// Listens; the descriptor does not block.
    ///
    /// - Throws: EADDRINUSE when somebody does already.
    public static func listen(_ name: String) throws(Errno) -> FileDescriptor {
        let number = unsafe clinux_abstract_listen(name, 4)
        guard number >= 0 else { throw .current }
        return FileDescriptor(owning: number)
    }

    /// Connects; reading from the descriptor waits.
    ///
    /// - Throws: ECONNREFUSED when nobody listens.
    public static func connect(_ name: String) throws(Errno) -> FileDescriptor {
        let number = unsafe clinux_abstract_connect(name)
        guard number >= 0 else { throw .current }
        return FileDescriptor(owning: number)
    }

    /// Whether this user's process is at the other end: such names have no permissions.
    public static func isOwnUser(_ connection: borrowing FileDescriptor) -> Bool {
        clinux_peer_user(connection.number) == Int64(geteuid())
    }

    /// Ends what can be said on a socket, which its other end sees. shutdown(2).
    public static func shutDown(_ number: Int32) {
        shutdown(number, Int32(SHUT_RDWR))
    }
}

/// Waiting without a loop: for programs that wait for few things.
public enum Inputs {
    /// Waits until one of up to four descriptors has input or lost its other end; bit n is set for
    /// the n-th. 0 when the time passed or a signal came. Source: poll(2).
    public static func wait(for descriptors: [Int32], milliseconds: Int32) -> Int32 {
        precondition(descriptors.count <= 4, "four descriptors are waited for at most")
        // SAFETY: the array lives for the call.
        return unsafe descriptors.withUnsafeBufferPointer { buffer in
            unsafe clinux_wait_for_input(buffer.baseAddress, Int32(buffer.count), milliseconds)
        }
    }
}

extension FileDescriptor {
    /// The next bytes of a stream, at most `countMax`; none at its end. read(2).
    public func nextBytes(countMax: Int) throws(Errno) -> [UInt8] {
        var failure: Errno?
        let number = number
        // SAFETY: read writes within the array's room, and `filled` says how much of it.
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: countMax) { buffer, filled in
            while true {
                let got = unsafe Glibc.read(number, buffer.baseAddress, buffer.count)
                if got >= 0 {
                    filled = got
                    return
                }
                guard errno == EINTR else {
                    failure = .current
                    return
                }
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Whether this process was given a descriptor of that number; then it is closed on exec.
    public static func isOpen(_ number: Int32) -> Bool {
        fcntl(number, F_SETFD, FD_CLOEXEC) == 0
    }
}
