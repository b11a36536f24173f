import Bench
import Foundation
import Glibc
import IOEngine
import Synchronization

let bothEngines: [IOEngine.Choice] = [.uring, .epoll]

/// What the `--json` rows carry at least.
let promisedKeys = [
    "frames", "bytes", "seconds", "frames_per_second", "bytes_per_second", "cpu_seconds", "engine",
]

/// A socket's path in a folder that goes away with it.
final class Place {
    let folder: String
    var path: String { "\(folder)/s" }

    init() {
        let pattern = "/tmp/vireo-bench-" + String(repeating: "X", count: 6)
        var name = Array(pattern.utf8CString)
        folder = String(cString: mkdtemp(&name))
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }
}

/// What a thread of its own came to.
final class Side<Value: Sendable>: Sendable {
    private let result = Mutex<Result<Value, any Error>?>(nil)
    private let done = DispatchSemaphore(value: 0)

    init(_ body: @escaping @Sendable () throws -> Value) {
        let thread = Thread { [self] in
            let value = Result { try body() }
            result.withLock { $0 = value }
            done.signal()
        }
        thread.start()
    }

    func value() throws -> Value {
        guard done.wait(timeout: .now() + 20) == .success else { throw Late() }
        return try result.withLock { try $0!.get() }
    }

    struct Late: Error {}
}

extension Row {
    func count(_ name: String) -> UInt64? {
        guard case .count(let count) = self[name] else { return nil }
        return count
    }

    func object() throws -> [String: Any] {
        let object = try JSONSerialization.jsonObject(with: Data(json.utf8))
        return object as? [String: Any] ?? [:]
    }
}

/// Carries a waker out of the thread that made it.
final class StopperBox: Sendable {
    let waker = Mutex<Waker?>(nil)

    func stop() { waker.withLock { $0?.wake() } }
}
