import Doctor
import Foundation
import Glibc
import Kernel
import Testing

/// Real sockets, with a little QEMU played on them.
@Suite(.serialized) struct HostReaderTests {
    private func reader(_ path: String, _ monitor: String? = nil) -> HostReader {
        var reader = HostReader(path: path, monitorPath: monitor)
        reader.patienceMilliseconds = 300
        return reader
    }

    /// Accepts one client and writes `answer` once it has heard `question`, or at once without one.
    private func serve(
        _ listener: Int32, clients: Int = 1, _ body: @escaping @Sendable (Int32) -> Void
    ) {
        Thread.detachNewThread {
            for _ in 0..<clients {
                var one = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
                guard poll(&one, 1, 5000) > 0, let client = ListeningSocket.accept(listener) else {
                    return
                }
                _ = fcntl(client.number, F_SETFL, 0)
                body(client.number)
            }
        }
    }

    @Test func whatIsNoSocketAndWhatNobodyListensOn() throws {
        let folder = try Folder()
        #expect(reader(folder.path + "/none").view().socket == .missing)
        try folder.write("file", "")
        #expect(reader(folder.path + "/file").view().socket == .notASocket)
        let path = folder.path + "/stale"
        do { _ = try ListeningSocket.open(path) }
        let view = reader(path).view()
        #expect(view.attachment == .refused(.connectionRefused))
        #expect(Doctor.examine(view).wrong == [.listener])
    }

    @Test func anAgentThatAnswersIsRecognisedBehindWhatIsLeftOver() throws {
        let folder = try Folder()
        let path = folder.path + "/s"
        let listener = try ListeningSocket.open(path)
        serve(listener.number) { client in
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = read(client, &bytes, bytes.count)
            guard
                String(decoding: bytes[..<max(0, count)], as: UTF8.self)
                    == "\n{\"type\":\"handshake_request\"}\n"
            else { return }
            let answer = """

                {"type":"metrics","data":{}}
                {"type":"handshake","vm_id":"web-01","version":"9.9"}

                """
            _ = answer.withCString { write(client, $0, strlen($0)) }
        }
        let view = reader(path).view()
        #expect(view.connections.hasListener && view.connections.served == 0)
        #expect(view.attachment == .handshake(vm: "web-01", version: "9.9"))
        #expect(Doctor.examine(view).isHealthy)
    }

    @Test func somethingElseThatAnswersIsQuoted() throws {
        let folder = try Folder()
        let path = folder.path + "/s"
        let listener = try ListeningSocket.open(path)
        serve(listener.number) { client in _ = "SSH-2.0-x\r\n".withCString { write(client, $0, 11) }
        }
        #expect(reader(path).view().attachment == .other("SSH-2.0-x\r"))
    }

    @Test func silenceAndAClosedConnectionAreToldApart() throws {
        let folder = try Folder()
        let path = folder.path + "/s"
        let listener = try ListeningSocket.open(path)
        #expect(reader(path).view().attachment == .silent(milliseconds: 300))
        // The one that waited above is still in the queue, and is served first.
        serve(listener.number, clients: 2) { _ in }
        #expect(reader(path).view().attachment == .closed)
    }

    @Test func aClientThatIsServedIsSeenAndNotDisturbed() throws {
        let folder = try Folder()
        let path = folder.path + "/s"
        let listener = try ListeningSocket.open(path)
        let client = try UnixSocket.connect(path)
        let served = ListeningSocket.accept(listener.number)?.release() ?? -1
        defer { close(served) }
        #expect(served >= 0)
        let view = reader(path).view()
        #expect(view.connections.served == 1)
        #expect(view.attachment == .notTried)
        #expect(Doctor.examine(view).wrong == [.client])
        // Nobody knocked.
        let another = ListeningSocket.accept(listener.number)?.release()
        #expect(another == nil)
        _ = client.number
    }

    @Test func aMonitorThatIsNoneOrServesAnotherIsSaid() throws {
        let folder = try Folder()
        let path = folder.path + "/s"
        let listener = try ListeningSocket.open(path)
        var view = reader(path, folder.path + "/none").view()
        guard case .failed(let why)? = view.monitor else {
            Issue.record("\(String(describing: view.monitor))")
            return
        }
        #expect(why.contains("ENOENT"))
        let monitor = try ListeningSocket.open(folder.path + "/m")
        serve(monitor.number) { client in
            _ = "{\"hello\":1}\n".withCString { write(client, $0, 12) }
        }
        view = reader(path, folder.path + "/m").view()
        #expect(Doctor.examine(view)[.monitor]?.severity == .problem)
        _ = listener.number
    }
}
