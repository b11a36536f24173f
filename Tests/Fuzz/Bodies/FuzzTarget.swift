/// What the fuzzer calls: bodies that take any bytes and stop the process when a promise is broken.
///
/// The same bodies run on the kept corpus in the ordinary tests.
public enum FuzzTarget {
    public typealias Body = @Sendable ([UInt8]) -> Void

    /// Every target by name; the corpus of each lies in `Tests/Fixtures/corpus/NAME`.
    public static let all: [(name: String, body: Body)] = [
        ("scanner", ScannerFuzz.run), ("json", JSONFuzz.run), ("message", MessageFuzz.run),
        ("guest", GuestFuzz.run), ("host", HostFuzz.run), ("configuration", ConfigurationFuzz.run),
    ]

    public static var allNames: [String] { all.map(\.name) }

    public static func named(_ name: String) -> Body? { all.first { $0.name == name }?.body }
}

/// Stops the process, as libFuzzer and the tests notice it, unless the promise holds.
func promise(
    _ holds: Bool, _ what: @autoclosure () -> String, file: StaticString = #file, line: UInt = #line
) {
    if !holds { fatalError("broken: \(what())", file: file, line: line) }
}
