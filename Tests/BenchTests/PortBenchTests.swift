import Bench
import Foundation
import IOEngine
import Kernel
import Port
import Testing

@Suite struct PortBenchTests {
    private func withPartner(
        _ path: String, _ engine: IOEngine.Choice, _ body: () throws -> Void
    ) throws {
        let box = StopperBox()
        let ready = DispatchSemaphore(value: 0)
        let side = Side {
            defer { ready.signal() }
            let partner = try PortPartner(.listen(path), engine: engine)
            box.waker.withLock { $0 = partner.stopper }
            ready.signal()
            try partner.run()
        }
        ready.wait()
        defer { box.stop() }
        try body()
        box.stop()
        try side.value()
    }

    private var fewAmounts: PortBench.Amounts {
        var amounts = PortBench.Amounts()
        amounts.smallRounds = 30
        amounts.largeRounds = 10
        amounts.bulkBytes = 4 << 20
        amounts.operations = 1000
        return amounts
    }

    @Test(arguments: bothEngines)
    func everyRowOfTheDocumentIsMeasuredInBothDirections(_ engine: IOEngine.Choice) throws {
        let place = Place()
        try withPartner(place.path, engine) {
            // Twice: the partner serves one guest after the other.
            for _ in 0..<2 {
                let bench = try PortBench(.socket(place.path), engine: engine, amounts: fewAmounts)
                let table = try bench.run()
                #expect(table.rows.map(\.frames) == [30, 30, 10, 10, 64, 64, 1000, 1000])
                #expect(
                    table.rows.map(\.direction.rawValue)
                        == ["out", "in", "out", "in", "out", "in", "out", "in"])
                let lines = table.json.split(separator: "\n")
                #expect(lines.count == 8)
                for line in lines {
                    let object = try #require(
                        JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
                    for key in promisedKeys + ["test", "direction", "document"] {
                        #expect(object[key] != nil, "\(key) in \(line)")
                    }
                    let isLatency = (object["test"] as? String)?.contains("message") == true
                    #expect((object["p999_us"] != nil) == isLatency)
                }
                let picture = table.picture(usesBlocks: false)
                #expect(picture.split(separator: "\n").count == 10)
                let isASCII = picture.allSatisfy { $0.isASCII }
                #expect(isASCII)
            }
        }
    }

    @Test func aHostThatIsNoPartnerIsSaid() throws {
        let place = Place()
        let path = place.path
        // It listens and never answers.
        let receiving = Side { try Receiver(path: path, engine: .epoll).run() }
        usleep(100_000)
        let bench = try PortBench(.socket(path), engine: .epoll, waitSeconds: 0.3)
        let error = #expect(throws: ProgramFailure.self) { _ = try bench.run() }
        #expect(error?.code == .unavailable)
        #expect(error.map { "\($0)".contains("bench partner") } == true)
        _ = try receiving.value()
    }

    @Test func noHostIsSaid() throws {
        let place = Place()
        let bench = try PortBench(.socket(place.path), engine: .epoll, waitSeconds: 0.2)
        let error = #expect(throws: ProgramFailure.self) { _ = try bench.run() }
        #expect(error?.code == .unavailable)
    }
}
