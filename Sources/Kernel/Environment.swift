import Glibc

/// The value of an environment variable, `nil` when it is not set or empty. Source: getenv(3).
///
/// To be called before threads run: nothing guards the environment against one that changes it.
public func environmentVariable(_ name: String) -> String? {
    // SAFETY: the text is copied before anybody can change it.
    unsafe getenv(name).map { unsafe String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
}
