import Foundation
import Testing

/// What a host may ask, and what it gets.
@Suite(.ownThread) struct RequestTests {
    @Test(arguments: Engine.allCases)
    func aKeepAliveRequestIsAnsweredWithItsNumber(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let (_, host) = try scene.agentAndHost(engine)
        try host.readGreetingAndSample()
        for number in ["0", "7", "18446744073709551615"] {
            try host.send(
                "{\"type\":\"keep_alive_request\",\"sequence_number\":\(number),"
                    + "\"timestamp\":\"2026-01-01T00:00:00.000Z\"}\r\n")
            let answer = try host.readMessage()
            #expect(answer.type == "keep_alive")
            #expect(answer.text("timestamp") != nil)
            let text = String(decoding: answer.line, as: UTF8.self)
            #expect(text.contains("\"sequence_number\":\(number),"))
        }
    }

    /// An answer would be answered again by the hosts in the field, for ever.
    @Test(arguments: Engine.allCases)
    func whatNeedsNoAnswerGetsNone(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let (_, host) = try scene.agentAndHost(engine)
        try host.readGreetingAndSample()
        try host.send(
            """
            {"type":"keep_alive_response","sequence_number":1,"timestamp":1}
            {"type":"error","error":"INVALID_MESSAGE"}
            {"type":"response","id":"x","success":true}
            {"type":"ack","epoch":"00","seq":1}


            """)
        #expect(try host.exchangeKeepAlive(42).isEmpty)
    }

    @Test(arguments: Engine.allCases)
    func aHandshakeRequestBeginsTheNextSession(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let (_, host) = try scene.agentAndHost(engine)
        let first = try host.readGreeting()
        _ = try host.readMessage("metrics")
        for session in 2...4 {
            try host.send("\n{\"type\":\"handshake_request\"}\n")
            let next = try host.readMessage()
            #expect(next.type == "handshake")
            #expect(next.number("session") == Double(session))
            #expect(next.text("epoch") == first.text("epoch"))
        }
    }

    @Test(arguments: Engine.allCases)
    func aMetricsRequestIsAnsweredBetweenTwoSamplesOfTheSchedule(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let (_, host) = try scene.agentAndHost(engine)
        try host.readGreetingAndSample()
        for _ in 0..<3 {
            try host.send("{\"type\":\"Metrics\",\"unknown\":[1,2]}\n")
            #expect(try host.readMessage().type == "metrics")
        }
    }

    @Test(arguments: Engine.allCases)
    func commandsWithoutAnEpochAreRefusedAndStartNoProcess(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let (agent, host) = try scene.agentAndHost(engine)
        try host.readGreetingAndSample()
        let mark = scene.path("ran")
        let commands = [
            """
            {"type":"UnsafeCommand","id":"two","raw_command":"touch \(mark)","shell":"/bin/sh"}
            """,
            """
            {"type":"Exec","id":"three","argv":["/usr/bin/touch","\(mark)"]}
            """,
            """
            {"type":"FileWrite","id":"four","path":"\(mark)","offset":0,"data":"x"}
            """,
        ]
        for (command, id) in zip(commands, ["two", "three", "four"]) {
            try host.send(command + "\n")
            let response = try host.readMessage()
            #expect(response.type == "response")
            #expect(response.text("id") == id)
            #expect(response["success"] as? Bool == false)
            #expect(response.text("error") == "REFUSED_BY_POLICY")
            #expect(response.text("data.outcome") == "refused")
            #expect(try agent.children().isEmpty)
        }
        #expect(try agent.childrenPageFaults() == 0)
        #expect(!FileManager.default.fileExists(atPath: mark))
    }
}
