import Foundation
import Glibc
import Testing

/// A journal's ear: the datagram socket of the native protocol. It reads only when it is asked to.
final class JournalSocket {
    let path: String
    private var number: Int32

    init() throws {
        path = NSTemporaryDirectory() + "vireo-journal-\(UUID().uuidString.prefix(8))"
        number = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        try open()
    }

    deinit { close() }

    func close() {
        guard number >= 0 else { return }
        Glibc.close(number)
        unlink(path)
        number = -1
    }

    /// Is there again, as a journal that was restarted.
    func reopen() throws {
        number = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        try open()
    }

    private func open() throws {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(result == 0, "binding \(path): errno \(errno)")
    }

    /// The fields of the next record; `nil` when none came within `seconds`.
    func receive(seconds: Double = 5) throws -> [String: String]? {
        var one = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
        guard poll(&one, 1, Int32(seconds * 1000)) > 0 else { return nil }
        var buffer = [UInt8](repeating: 0, count: 262_144)
        let count = recv(number, &buffer, buffer.count, 0)
        try #require(count >= 0)
        return try Self.fields(Array(buffer[..<count]))
    }

    /// The native protocol, read by its own description.
    static func fields(_ bytes: [UInt8]) throws -> [String: String] {
        var fields: [String: String] = [:]
        var rest = bytes[...]
        while !rest.isEmpty {
            let end = try #require(rest.firstIndex { $0 == 0x3d || $0 == 0x0a })
            let name = String(decoding: rest[..<end], as: UTF8.self)
            let value: ArraySlice<UInt8>
            if rest[end] == 0x3d {
                let newline = try #require(rest.firstIndex(of: 0x0a))
                value = rest[(end + 1)..<newline]
            } else {
                let count = rest[(end + 1)...].prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
                try #require(count < rest.endIndex - end - 9)
                value = rest[(end + 9)..<(end + 9 + count)]
                try #require(rest[value.endIndex] == 0x0a)
            }
            #expect(fields[name] == nil, "\(name) twice")
            fields[name] = String(decoding: value, as: UTF8.self)
            rest = rest[(value.endIndex + 1)...]
        }
        return fields
    }
}
