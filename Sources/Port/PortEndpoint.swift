/// What `--device` names, or what is looked for without it.
public enum PortEndpoint: Equatable, Sendable {
    /// A virtio port of one of these names, wherever its node is.
    case named([PortName])
    /// The path of a virtio port's node.
    case device(String)
    /// `unix:PATH`: a Unix stream socket that somebody listens on.
    case socket(String)
    /// `fd:N`: a descriptor that is open already, such as one end of a socket pair.
    case descriptor(Int32)

    /// Reads the text of `--device`.
    ///
    /// - Throws: ``PortError/invalidEndpoint(_:)``.
    public init(parsing text: String) throws(PortError) {
        if text.hasPrefix("unix:"), text.utf8.count > 5 {
            self = .socket(String(text.dropFirst(5)))
        } else if text.hasPrefix("fd:") {
            guard let number = Int32(text.dropFirst(3)), number >= 0 else {
                throw .invalidEndpoint(text)
            }
            self = .descriptor(number)
        } else if text.hasPrefix("/") {
            self = .device(text)
        } else {
            throw .invalidEndpoint(text)
        }
    }
}

extension PortEndpoint: CustomStringConvertible {
    public var description: String {
        switch self {
        case .named(let names): names.map(\.text).joined(separator: " or ")
        case .device(let path): path
        case .socket(let path): "unix:\(path)"
        case .descriptor(let number): "fd:\(number)"
        }
    }
}
