import CLinux
import IOEngine
import Kernel
import Port
import Slabs

/// One end of a port that is measured: what it does with the lines that come, and what it sends.
///
/// Both ends are made of this. Lines of measure begin with `x`, those of control with `#`.
final class PortSession: PortOwner {
    enum Activity: Equatable {
        case idle
        /// Answers each line with itself.
        case echo
        /// Counts this many more lines.
        case sink(left: UInt64)
        /// Sends this many more lines of ``template``.
        case source(left: UInt64)
        /// Sends a line, waits for its answer, and notes how long that took.
        case ping(left: Int)
    }

    let port: Port
    private let engine: IOEngine
    private(set) var activity = Activity.idle
    private var template = LineTemplate(lineBytes: BenchLimits.lineBytesMin)
    private var latencies = Latencies(capacity: 0)
    private var sentAt = MonotonicTime.now
    /// Of the lines that are being sent, one behind the other.
    private var sourceBytes = 0
    /// Lines of measure that came, whatever was done with them.
    private(set) var linesReceived: UInt64 = 0
    private(set) var isPresent = false
    private(set) var end: PortError?
    /// What `activity` came to, once it is over; empty for all but a ping.
    var ended: ((Percentiles?) -> Void)?
    var controlCame: ((String) -> Void)?

    /// Bytes that wait to be sent at most: enough for the engine, few enough for the cache.
    private static let unsentBytesMax = 262_144
    private static let ringBytes = SlabLimits.sendSlabsDefault * SlabLimits.slabBytes

    init(
        _ engine: IOEngine, _ endpoint: PortEndpoint, timers: (TimerKey, TimerKey),
        allowsForeign: Bool = false
    ) throws(ProgramFailure) {
        self.engine = engine
        do {
            let channel = try FrameChannel(engine: engine, registers: timers.0 == TimerKey(0))
            port = Port(
                engine: engine, endpoint: endpoint, channel: channel, timers: timers,
                allowsForeign: allowsForeign)
        } catch {
            throw .memory(error)
        }
        port.owner = self
    }

    // MARK: What to do

    func begin(_ activity: Activity, lineBytes: Int = BenchLimits.lineBytesMin) {
        self.activity = activity
        sourceBytes = 0
        if lineBytes != template.lineBytes {
            template = LineTemplate(lineBytes: lineBytes, minimumBytes: SlabLimits.slabBytes)
        }
        if case .ping(let rounds) = activity {
            latencies = Latencies(capacity: rounds)
            sendPing()
        }
        pump()
    }

    func say(_ text: String) {
        let line = "#\(text)\n"
        _ = port.channel.appendData { space in
            var space = space
            guard line.utf8.count <= space.byteCount else { return 0 }
            for (place, byte) in line.utf8.enumerated() {
                space.storeBytes(of: byte, toByteOffset: place, as: UInt8.self)
            }
            return line.utf8.count
        }
        port.channel.sendMore()
    }

    /// Puts in what there is room for. To be called after each turn.
    func pump() {
        guard isPresent, case .source(var left) = activity else { return }
        let template = template
        let most = UInt64(template.count / template.lineBytes)
        let isPeriodic = Self.ringBytes.isMultiple(of: template.lineBytes)
        while left > 0, port.channel.unsentDataBytes < Self.unsentBytesMax {
            let lines = min(left, most)
            let bytes = Int(lines) * template.lineBytes
            let isIn = port.channel.appendData(lines: Int(lines)) { space in
                var space = space
                guard bytes <= space.byteCount else { return 0 }
                // After one lap what lies there is what was sent: to copy it again would measure
                // the copy.
                if !isPeriodic || sourceBytes < Self.ringBytes {
                    clinux_copy(&space, template.span.extracting(first: bytes))
                }
                return bytes
            }
            guard isIn else { break }
            sourceBytes += bytes
            left -= lines
        }
        activity = .source(left: left)
        port.channel.sendMore()
        if left == 0 { finish(nil) }
    }

    private func finish(_ percentiles: Percentiles?) {
        activity = .idle
        ended?(percentiles)
    }

    private func sendPing() {
        let template = template
        let count = template.lineBytes
        _ = port.channel.appendData { space in
            var space = space
            guard count <= space.byteCount else { return 0 }
            clinux_copy(&space, template.span.extracting(first: count))
            return count
        }
        sentAt = .now
        port.channel.sendMore()
    }

    // MARK: PortOwner

    func hostArrived(at port: Port) {
        isPresent = true
    }

    func hostLeft(_ port: Port) {
        isPresent = false
        activity = .idle
    }

    func portWaits(_ port: Port, after error: PortError, milliseconds: UInt64) {
        end = error
    }

    func portEnded(_ port: Port, with error: PortError) {
        end = error
    }

    func framesCame(to port: Port) {
        port.channel.forEachReceived { received in
            switch received {
            case .frame(let readable, let count): take(readable.extracting(first: count))
            case .overlong: break
            }
        }
        port.channel.sendMore()
    }

    private func take(_ line: RawSpan) {
        guard line.byte(at: 0) != UInt8(ascii: "#") else {
            controlCame?(String(line.repairedText.dropFirst()))
            return
        }
        linesReceived += 1
        switch activity {
        case .echo: answer(line)
        case .sink(let left):
            activity = .sink(left: left - 1)
            if left == 1 { finish(nil) }
        case .ping(let left):
            latencies.record(MonotonicTime.now.nanoseconds(since: sentAt))
            guard left > 1 else {
                finish(latencies.percentiles())
                return
            }
            activity = .ping(left: left - 1)
            sendPing()
        case .idle, .source: break
        }
    }

    private func answer(_ line: RawSpan) {
        let count = line.byteCount
        // One line at a time is under way, so that there is always room.
        _ = port.channel.appendData { space in
            var space = space
            guard count < space.byteCount else { return 0 }
            clinux_copy(&space, line)
            space.storeBytes(of: UInt8(ascii: "\n"), toByteOffset: count, as: UInt8.self)
            return count + 1
        }
    }
}
