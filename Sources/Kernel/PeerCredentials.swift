import CLinux
import Glibc

/// Who is at the other end of a Unix socket, as the kernel noted it when they connected.
/// Source: unix(7), SO_PEERCRED.
public struct PeerCredentials: Hashable, Sendable {
    public var user: UInt32
    public var pid: Int32

    /// - Throws: what getsockopt(2) says of descriptors that are no such socket.
    public init(of socket: borrowing FileDescriptor) throws(Errno) {
        var user: uid_t = 0
        var pid: pid_t = 0
        // SAFETY: two numbers are written into locals.
        guard unsafe clinux_peer_credentials(socket.number, &user, &pid) == 0 else {
            throw .current
        }
        self.user = user
        self.pid = pid
    }

    /// The user that this process runs as.
    public static var ownUser: UInt32 { geteuid() }
}
