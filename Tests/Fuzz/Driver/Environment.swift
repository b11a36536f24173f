import Bodies
import Glibc

/// The body that the environment names, looked up once.
extension FuzzTarget {
    static let chosen: @Sendable (UnsafeBufferPointer<UInt8>) -> Void = {
        let body = FuzzTarget.named(environment("VIREO_FUZZ"))
        return { bytes in body?(Array(bytes)) }
    }()
}

func environment(_ name: String) -> String {
    getenv(name).map { String(cString: $0) } ?? ""
}

func fail(_ text: String) -> Never {
    let line = Array("fuzz: \(text)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
    exit(64)
}

/// What libFuzzer's own main would call, by this name.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    FuzzTarget.chosen(UnsafeBufferPointer(start: bytes, count: count))
    return 0
}
