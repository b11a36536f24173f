import CLinux
import Kernel

/// A file that a probe reads again and again: opened once, then read from its start each time,
/// which costs a third of opening it anew.
///
/// A class, because an array of them is needed and a `~Copyable` value does not fit in one.
final class ProbeFile {
    let path: String
    private let keepsOpen: Bool
    private var descriptor: FileDescriptor?
    /// Whether the last read found the descriptor dead and opened the name anew.
    private(set) var wasReplaced = false

    /// - Parameter keepsOpen: `false` where there are too many to hold a descriptor for each.
    init(_ path: String, keepsOpen: Bool = true) {
        self.path = path
        self.keepsOpen = keepsOpen
    }

    /// The whole file, borrowed from `reader` until it reads the next.
    ///
    /// A descriptor that went dead, as sysfs's does when a device is unplugged, is opened once
    /// more: the name may stand for a new device.
    @_lifetime(&reader)
    func read(_ reader: inout FileReader) throws(ProbeFailure) -> RawSpan {
        let wasOpen = descriptor != nil
        wasReplaced = false
        do throws(Errno) {
            return try contents(&reader)
        } catch {
            descriptor = nil
            guard wasOpen else { throw ProbeFailure(path, error) }
            wasReplaced = true
        }
        do throws(Errno) {
            return try contents(&reader)
        } catch {
            descriptor = nil
            throw ProbeFailure(path, error)
        }
    }

    @_lifetime(&reader)
    private func contents(_ reader: inout FileReader) throws(Errno) -> RawSpan {
        if descriptor == nil { descriptor = try FileDescriptor.open(path, .read) }
        defer { if !keepsOpen { descriptor = nil } }
        switch descriptor {
        case .some(let open): return try reader.read(open)
        case .none: throw .notFound
        }
    }

    /// Whether poll(2) says that there is something new since the last read. Only files that the
    /// kernel notifies of, such as /proc/self/mounts, ever say no.
    func hasNews() -> Bool {
        switch descriptor {
        case .some(let open): clinux_poll_now(open.number, pollPriority) != 0
        case .none: true
        }
    }
}

/// POLLPRI of poll(2).
private let pollPriority: Int32 = 0x002
