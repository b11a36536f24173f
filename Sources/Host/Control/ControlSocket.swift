import Kernel

/// Where a watch can be asked to pass commands on to its guest: a socket in the user's runtime
/// folder, named after the guest's socket.
enum ControlSocket {
    /// The control socket's path for a guest's socket. The name is a hash, for the path of a socket
    /// has 107 bytes at most. FNV-1a, 64 bits.
    static func path(of socket: String) throws(Errno) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in absolute(socket).utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
        }
        return "\(try Folders.runtime())/control-\(String(hash, radix: 16)).sock"
    }

    private static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : "\(linkTarget("/proc/self/cwd") ?? "")/\(path)"
    }

    /// `nil` when no watch is attached to the socket.
    static func connect(to socket: String) -> FileDescriptor? {
        guard let path = try? path(of: socket) else { return nil }
        return try? UnixSocket.connect(path)
    }
}
