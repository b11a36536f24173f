import Foundation
import Testing

@testable import Probes

/// The search for who holds a socket, on a /proc of links that a test makes.
@Suite struct SocketHolderTests {
    private let fake = FakeMachine()
    private var proc: String { fake.root.proc }

    private func link(_ pid: Int, _ descriptor: Int, to inode: Int) throws {
        let place = fake.url("proc/\(pid)/fd")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        let path = "\(place.path)/\(descriptor)"
        try? FileManager.default.removeItem(atPath: path)
        try FileManager.default.createSymbolicLink(
            atPath: path, withDestinationPath: "socket:[\(inode)]")
    }

    @Test func whatIsKnownIsNotLookedForAgain() throws {
        try link(901, 3, to: 11)
        try link(902, 4, to: 12)
        var search = SocketHolders(proc)
        for _ in 0..<3 {
            #expect(try search.holders(of: [11, 12, 13]) == [11: 901, 12: 902])
        }
        #expect(search.searches == 1, "13 is nobody's, and stays so")
        // A socket that goes takes nothing of the others with it.
        #expect(try search.holders(of: [12]) == [12: 902])
        #expect(search.searches == 1)
    }

    @Test func aNewSocketAndOneThatMovedAreLookedFor() throws {
        try link(901, 3, to: 11)
        var search = SocketHolders(proc)
        #expect(try search.holders(of: [11]) == [11: 901])
        try link(902, 5, to: 14)
        #expect(try search.holders(of: [11, 14]) == [11: 901, 14: 902])
        #expect(search.searches == 2)
        // The process ended, and another one has the socket now.
        fake.remove("proc/901/fd")
        try link(903, 3, to: 11)
        #expect(try search.holders(of: [11, 14]) == [11: 903, 14: 902])
        #expect(search.searches == 3)
        // The same descriptor is another socket now.
        try link(903, 3, to: 15)
        #expect(try search.holders(of: [11, 14]) == [14: 902])
        #expect(search.searches == 4)
    }

    @Test func aHolderThatComesLaterIsFoundWithTheNextNewSocket() throws {
        var search = SocketHolders(proc)
        #expect(try search.holders(of: [21]) == [:])
        try link(904, 3, to: 21)
        #expect(try search.holders(of: [21]) == [:])
        try link(904, 4, to: 22)
        #expect(try search.holders(of: [21, 22]) == [21: 904, 22: 904])
    }
}
