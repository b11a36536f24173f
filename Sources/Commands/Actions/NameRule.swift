/// Which texts from a host may become an argument of a program.
///
/// Each rule lists what may stand in a name and refuses all else: no blank, no control character,
/// no character that a program takes for a pattern, and nothing at the start that could be an
/// option. Arguments reach a program without a shell, so that this guards the program's own reading
/// of them.
enum NameRule {
    /// A systemd unit without its suffix, instances (`name@instance`) among them.
    case unit
    /// A package of any manager: Debian's names, RPM's, and `:architecture`.
    case package
    /// Words to look for.
    case query
    /// An application as inventories name it: reverse domains of flatpak among them.
    case application

    private var extra: String {
        switch self {
        case .unit: "@._-:"
        case .package: "+._-:~"
        case .query: "+._-"
        case .application: "+._-:~"
        }
    }

    /// - Parameter name: the parameter, for the reason.
    func check(_ text: String, _ name: String) throws(ActionFailure) -> String {
        guard let first = text.utf8.first else { throw .invalid("\(name) is empty") }
        let isGood =
            text.utf8.count <= ActionLimits.nameBytesMax && Self.isAlphanumeric(first)
            && text.utf8.allSatisfy { Self.isAlphanumeric($0) || extra.utf8.contains($0) }
            && !text.contains("..")
        guard isGood else {
            throw .invalid(
                "\(name) begins with a letter or digit, has at most "
                    + "\(ActionLimits.nameBytesMax) letters, digits and \(extra), and no ..")
        }
        return text
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    /// A unit's full name. Only services, sockets and timers: a target such as `poweroff.target`
    /// would be another action.
    static func unitName(_ text: String) throws(ActionFailure) -> String {
        let name = try unit.check(text, "service")
        let suffixes = [".service", ".socket", ".timer"]
        if suffixes.contains(where: { name.hasSuffix($0) }) { return name }
        let others = [
            ".target", ".mount", ".automount", ".device", ".swap", ".path", ".slice", ".scope",
        ]
        if let other = others.first(where: { name.hasSuffix($0) }) {
            throw .invalid("service is a service, socket or timer, no \(other.dropFirst())")
        }
        return name + ".service"
    }

    /// apt-get takes `name-` for "remove it" and `name+` for "install it".
    static func packageName(_ text: String) throws(ActionFailure) -> String {
        let name = try package.check(text, "package")
        guard !name.hasSuffix("-") else { throw .invalid("package ends with -; leave that out") }
        return name
    }
}
