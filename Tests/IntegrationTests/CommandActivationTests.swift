import CLinux
import Glibc
import Testing

/// vireo-exec as the service manager starts it: with a socket that listens. Source:
/// sd_listen_fds(3).
@Suite(.serialized) struct CommandActivationTests {
    @Test func aSocketOfTheManagersServesOneAgentAfterTheOther() throws {
        let scene = try Scene()
        defer { scene.end() }
        let path = scene.path("exec.sock")
        let number = clinux_unix_listen(path, 4)
        try #require(number >= 0)
        let script = "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\""
        let executor = try scene.start(
            ["/bin/sh", "-c", script, Products.folder + "/vireo-exec"], standardInput: number)
        close(number)
        let listener = try Listener(scene.path("host.sock"))
        for life in 0..<2 {
            let agent = try scene.startAgent("epoll", environment: ["VIREO_EXEC_SOCKET": path])
            let host = scene.keep(try listener.accept())
            let epoch = try host.acknowledgeGreeting(try host.readGreeting())
            try host.send(
                #"{"type":"Exec","id":"a","epoch":"\#(epoch)","argv":["/bin/true"]}"# + "\n")
            let response = try host.readMessage("response")
            #expect(response.text("error") == "REFUSED_BY_POLICY")
            #expect(response.text("data.rule")?.isEmpty == false)
            #expect(executor.ended() == nil)
            // The first agent dies, the second is told to end: both times the executor stays.
            agent.signal(life == 0 ? SIGKILL : SIGTERM)
            try agent.waitForEnd()
            host.close()
        }
        executor.signal(SIGTERM)
        #expect(try executor.waitForEnd() == .exited(0))
    }

    @Test func withoutASocketItSaysWhatIsMissing() throws {
        let scene = try Scene()
        defer { scene.end() }
        let executor = try scene.start([Products.folder + "/vireo-exec"])
        #expect(try executor.waitForEnd() == .exited(64))
        #expect(executor.errorText.contains("vireo-exec.socket"))
    }
}
