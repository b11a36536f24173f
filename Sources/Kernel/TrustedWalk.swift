import CLinux
import Glibc

/// Goes down a path from the root, directory by directory, and looks at each.
struct TrustedWalk: ~Copyable {
    private let path: String
    private let owners: [UInt32]
    private let followsLinks: Bool
    private var directory: FileDescriptor
    /// Names that lead to `directory`, none of them a link.
    private var passed: [String] = []
    /// Names still to go, the next one last.
    private var ahead: [String]
    private var linksLeft = 40

    init(_ path: String, owners: [UInt32], followsLinks: Bool) throws(TrustedFileError) {
        let names = path.split(separator: "/").map(String.init).filter { $0 != "." }
        guard path.hasPrefix("/"), !names.isEmpty, !names.contains(".."), !path.hasSuffix("/"),
            !path.unicodeScalars.contains("\0")
        else { throw TrustedFileError(path, .notPlain) }
        let root = try Self.root()
        try Self.check(try Self.status(of: root, "/"), "/", owners)
        self.path = path
        self.owners = owners
        self.followsLinks = followsLinks
        ahead = names.reversed()
        directory = root
    }

    private static func root() throws(TrustedFileError) -> FileDescriptor {
        do {
            return try FileDescriptor.open("/", .directory)
        } catch {
            throw TrustedFileError("/", .failed(error))
        }
    }

    /// Where the walk is, and `name` below it.
    private func place(_ name: String) -> String {
        "/" + (passed + [name]).joined(separator: "/")
    }

    private func check(_ status: FileStatus, _ place: String) throws(TrustedFileError) {
        try Self.check(status, place, owners)
    }

    private static func check(
        _ status: FileStatus, _ place: String, _ owners: [UInt32]
    ) throws(TrustedFileError) {
        guard owners.contains(status.owner) else {
            throw TrustedFileError(place, .owner(status.owner))
        }
        guard status.isSymbolicLink || status.permissions & 0o022 == 0 else {
            throw TrustedFileError(place, .writable(status.permissions))
        }
    }

    /// Goes to the end and opens what is there, which has then been looked at as well.
    mutating func open(_ flags: Int32) throws(TrustedFileError) -> FileDescriptor {
        while let name = ahead.popLast() {
            if name == ".." {
                try goUp()
                continue
            }
            if let target = try link(name) {
                try follow(target, name)
                continue
            }
            if ahead.isEmpty {
                let file = try open(name, flags)
                try check(try status(of: file), place(name))
                return file
            }
            let next = try open(name, clinux_o_path() | O_DIRECTORY)
            try check(try status(of: next), place(name))
            directory = next
            passed.append(name)
        }
        // The last name of a link was "..": that is a directory, and nothing to open.
        throw TrustedFileError(path, .notRegular)
    }

    func status(of file: borrowing FileDescriptor) throws(TrustedFileError) -> FileStatus {
        try Self.status(of: file, path)
    }

    private static func status(
        of file: borrowing FileDescriptor, _ path: String
    ) throws(TrustedFileError) -> FileStatus {
        do {
            return try file.status()
        } catch {
            throw TrustedFileError(path, .failed(error))
        }
    }

    private func open(_ name: String, _ flags: Int32) throws(TrustedFileError) -> FileDescriptor {
        let number = directory.number
        do {
            // SAFETY: the name is a string of ours for the time of the call.
            let opened = try retrying {
                Int(unsafe openat(number, name, flags | O_NOFOLLOW | O_CLOEXEC))
            }
            return FileDescriptor(owning: Int32(opened))
        } catch {
            throw TrustedFileError(place(name), .failed(error))
        }
    }

    /// Where `name` points if it is a symbolic link.
    private func link(_ name: String) throws(TrustedFileError) -> String? {
        var raw = stat()
        // SAFETY: the name and the local live through the call.
        guard unsafe fstatat(directory.number, name, &raw, AT_SYMLINK_NOFOLLOW) == 0 else {
            throw TrustedFileError(place(name), .failed(.current))
        }
        let status = FileStatus(raw)
        guard status.isSymbolicLink else { return nil }
        guard followsLinks else { throw TrustedFileError(place(name), .symbolicLink) }
        try check(status, place(name))
        guard let target = linkTarget(place(name)) else {
            throw TrustedFileError(place(name), .failed(.current))
        }
        return target
    }

    private mutating func follow(_ target: String, _ name: String) throws(TrustedFileError) {
        linksLeft -= 1
        guard linksLeft > 0, !target.isEmpty else {
            throw TrustedFileError(place(name), .symbolicLink)
        }
        let names = target.split(separator: "/").map(String.init).filter { $0 != "." }
        ahead += names.reversed()
        if target.hasPrefix("/") { try goTo([]) }
    }

    private mutating func goUp() throws(TrustedFileError) {
        try goTo(passed.dropLast())
    }

    /// Starts again from the root: these directories have been looked at, and only their owners,
    /// who are trusted, can have changed them since.
    private mutating func goTo(_ names: [String]) throws(TrustedFileError) {
        directory = try Self.root()
        passed = []
        for name in names {
            directory = try open(name, clinux_o_path() | O_DIRECTORY)
            passed.append(name)
        }
    }
}
