import Testing

@testable import Wire

/// One message of every type and side, with everything in it and with as little as may be.
struct MessageSample: CustomTestStringConvertible, Sendable {
    let type: String
    let text: String

    init(_ message: some WireMessage) {
        self.init(text: frame(message))
    }

    init(text: String) {
        self.text = text
        // Every message of ours begins with its type.
        let rest = text.dropFirst(#"{"type":""#.count)
        type = String(rest.prefix { $0 != "\"" })
    }

    var testDescription: String { String(text.prefix(120)) }
}

enum MessageSamples {
    static let wall = GoldenTests.wall
    static let epoch = Epoch(high: 0x0011_2233_4455_6677, low: 0x8899_AABB_CCDD_EEFF)
    static let numbering = Numbering(epoch: epoch, sequence: 131)

    /// What only ``GuestNotice`` reads.
    static var notices: [GuestNotice] {
        var event = AgentEvent(
            severity: "warning", source: "sampler", message: "a probe is \"stuck\"\n",
            wallMilliseconds: wall)
        let plainEvent = event
        event.executionID = "e-1"
        event.contextJSON = #"{"probe":"disk","milliseconds":30000,"list":[1.5,null,true]}"#
        event.numbering = numbering
        var report = ErrorReport(
            errorType: "port", severity: .recoverable, wallMilliseconds: wall)
        let plainReport = report
        report.windowsErrorCode = 5
        (report.retryAttempt, report.maxRetries) = (1, 3)
        report.recoverySuggestion = "install the driver"
        report.vmID = "v"
        report.numbering = numbering
        var breaker = CircuitBreakerState(.halfOpen, failureCount: 15, wallMilliseconds: wall)
        breaker.lastFailureWallMilliseconds = wall - 60_000
        breaker.recoverySeconds = 60
        var status = ConnectionStatus(state: "degraded", wallMilliseconds: wall)
        status.detailsJSON = #""no answer for 30 s""#
        status.vmID = "v"
        var completion = ScriptCompletion(executionID: "e-1", exitCode: -1, wallMilliseconds: wall)
        completion.stdout = "ok\n"
        completion.stderr = "\u{1B}[0m"
        completion.logFile = "/var/log/e-1.log"
        completion.numbering = numbering
        return [
            .ping(Ping(sequence: 7, wallMilliseconds: wall)),
            .agentEvent(event), .agentEvent(plainEvent),
            .errorReport(report), .errorReport(plainReport),
            .circuitBreakerState(breaker),
            .circuitBreakerState(
                CircuitBreakerState(.open, failureCount: 0, wallMilliseconds: wall)),
            .connectionStatus(status),
            .connectionStatus(ConnectionStatus(state: "connected", wallMilliseconds: wall)),
            .firewallEvent(FirewallEvent(dataJSON: #"{"rule":1}"#, wallMilliseconds: wall)),
            .firewallEvent(FirewallEvent(dataJSON: nil, wallMilliseconds: wall)),
            .pendingScriptsRequest(PendingScriptsRequest(vmID: "v", wallMilliseconds: wall)),
            .scriptCompletion(completion),
            .scriptCompletion(
                ScriptCompletion(executionID: "e-2", exitCode: nil, wallMilliseconds: wall)),
        ]
    }

    static var handshakes: [Handshake] {
        var offer = SessionOffer(epoch: epoch, session: 4, first: 120, next: 205)
        offer.gaps = [NumberRange(from: 90, to: 101), NumberRange(from: 110, to: 119)]
        offer.forkedFrom = Epoch(high: 1, low: 2)
        return [nil, offer].map { offer in
            Handshake(
                vmID: "v", version: "0.1.0", capabilities: ["metrics", "ack"], offer: offer,
                wallMilliseconds: wall)
        }
    }

    static var responses: [CommandResponse] {
        var response = CommandResponse(
            id: "c-1", success: true, commandType: "ProcessList", wallMilliseconds: wall)
        response.exitCode = 0
        response.stdout = "[]\n"
        response.executionMilliseconds = 3
        response.outcome = .exited
        response.numbering = numbering
        let refusal = CommandResponse.refusal(
            of: .safe, id: "c-2", .refusedByPolicy, reason: "commands are off: see the policy",
            wallMilliseconds: wall)
        return [response, refusal]
    }

    static var batch: MetricsBatch {
        var second = FixtureSample.make()
        second.wallMilliseconds += 30_000
        return MetricsBatch(
            [FixtureSample.make(), second, MetricsSample()], droppedMessages: 3,
            numbering: numbering, wallMilliseconds: wall)
    }

    static let guest: [MessageSample] = {
        var samples = handshakes.map { MessageSample($0) }
        var metrics = MetricsMessage(FixtureSample.make(), droppedMessages: 3)
        metrics.sample.wallMilliseconds = wall
        samples.append(MessageSample(text: MetricsRoundTripTests.encoded(metrics).text))
        metrics.numbering = numbering
        samples.append(MessageSample(text: MetricsRoundTripTests.encoded(metrics).text))
        var empty = MetricsSample()
        empty.wallMilliseconds = wall
        samples.append(
            MessageSample(text: MetricsRoundTripTests.encoded(MetricsMessage(empty)).text))
        samples.append(MessageSample(text: write { _ = batch.encode(into: &$0) }.text.dropNewline))
        samples += responses.map { MessageSample($0) }
        samples.append(
            MessageSample(ErrorMessage.messageTooLarge(bytes: 67_108_865, wallMilliseconds: wall)))
        samples.append(
            MessageSample(KeepAlive(.answer, sequenceNumber: 41, wallMilliseconds: wall)))
        samples.append(
            MessageSample(
                Skipped(
                    epoch: epoch, range: NumberRange(from: 3, to: 9), wallMilliseconds: wall)))
        for bytes in [Array("ok\n".utf8), [0xFF, 0x00]] {
            var output = ExecOutput(
                id: "c-1", stream: .standardError, offset: 3, data: ExecData(bytes))
            output.wallMilliseconds = wall
            output.numbering = numbering
            samples.append(MessageSample(output))
        }
        for notice in notices { samples.append(MessageSample(text: frame(notice))) }
        return samples
    }()

    static func frame(_ notice: GuestNotice) -> String {
        func text(_ message: some WireMessage) -> String { WireTests.frame(message) }
        return text(notice.message)
    }

    static var safeCommands: [SafeCommand] {
        var command = SafeCommand(id: "c-1", action: "ServiceControl")
        let plain = command
        command.paramsJSON = #"{"service":"ssh","operation":"restart"}"#
        command.timeoutSeconds = 30
        command.epoch = epoch
        return [plain, command]
    }

    static var unsafeCommands: [UnsafeCommand] {
        var command = UnsafeCommand(id: "c-1", rawCommand: "uname -a")
        let plain = command
        command.shell = "/bin/sh"
        command.timeoutSeconds = 30
        command.workingDirectory = "/tmp"
        command.environment = [
            UnsafeCommand.Variable(name: "LANG", value: "C"),
            UnsafeCommand.Variable(name: "A\"B", value: ""),
        ]
        command.runAs = "nobody"
        command.epoch = epoch
        return [plain, command]
    }

    static var scripts: PendingScripts {
        var script = PendingScript(executionID: "e-1", content: "echo $NAME\n")
        script.scriptID = "s-1"
        script.scriptName = "greet"
        script.shell = "bash"
        script.executionType = "scheduled"
        script.inputValuesJSON = #"{"NAME":"x"}"#
        script.timeoutSeconds = 60
        script.runAs = "nobody"
        return PendingScripts(
            [script, PendingScript(executionID: "e-2", content: "")], wallMilliseconds: wall)
    }

    static var envelopes: [SignedMessage] {
        let counted = SignedMessage.Counted(
            algorithm: "hmac-sha256", keyID: "k-1", vmID: "v", epoch: epoch, number: 7)
        return [
            SignedMessage(
                .dated(milliseconds: wall, nonce: "n-1"), payload: #"{"type":"Metrics"}"#,
                signature: "00ff"),
            SignedMessage(.counted(counted), payload: "{}", signature: "a0"),
        ]
    }

    static let host: [MessageSample] = {
        let answer = HandshakeAcknowledgement(
            epoch: epoch, session: 4, received: 119, windowBytes: 262_144, capabilities: ["ack"])
        var observer = answer
        (observer.capabilities, observer.isObserver) = ([], true)
        var samples = [
            MessageSample(HandshakeRequest()), MessageSample(answer), MessageSample(observer),
            MessageSample(Acknowledgement(numbering)), MessageSample(MetricsRequest()),
            MessageSample(MetricsRequest(id: "m-1")),
            MessageSample(KeepAlive(.request, sequenceNumber: 41, wallMilliseconds: wall)),
            MessageSample(KeepAlive(.response, sequenceNumber: 41, wallMilliseconds: wall)),
            MessageSample(scripts),
            MessageSample(ErrorMessage(.busy, id: "7", wallMilliseconds: wall)),
        ]
        samples += [
            #"{"type":"Exec","id":"c-1","epoch":"\#(epoch)","argv":["id","-u"],"cwd":"/","#
                + #""env":{"A":"b"},"timeout":30,"input":true}"#,
            #"{"type":"exec_input","id":"c-1","data":"/w==","encoding":"base64","eof":true}"#,
            #"{"type":"Cancel","id":"c-1"}"#,
            #"{"type":"FileRead","id":"c-1","epoch":"\#(epoch)","path":"/var/log/dpkg.log","#
                + #""offset":4096,"length":512}"#,
            #"{"type":"FileWrite","id":"c-1","epoch":"\#(epoch)","path":"/srv/a","offset":0,"#
                + #""data":"/w==","encoding":"base64","sha256":""#
                + String(repeating: "0a", count: 32) + "\"}",
            #"{"type":"Freeze","id":"c-1","epoch":"\#(epoch)","deadline":20,"#
                + #""mount_points":["/srv"]}"#,
            #"{"type":"Thaw","id":"c-1","epoch":"\#(epoch)"}"#,
            #"{"type":"Shutdown","id":"c-1","epoch":"\#(epoch)","delay":60}"#,
            #"{"type":"Reboot","id":"c-1","epoch":"\#(epoch)","timeout":5}"#,
            #"{"type":"SyncTime","id":"c-1","epoch":"\#(epoch)"}"#,
        ].map { MessageSample(text: $0) }
        samples += safeCommands.map { MessageSample($0) }
        samples += unsafeCommands.map { MessageSample($0) }
        samples += envelopes.map { MessageSample($0) }
        return samples
    }()
}

extension String {
    var dropNewline: String { String(dropLast()) }
}
