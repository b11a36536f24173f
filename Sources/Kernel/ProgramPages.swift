import CLinux

/// The pages of the program's files that are resident: its own and its libraries'.
public enum ProgramPages {
    /// Gives back what has been read of them so far. What is used again comes back from the page
    /// cache, a minor fault for 64 KiB of it.
    ///
    /// A program that starts touches much that it never needs again: the loader's symbols and
    /// relocations, the parsing of flags. For one that runs for months in a small machine that is
    /// a third of what it seems to need: 16 MB fall to 11 MB for some 100 faults, once.
    ///
    /// Breakpoints that a debugger has set before are lost with the pages.
    public static func release() {
        clinux_release_program_pages()
    }
}
