import CLinux
import Glibc

/// Folders and socket files for this user alone.
public enum Folders {
    /// Makes a folder of mode 0700, or checks that the one that is there is this user's and closed
    /// to others.
    ///
    /// - Throws: EACCES when it belongs to somebody else or others may enter it.
    public static func makePrivate(_ path: String) throws(Errno) {
        if unsafe mkdir(path, 0o700) < 0, Errno.current.rawValue != EEXIST { throw .current }
        let status = try FileStatus.of(path)
        guard status.isDirectory, status.owner == geteuid(), status.permissions & 0o077 == 0 else {
            throw .accessDenied
        }
    }

    /// This user's folder for sockets: `vireo` below XDG_RUNTIME_DIR or /run, else in /tmp by user
    /// id.
    public static func runtime() throws(Errno) -> String {
        let base: String
        if let folder = environmentVariable("XDG_RUNTIME_DIR"),
            (try? FileStatus.of(folder)) != nil
        {
            base = "\(folder)/vireo"
        } else if geteuid() == 0 {
            base = "/run/vireo-host"
        } else {
            base = "/tmp/vireo-\(geteuid())"
        }
        try makePrivate(base)
        return base
    }

    public static func unlink(_ path: String) {
        _ = unsafe Glibc.unlink(path)
    }

    /// The paths that match a pattern, in order; a pattern without a match is itself. glob(3).
    public static func matches(_ pattern: String) -> [String] {
        var result = unsafe glob_t()
        defer { unsafe globfree(&result) }
        guard unsafe glob(pattern, GLOB_NOCHECK, nil, &result) == 0 else { return [pattern] }
        return unsafe (0..<Int(result.gl_pathc)).compactMap { place in
            unsafe result.gl_pathv[place].map { unsafe String(cString: $0) }
        }
    }
}

/// A Unix socket that others connect to, of mode 0600 in a folder that only its owner may enter.
public enum ListeningSocket {
    /// Listens on `path`, whose folder is made if it is missing.
    ///
    /// A socket that is there already is taken away if it is this user's and nobody listens on it.
    ///
    /// - Throws: EADDRINUSE when somebody does, EACCES when the folder is open to others.
    public static func open(_ path: String) throws(Errno) -> FileDescriptor {
        try prepareFolder(of: path)
        var number = unsafe clinux_unix_listen(path, 64)
        // The ring of a process that was killed keeps its sockets until the kernel gets to it. Few
        // attempts: each one is a connection that somebody else may have to take.
        for waitMicroseconds in [0, 50_000, 400_000] as [UInt32] {
            guard number < 0, Errno.current.rawValue == EADDRINUSE else { break }
            usleep(waitMicroseconds)
            if isStale(path) { Folders.unlink(path) }
            number = unsafe clinux_unix_listen(path, 64)
        }
        guard number >= 0 else { throw .current }
        return FileDescriptor(owning: number)
    }

    /// A folder that is missing is made, closed to others. One that is there and open to others
    /// will do only if nobody else can put files into it, or it is sticky: then the socket's own
    /// mode guards it.
    private static func prepareFolder(of path: String) throws(Errno) {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return }
        let folder = String(path[..<slash])
        guard let status = try? FileStatus.of(folder) else {
            try Folders.makePrivate(folder)
            return
        }
        let isSticky = status.permissions & 0o1000 != 0
        let isOurs = status.owner == geteuid() || status.owner == 0
        guard isOurs, status.permissions & 0o022 == 0 || isSticky else { throw .accessDenied }
    }

    private static func isStale(_ path: String) -> Bool {
        guard let status = try? FileStatus.of(path), status.isSocket, status.owner == geteuid()
        else {
            return false
        }
        do throws(Errno) {
            _ = try UnixSocket.connect(path)
            return false
        } catch {
            return error == .connectionRefused
        }
    }

    /// The next connection that waits, `nil` when there is none.
    public static func accept(_ listener: Int32) -> FileDescriptor? {
        let number = clinux_accept(listener)
        return number >= 0 ? FileDescriptor(owning: number) : nil
    }
}
