import Foundation
import Testing

/// Nothing that a guest says reaches a terminal unescaped, or is believed about who it is.
@Suite(.ownThread) struct HostileGuestTests {
    /// A title, a carriage return, a bell, a turned direction of writing, and the one-byte form of
    /// ESC [.
    private static let text = "a\u{1b}]0;owned\u{7}\rb\u{202e}c\u{9b}2Jd\ne"

    /// Plays the guest: greets, and sends a true sample with hostile names in it.
    private func playGuest(_ guest: Connection, _ scene: Scene) throws {
        let program = try scene.start([Products.vireo, "sample", "--json"])
        try program.waitForEnd()
        var sample = try Message(program.outputText).members
        let handshake: [String: Any] = [
            "type": "handshake", "vm_id": Self.text, "version": Self.text, "platform": Self.text,
            "capabilities": [Self.text],
        ]
        sample["data"] = poisoned(sample["data"]!)
        try guest.send("\n")
        for message in [handshake, sample, sample] {
            try guest.send([UInt8](try JSONSerialization.data(withJSONObject: message)) + [0x0a])
        }
    }

    /// The same tree with every string replaced.
    private func poisoned(_ value: Any) -> Any {
        switch value {
        case let members as [String: Any]: members.mapValues { poisoned($0) }
        case let elements as [Any]: elements.map { poisoned($0) }
        case is String: Self.text
        default: value
        }
    }

    @Test func rowsInAPipeHoldNoControlCharacter() throws {
        let scene = try Scene()
        defer { scene.end() }
        let listener = try Listener(scene.path("qemu.sock"))
        let watch = try scene.start([
            Products.vireo, "host", "watch", listener.path, "--seconds", "3",
        ])
        try playGuest(try listener.accept(), scene)
        #expect(try watch.waitForEnd(seconds: 6) == .exited(0))
        #expect(watch.outputLines.count >= 2, "a header and a row: \(watch.outputText)")
        expectHarmless(watch.outputBytes)
        expectHarmless(Array(watch.errorText.utf8))
    }

    /// JSON may hold them as they are; a terminal that it is shown in obeys all the same.
    @Test func JSONLinesHoldNoControlCharacter() throws {
        let scene = try Scene()
        defer { scene.end() }
        let listener = try Listener(scene.path("qemu.sock"))
        let watch = try scene.start([
            Products.vireo, "host", "watch", listener.path, "--json", "--seconds", "3",
        ])
        let guest = try listener.accept()
        try guest.send("\n{\"type\":\"handshake\",\"vm_id\":\"\u{7f}\u{9b}2J\u{202e}x\"}\n")
        #expect(try watch.waitForEnd(seconds: 6) == .exited(0))
        let lines = try watch.outputLines.map { try Message($0) }
        #expect(lines.first?.text("vm_id") == "\u{7f}\u{9b}2J\u{202e}x", "nothing is lost")
        expectHarmless(watch.outputBytes)
    }

    private func expectHarmless(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        let bad = text.unicodeScalars.filter { scalar in
            let isControl = scalar.value < 0x20 && scalar != "\n"
            return isControl || (0x7f...0x9f).contains(scalar.value)
                || scalar.properties.generalCategory == .format
        }
        #expect(bad.isEmpty, "\(bad.map { String($0.value, radix: 16) })")
    }

    /// A terminal shows names of processes and hosts, and gets escapes of ours only.
    @Test func theTableInATerminalShowsHostileNamesEscaped() throws {
        let scene = try Scene()
        defer { scene.end() }
        let listener = try Listener(scene.path("qemu.sock"))
        let watch = try scene.start(
            [Products.vireo, "host", "watch", listener.path, "--seconds", "3"],
            environment: ["TERM": "xterm-256color", "LANG": "C.UTF-8"],
            output: .terminal(columns: 120, rows: 50))
        try playGuest(try listener.accept(), scene)
        #expect(try watch.waitForEnd(seconds: 6) == .exited(0))
        let shown = watch.outputText
        #expect(shown.contains("\\u{1b}]0;owned"), "the names are shown at all")
        for hostile in ["\u{1b}]0;", "\u{7}", "\u{202e}", "\u{9b}", "owned\u{7}\r"] {
            #expect(!shown.unicodeScalars.contains(hostile.unicodeScalars))
        }
    }

    /// Which guest it was is what the socket says: a guest can neither say so itself nor break the
    /// line.
    @Test func aGuestCannotPretendToBeAnotherSocket() throws {
        let scene = try Scene()
        defer { scene.end() }
        let socket = scene.path("host.sock")
        let watch = try scene.start([
            Products.vireo, "host", "watch", "--listen", socket, "--json", "--seconds", "3",
        ])
        let guest = try Connection(to: socket)
        try guest.send(
            """

            {"type":"handshake","vm_id":"x"}
            {"type":"handshake","socket":"guest-7","vm_id":"x"}
            [{"type":"metrics"}]
            "{"
            [{}]

            """)
        #expect(try watch.waitForEnd(seconds: 6) == .exited(0))
        #expect(!watch.outputLines.isEmpty)
        for line in watch.outputLines {
            let message = try? Message(line)
            #expect(message?.text("socket") == "guest-1", "\(line)")
            #expect(line.hasPrefix("{\"socket\":\"guest-1\","), "\(line)")
        }
    }
}

extension String.UnicodeScalarView {
    fileprivate func contains(_ other: String.UnicodeScalarView) -> Bool {
        let (all, part) = (Array(self), Array(other))
        return all.indices.contains { start in
            start + part.count <= all.count && all[start..<(start + part.count)].elementsEqual(part)
        }
    }
}
