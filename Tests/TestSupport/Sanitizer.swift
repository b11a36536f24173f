import Foundation

/// Whether this runs under `make sanitize`: sanitizers keep what was freed and shadow what is
/// touched, so that memory is no measure there.
public let isSanitized: Bool = {
    let environment = ProcessInfo.processInfo.environment
    return environment["ASAN_OPTIONS"] != nil || environment["TSAN_OPTIONS"] != nil
}()
