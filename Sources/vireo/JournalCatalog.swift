import ArgumentParser
import Glibc
import Kernel
import Systemd

/// For whoever makes a package: the file for /usr/lib/systemd/catalog.
struct JournalCatalog: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "journal-catalog",
        abstract: "Prints what journalctl -x says of the agent's events, as a catalog file.",
        shouldDisplay: false)

    func run() throws {
        try FileDescriptor.writeAll(JournalEvent.catalog, to: STDOUT_FILENO)
    }
}
