import Glibc

extension Folders {
    /// The working directory. getcwd(3).
    public static func current() throws(Errno) -> String {
        guard let text = unsafe getcwd(nil, 0) else { throw .current }
        // SAFETY: getcwd allocated it, and it is copied before it is freed.
        defer { unsafe free(text) }
        return unsafe String(cString: text)
    }
}
