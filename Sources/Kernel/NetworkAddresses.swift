import Glibc

/// An IPv4 address and the interface that has it.
public struct InterfaceAddress: Hashable, Sendable {
    public let interface: String
    /// In dotted form, such as `192.0.2.2`, without prefix length.
    public let address: String

    public init(interface: String, address: String) {
        self.interface = interface
        self.address = address
    }
}

/// The IPv4 addresses of every interface in this network namespace, at most 256.
///
/// getifaddrs(3) needs a netlink socket, which a unit with `RestrictAddressFamilies=AF_UNIX` may
/// not make, and costs ten times as much. SIOCGIFCONF is answered on a socket of any family.
///
/// Source: netdevice(7).
/// - Throws: what socket(2) or ioctl(2) say.
public func interfaceAddresses() throws(Errno) -> [InterfaceAddress] {
    let kind = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let number = socket(AF_UNIX, kind, 0)
    guard number >= 0 else { throw .current }
    let descriptor = FileDescriptor(owning: number)
    let entryBytes = unsafe MemoryLayout<ifreq>.stride
    // SAFETY: the kernel writes at most ifc_len bytes into the buffer and sets ifc_len to how many;
    // the buffer outlives the call, and only what was written is read.
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * entryBytes, alignment: 8)
    defer { unsafe buffer.deallocate() }
    var request = unsafe ifconf()
    unsafe request.ifc_len = Int32(buffer.count)
    unsafe request.ifc_ifcu.ifcu_buf = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
    guard unsafe ioctl(descriptor.number, UInt(SIOCGIFCONF), &request) == 0 else { throw .current }
    let filled = unsafe max(0, min(Int(request.ifc_len), buffer.count))
    var addresses: [InterfaceAddress] = []
    for start in stride(from: 0, to: filled - entryBytes + 1, by: entryBytes) {
        let entry = unsafe UnsafeRawBufferPointer(rebasing: buffer[start..<start + entryBytes])
        if let address = unsafe ipv4Address(of: entry) { addresses.append(address) }
    }
    return addresses
}

/// One `struct ifreq`: 16 bytes of name, then a `struct sockaddr_in`.
private func ipv4Address(of entry: UnsafeRawBufferPointer) -> InterfaceAddress? {
    let nameBytes = Int(IFNAMSIZ)
    let family = unsafe entry.loadUnaligned(fromByteOffset: nameBytes, as: UInt16.self)
    guard family == UInt16(AF_INET) else { return nil }
    // A second address may carry a label of its own, such as eth0:1: the interface is eth0.
    var length = 0
    while length < nameBytes, unsafe entry[length] != 0, unsafe entry[length] != UInt8(ascii: ":") {
        length += 1
    }
    let name = unsafe UnsafeRawBufferPointer(rebasing: entry[..<length])
    let octets = nameBytes + 4
    return unsafe InterfaceAddress(
        interface: String(decoding: name, as: UTF8.self),
        address:
            "\(entry[octets]).\(entry[octets + 1]).\(entry[octets + 2]).\(entry[octets + 3])")
}
