import ArgumentParser
import Glibc
import Kernel
import Port

/// What a guest's channel is made of, on the host.
struct ChannelOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The port's name, by which the agent in the guest finds it.", valueName: "name"))
    var name = PortName.defaults[0].text

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The socket that QEMU listens on, an absolute path of at most 107 bytes.",
            valueName: "path"))
    var socket: String

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The device's id, by which QEMU's monitor reports that the guest opens and closes it.",
            valueName: "id"))
    var id = "vireo0"

    func validate() throws {
        _ = try channel()
    }

    /// - Throws: `ValidationError` that says which value cannot be.
    func channel() throws -> HostChannel {
        do {
            return HostChannel(
                name: try PortName(name), socket: try socketPath(), id: try checkedID())
        } catch let error as PortError {
            throw ValidationError("\(error)")
        }
    }

    private func socketPath() throws -> String {
        guard socket.hasPrefix("/") else {
            throw ValidationError("--socket takes an absolute path: QEMU may run elsewhere")
        }
        // Source: sun_path in unix(7), 108 bytes with the NUL at its end.
        guard socket.utf8.count <= 107 else {
            throw ValidationError(
                "the path of a socket has at most 107 bytes, and this one \(socket.utf8.count)")
        }
        guard socket.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }) else {
            throw ValidationError("control characters have no place in the path of a socket")
        }
        return socket
    }

    /// Source: id_wellformed of QEMU: a letter, then letters, digits, '-', '.' and '_'.
    private func checkedID() throws -> String {
        func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte | 0x20) }
        let isRight = id.utf8.allSatisfy { byte in
            isLetter(byte) || (0x30...0x39).contains(byte) || [0x2d, 0x2e, 0x5f].contains(byte)
        }
        guard isRight, let first = id.utf8.first, isLetter(first), id.utf8.count <= 60 else {
            throw ValidationError(
                "--id takes a letter, then letters, digits, '-', '.' and '_', 60 in all at most")
        }
        return id
    }
}

struct ConfigQEMUCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "qemu",
        abstract: "Prints the arguments that give a virtual machine a port for the agent.",
        discussion: """
            Append them to QEMU's command line. A machine that has a virtio-serial controller \
            already needs only the last two, with its id behind bus= and a free number behind nr=.
            """)

    @OptionGroup var options: ChannelOptions

    func run() throws {
        try FileDescriptor.writeAll(try options.channel().qemuArguments, to: STDOUT_FILENO)
    }
}

struct ConfigLibvirtCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "libvirt",
        abstract: "Prints the elements that give a libvirt domain a port for the agent.",
        discussion: """
            They go into <devices>, with: virsh edit DOMAIN. libvirt chooses their addresses. The \
            port's id for the monitor is ua- and the id, the chardev's char and that.
            """)

    @OptionGroup var options: ChannelOptions

    func run() throws {
        try FileDescriptor.writeAll(try options.channel().libvirtElements, to: STDOUT_FILENO)
    }
}
