import Port

/// A port and its socket, as QEMU and libvirt want to be told of them.
///
/// The document's two snippets, but for what would be in the way on a machine that has more than
/// this port: no PCI slot is fixed. An id is given, since without one the monitor reports neither
/// that the guest opens the port nor that it closes it.
struct HostChannel {
    let name: PortName
    let socket: String
    let id: String

    /// Arguments for a shell, one option a line.
    var qemuArguments: String {
        // Port 0 is the console's, for guests of long ago. wait=off: the machine starts without a
        // host.
        let options = [
            ("-device", "virtio-serial-pci,id=virtio-serial0"),
            ("-chardev", "socket,id=\(id),path=\(doubledCommas(socket)),server=on,wait=off"),
            (
                "-device",
                "virtserialport,bus=virtio-serial0.0,nr=1,chardev=\(id),id=\(id),name=\(name)"
            ),
        ]
        return options.map { "\($0) \(shellWord($1))" }.joined(separator: " \\\n") + "\n"
    }

    /// Elements for `<devices>`. libvirt keeps an alias of ours only if it begins with `ua-`.
    ///
    /// Source: libvirt's "Domain XML format", Channel and Aliases.
    var libvirtElements: String {
        """
        <controller type='virtio-serial' index='0'/>
        <channel type='unix'>
          <source mode='bind' path='\(escapedXML(socket))'/>
          <target type='virtio' name='\(escapedXML(name.text))'/>
          <alias name='ua-\(escapedXML(id))'/>
        </channel>

        """
    }

    /// A comma ends a value, and two of them are one comma of it. Source: qemu-options, -chardev.
    private func doubledCommas(_ text: String) -> String {
        text.split(separator: ",", omittingEmptySubsequences: false).joined(separator: ",,")
    }

    private func escapedXML(_ text: String) -> String {
        text.map { character in
            switch character {
            case "&": "&amp;"
            case "<": "&lt;"
            case ">": "&gt;"
            case "'": "&apos;"
            case "\"": "&quot;"
            default: String(character)
            }
        }.joined()
    }

    /// The word itself where no shell would read it otherwise, else in single quotes.
    private func shellWord(_ text: String) -> String {
        let plain = text.utf8.allSatisfy { byte in
            let isLetter = (0x61...0x7a).contains(byte | 0x20)
            return isLetter || (0x30...0x39).contains(byte) || "%+,-./:=@_".utf8.contains(byte)
        }
        if plain { return text }
        return "'"
            + text.split(separator: "'", omittingEmptySubsequences: false)
            .joined(separator: "'\\''") + "'"
    }
}
