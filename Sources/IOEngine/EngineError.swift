public import Kernel

/// Why an engine could not be had.
public struct EngineError: Error, Sendable, CustomStringConvertible {
    public enum Operation: String, Sendable {
        case setUp = "io_uring_setup"
        case probe = "the probe of io_uring's operations"
        case restrict = "the restriction of the ring"
        case enable = "the enabling of the ring"
        case table = "the table of registered buffers"
        case pool = "the queue of shared slabs"
        case epoll = "epoll_create1"
        case event = "eventfd"
        case attach = "attaching a descriptor"
    }

    public let operation: Operation
    public let errno: Errno
    /// What was missing, where there is more to say than the error's name.
    public let detail: String

    init(_ operation: Operation, _ errno: Errno, detail: String = "") {
        self.operation = operation
        self.errno = errno
        self.detail = detail
    }

    public var description: String {
        let what = detail.isEmpty ? operation.rawValue : "\(operation.rawValue) (\(detail))"
        return "\(what) failed: \(errno)\(remedy)"
    }

    private var remedy: String {
        switch (operation, errno) {
        case (.setUp, .notPermitted):
            """
            . A container's seccomp profile or kernel.io_uring_disabled refuses io_uring: \
            allow it, or use --engine epoll.
            """
        case (.setUp, .notSupported):
            ". This kernel has no io_uring: use --engine epoll."
        case (.setUp, .noMemory):
            ". Raise the limit of locked memory (LimitMEMLOCK), or use --engine epoll."
        case (.setUp, _):
            ". Use --engine epoll."
        case (.probe, _), (.restrict, _), (.enable, _), (.table, _), (.pool, _):
            ". The engine needs Linux 5.19 or newer: use --engine epoll."
        default:
            "."
        }
    }
}
