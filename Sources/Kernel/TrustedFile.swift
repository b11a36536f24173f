import CLinux
import Glibc

/// Opens files that decide what may happen, and so must be in the right hands: the file and every
/// directory above it belong to root or to this user, and nobody else may write to them.
///
/// ```swift
/// let bytes = try TrustedFile.read("/etc/vireo/policy.yaml", bytesMax: 1 << 20)
/// ```
///
/// The path is walked one component at a time with O_NOFOLLOW, so that what was checked is what is
/// opened. A directory such as /tmp, where everybody may make files, is refused in spite of its
/// sticky bit.
public enum TrustedFile {
    /// Who else may read the file.
    public enum Privacy: Sendable {
        case anybody
        /// Mode 0600 or less.
        case owner
        /// Mode 0640 or less: systemd's credentials, whose group bits stand for an access list.
        case ownerAndGroup

        var forbidden: UInt32 {
            switch self {
            case .anybody: 0
            case .owner: 0o077
            case .ownerAndGroup: 0o037
            }
        }
    }

    /// The whole file.
    ///
    /// - Throws: ``TrustedFileError``, which names the path that is wrong and what to do.
    public static func read(
        _ path: String, bytesMax: Int, privacy: Privacy = .anybody
    ) throws(TrustedFileError) -> [UInt8] {
        let file = try open(path, bytesMax: bytesMax, privacy: privacy)
        var reader = FileReader(bytesMax: bytesMax)
        do {
            let bytes = try reader.read(file)
            return (0..<bytes.byteCount).map { bytes.byte(at: $0) }
        } catch {
            throw TrustedFileError(path, .failed(error))
        }
    }

    /// The file, open for reading.
    public static func open(
        _ path: String, bytesMax: Int, privacy: Privacy = .anybody
    ) throws(TrustedFileError) -> FileDescriptor {
        var walk = try TrustedWalk(path, owners: [0, geteuid()], followsLinks: false)
        let file = try walk.open(O_RDONLY | O_NONBLOCK | O_NOCTTY)
        let status = try walk.status(of: file)
        guard status.isRegularFile else { throw TrustedFileError(path, .notRegular) }
        guard status.permissions & privacy.forbidden == 0 else {
            throw TrustedFileError(path, .readable(status.permissions))
        }
        guard status.sizeBytes <= bytesMax else {
            throw TrustedFileError(path, .tooLong(bytesMax))
        }
        return file
    }

    /// A program, open as a place (O_PATH): it and every directory and link on the way belong to
    /// root, nobody else may write to them, and it may be executed.
    ///
    /// Symbolic links are followed (/bin is one), for only root can turn them elsewhere.
    public static func openExecutable(_ path: String) throws(TrustedFileError) -> FileDescriptor {
        var walk = try TrustedWalk(path, owners: [0], followsLinks: true)
        let file = try walk.open(clinux_o_path())
        let status = try walk.status(of: file)
        guard status.isRegularFile else { throw TrustedFileError(path, .notRegular) }
        guard status.permissions & 0o111 != 0 else { throw TrustedFileError(path, .notExecutable) }
        return file
    }

    /// A directory, open for what is below it, under the same conditions.
    public static func openDirectory(_ path: String) throws(TrustedFileError) -> FileDescriptor {
        var walk = try TrustedWalk(path, owners: [0, geteuid()], followsLinks: false)
        return try walk.open(O_RDONLY | O_DIRECTORY)
    }
}

/// Why a file is not trusted, and which path is to blame: the file or a directory above it.
public struct TrustedFileError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Reason: Hashable, Sendable {
        /// Not absolute, or with `..`, or with U+0000 in it.
        case notPlain
        case failed(Errno)
        case symbolicLink
        case owner(UInt32)
        case writable(UInt32)
        case readable(UInt32)
        case notRegular
        case notExecutable
        case tooLong(Int)
    }

    public let path: String
    public let reason: Reason

    public init(_ path: String, _ reason: Reason) {
        self.path = path
        self.reason = reason
    }

    /// What is wrong with the path, and what to do.
    public var description: String {
        switch reason {
        case .notPlain:
            "\(path) is not a plain absolute path: write it from / on, without \"..\""
        case .failed(.notFound): "\(path) does not exist"
        case .failed(let errno): "\(path) cannot be opened: \(errno)"
        case .symbolicLink: "\(path) is a symbolic link: name the file it stands for"
        case .owner(let owner):
            "\(path) belongs to user \(owner), who could change it: chown root \(path)"
        case .writable(let mode) where mode & 0o1000 != 0:
            "\(path) is a directory where everybody may make files (mode \(octal(mode))): move the "
                + "file out of it, to /etc/vireo for example"
        case .writable(let mode):
            "\(path) may be written by others (mode \(octal(mode))): chmod go-w \(path)"
        case .readable(let mode):
            "\(path) may be read by others (mode \(octal(mode))): chmod 0600 \(path)"
        case .notRegular: "\(path) is no regular file"
        case .notExecutable: "\(path) may not be executed: chmod 0755 \(path)"
        case .tooLong(let bytes): "\(path) is longer than \(bytes) bytes: shorten it"
        }
    }

    private func octal(_ mode: UInt32) -> String { "0" + String(mode, radix: 8) }
}
