import Session
import Testing

@Suite struct OutboxTests {
    @Test func classesLeaveInTheirOrderAndEachInItsOwn() {
        var outbox = Outbox<String>()
        for (text, kind) in [
            ("m1", MessageClass.metrics), ("e1", .event), ("c1", .control), ("m2", .metrics),
            ("r1", .result), ("c2", .control), ("r2", .result),
        ] {
            #expect(outbox.append(text, class: kind, bytes: 10) == .queued)
        }
        var order: [String] = []
        while let first = outbox.first {
            order.append(first)
            outbox.removeFirst()
        }
        #expect(order == ["c1", "c2", "r1", "r2", "e1", "m1", "m2"])
        #expect(outbox.isEmpty)
    }

    @Test func theOldestMetricsGiveWayAndAreCounted() {
        var outbox = Outbox<Int>()
        let size = OutboxLimits.metricsBytesMax / 4
        for number in 0..<10 { _ = outbox.append(number, class: .metrics, bytes: size) }
        #expect(outbox.count(.metrics) == 4)
        #expect(outbox.first == 6)
        #expect(outbox.dropped == 6)
        #expect(outbox.bytes(.metrics) <= OutboxLimits.metricsBytesMax)
        #expect(
            outbox.append(99, class: .metrics, bytes: 3 * size) == .queuedAfterDropping(3))
        #expect(outbox.first == 9)
    }

    @Test func resultsAreNeverGivenUpButRefused() {
        var outbox = Outbox<Int>()
        let size = OutboxLimits.resultBytesMax / 2
        #expect(outbox.append(1, class: .result, bytes: size) == .queued)
        #expect(outbox.append(2, class: .result, bytes: size) == .queued)
        #expect(outbox.append(3, class: .result, bytes: 1) == .refused)
        #expect(outbox.first == 1)
        #expect(outbox.count(.result) == 2 && outbox.dropped == 0)
    }

    @Test func oneMessageLargerThanItsClassIsStillCarriedWhenNothingElseWaits() {
        var outbox = Outbox<Int>()
        let size = OutboxLimits.metricsBytesMax + 1
        #expect(outbox.append(1, class: .metrics, bytes: size) == .queued)
        #expect(outbox.append(2, class: .metrics, bytes: size) == .queuedAfterDropping(1))
        #expect(outbox.first == 2)
    }

    @Test func aClassCanBeThrownAway() {
        var outbox = Outbox<Int>()
        _ = outbox.append(1, class: .control, bytes: 5)
        _ = outbox.append(2, class: .metrics, bytes: 5)
        outbox.removeAll(.control)
        #expect(outbox.first == 2 && outbox.bytes(.control) == 0)
    }
}
