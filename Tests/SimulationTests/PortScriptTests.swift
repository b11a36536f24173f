import Testing

/// The model of the port against the scripts that were played on a real one.
@Suite struct PortScriptTests {
    @Test func thereAreScripts() { #expect(PortScript.names.count >= 12) }

    @Test(arguments: PortScript.names)
    func theModelDoesWhatTheScriptSays(_ name: String) throws {
        let script = try PortScript.load(name)
        var player = PortScriptPlayer()
        do {
            try player.play(script.steps)
        } catch {
            Issue.record("\(name): \(script.fact): \(error)")
        }
    }

    /// A script that cannot fail proves nothing: each has to be one that an idle port fails.
    @Test(arguments: PortScript.names)
    func aScriptWithoutItsStepsOfTheHostFails(_ name: String) throws {
        var steps = try PortScript.load(name).steps
        steps.removeAll { $0.verb == "host.attach" }
        let hasHost = steps.contains { $0.verb.hasPrefix("host.") }
        guard hasHost else { return }
        steps.removeAll { $0.verb.hasPrefix("host.") }
        var player = PortScriptPlayer()
        #expect(throws: PortScriptPlayer.Mismatch.self) { try player.play(steps) }
    }
}
