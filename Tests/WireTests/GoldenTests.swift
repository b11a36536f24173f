import Foundation
import Testing

@testable import Wire

/// The bytes on the wire, in files that people can read. They change only together with the
/// protocol: then `VIREO_WRITE_GOLDEN=1 swift test` writes them anew, to be read before they are
/// committed.
@Suite struct GoldenTests {
    static let wall: Int64 = 1_795_523_400_250

    static func expect(_ texts: [String], in file: String) throws {
        let path = "wire-golden/\(file)"
        let written = texts.joined(separator: "\n") + "\n"
        if ProcessInfo.processInfo.environment["VIREO_WRITE_GOLDEN"] != nil {
            try written.write(to: fixtures.appending(path: path), atomically: true, encoding: .utf8)
        }
        #expect(try fixture(path) == written, "Tests/Fixtures/\(path) has other bytes")
    }

    @Test func handshakes() throws {
        let offer = SessionOffer(
            epoch: Epoch(high: 0x0011_2233_4455_6677, low: 0x8899_AABB_CCDD_EEFF), session: 1,
            first: 1,
            next: 1)
        var later = offer
        (later.session, later.first, later.next) = (4, 120, 205)
        later.gaps = [NumberRange(from: 90, to: 101), NumberRange(from: 110, to: 119)]
        func handshake(_ offer: SessionOffer?) -> Handshake {
            Handshake(
                vmID: "550e8400-e29b-41d4-a716-446655440000", version: "0.1.0",
                capabilities: offer == nil ? ["metrics"] : ["metrics", "ack"], offer: offer,
                wallMilliseconds: Self.wall)
        }
        try Self.expect(
            [nil, offer, later].map { frame(handshake($0)) }, in: "handshake.jsonl")
    }

    @Test func errors() throws {
        let unknown = try #require(
            try hostMessage(#"{"type":"Dance","id":"7"}"#).errorReply(wallMilliseconds: Self.wall))
        let noType = try #require(
            try hostMessage("{}").errorReply(wallMilliseconds: Self.wall))
        try Self.expect(
            [
                frame(ErrorMessage.messageTooLarge(bytes: 67_108_865, wallMilliseconds: Self.wall)),
                frame(ErrorMessage.invalid(.duplicateName, wallMilliseconds: Self.wall)),
                frame(unknown), frame(noType),
            ], in: "errors.jsonl")
    }

    @Test func theOtherMessagesOfTheGuest() throws {
        var response = CommandResponse(
            id: "c-1", success: true, commandType: "safe", wallMilliseconds: Self.wall)
        response.exitCode = 0
        response.stdout = "Linux\n"
        response.executionMilliseconds = 3
        response.outcome = .exited
        try Self.expect(
            [
                frame(KeepAlive(.answer, sequenceNumber: 41, wallMilliseconds: Self.wall)),
                frame(Ping(sequence: 7, wallMilliseconds: Self.wall)), frame(response),
                frame(
                    CommandResponse.refusal(
                        of: .safe, id: "c-2", .refusedByPolicy,
                        reason: "commands are off: allow them in the policy",
                        wallMilliseconds: Self.wall)),
            ], in: "guest.jsonl")
    }

    @Test func theMessagesOfTheHost() throws {
        let epoch = Epoch(high: 0x0011_2233_4455_6677, low: 0x8899_AABB_CCDD_EEFF)
        let answer = HandshakeAcknowledgement(
            epoch: epoch, session: 4, received: 119, windowBytes: 262_144, capabilities: ["ack"])
        var observer = answer
        (observer.capabilities, observer.isObserver) = ([], true)
        try Self.expect(
            [
                frame(HandshakeRequest()), frame(answer), frame(observer),
                frame(Acknowledgement(Numbering(epoch: epoch, sequence: 131))),
                frame(KeepAlive(.request, sequenceNumber: 41, wallMilliseconds: Self.wall)),
                frame(KeepAlive(.response, sequenceNumber: 41, wallMilliseconds: Self.wall)),
                frame(MetricsRequest()), frame(MetricsRequest(id: "m-1")),
            ], in: "host.jsonl")
    }

    @Test func metrics() throws {
        let sample = FixtureSample.make()
        var numbered = MetricsMessage(sample, droppedMessages: 3)
        numbered.numbering = Numbering(epoch: Epoch(high: 0, low: 1), sequence: 12)
        try Self.expect([MetricsRoundTripTests.encoded(numbered).text], in: "metrics.json")
    }

    /// Two messages as InfiniService writes them: the lists where its host reads them, and where
    /// its own documents put them, under other names.
    @Test(arguments: ["infiniservice-metrics.json", "infiniservice-documents.json"])
    func metricsOfInfiniServiceAreRead(file: String) throws {
        let text = try fixture("wire-golden/\(file)")
        let message = try MetricsRoundTripTests.decoded(text)
        let sample = message.sample
        #expect(sample.wallMilliseconds == 1_760_702_400_123)
        #expect(sample.cpu?.usagePercent == 12.5)
        #expect(sample.cpu?.cores.map(\.usagePercent) == [10, 15.25])
        #expect(sample.cpu?.cores.map(\.number) == [0, 1])
        #expect(sample.memory?.totalKiB == 8_000_000)
        #expect(sample.memory?.swapUsedKiB == 1024)
        #expect(sample.fileSystems.map(\.mountPoint) == ["/"])
        #expect(sample.fileSystems.first?.totalBytes == 53_687_091_200)
        #expect(sample.interfaces.map(\.name) == ["lo", "eth0"])
        #expect(sample.interfaces.last?.addresses == ["192.168.122.10", "fe80::1"])
        #expect(sample.system?.uptimeSeconds == 4242)
        #expect(sample.load?.fiveMinutes == 0.25)
        let process = try #require(sample.processes.first)
        #expect(process.pid == 1 && process.name == "systemd" && process.memoryKiB == 12_000)
        #expect(process.executablePath == "/usr/lib/systemd/systemd")
        #expect(process.commandLine == "/sbin/init" && process.cpuPercent == 0.5)
        #expect(process.startedWallMilliseconds == 1_760_698_158_000)
        // Only what listens: the second port of the file is a connection.
        #expect(sample.ports.map(\.port) == [22])
        #expect(sample.ports.first?.pid == 612)
        #expect(sample.agent == nil && message.numbering == nil && message.droppedMessages == 0)
    }

    @Test func everyGoldenLineIsJSONForFoundationToo() throws {
        for file in [
            "handshake.jsonl", "errors.jsonl", "guest.jsonl", "host.jsonl", "metrics.json",
            "infiniservice-metrics.json", "infiniservice-documents.json",
        ] {
            for line in try fixture("wire-golden/\(file)").split(separator: "\n") {
                let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
                let count = try parse(String(line)) {
                    try MetricsRoundTripTests.compare($0, object)
                }
                #expect(count > 1)
            }
        }
    }
}
