import Kernel
import Wire

/// The processes that use the most CPU, then the most memory.
///
/// Looking at every process is nearly all that a sample costs, so it is done every few seconds, and
/// shares are over the time since it was done before. Source: proc(5), /proc/PID.
struct ProcessProbe: Probe {
    static let name = ProbeName.processes

    private struct Times {
        var startTicks: UInt64
        var ticks: UInt64
    }

    private struct Ranked {
        var process: ProcessStat
        var cpuPercent: Double

        func comesBefore(_ other: Ranked) -> Bool {
            if cpuPercent != other.cpuPercent { return cpuPercent > other.cpuPercent }
            if process.residentPages != other.process.residentPages {
                return process.residentPages > other.process.residentPages
            }
            return process.pid < other.process.pid
        }
    }

    private let proc: String
    private let processesMax: Int
    private var details: ProcessDetails
    /// CPU time of every process in the sample before, by its number.
    private var before: [UInt32: Times] = [:]
    private var takenAt: MonotonicTime?
    private var refresh: Refresh
    /// Whether the shares of ``rows`` are over a time that was watched.
    private var hasRates = false
    private var rows: [ProcessSample] = []
    /// How many processes there were.
    private var processCount = 0

    init(_ root: ProbeRoot, processesMax: Int, seconds: Double) {
        proc = root.proc
        self.processesMax = processesMax
        refresh = Refresh(seconds: seconds)
        details = ProcessDetails(root)
    }

    mutating func update(
        _ sample: inout MetricsSample, _ context: inout ProbeContext, _ reader: inout FileReader
    ) throws(ProbeFailure) {
        // The first list has only averages since each process began: the next sample mends that.
        if !hasRates { refresh.expire() }
        if refresh.isDue(at: context.now) {
            do throws(ProbeFailure) {
                hasRates = takenAt != nil
                try read(sample, &context, &reader)
            } catch {
                refresh.expire()
                throw error
            }
        }
        sample.processes = rows
        let scanned = min(processCount, ProbeLimits.processesScannedMax)
        context.reportCut(shown: scanned, of: processCount, "processes")
    }

    private mutating func read(
        _ sample: MetricsSample, _ context: inout ProbeContext, _ reader: inout FileReader
    ) throws(ProbeFailure) {
        let numbers = try processNumbers(proc)
        processCount = numbers.count
        let shown = numbers.prefix(ProbeLimits.processesScannedMax)
        let cores = sample.cpu?.cores.count ?? 0
        let percentMax = cores > 0 ? Double(cores) * 100 : .infinity
        let top = rank(shown, percentMax: percentMax, &context, &reader)
        let all = details.read(top.map(\.process), at: context.now, &reader)
        rows = zip(top, all).map { row($0, $1, context) }
    }

    /// The first ``processesMax`` in order. Processes that end meanwhile or may not be seen are
    /// left.
    private mutating func rank(
        _ numbers: ArraySlice<UInt32>, percentMax: Double, _ context: inout ProbeContext,
        _ reader: inout FileReader
    ) -> [Ranked] {
        var top: [Ranked] = []
        var now: [UInt32: Times] = [:]
        now.reserveCapacity(numbers.count)
        var firstFailure: ProbeFailure?
        for number in numbers {
            let path = "\(proc)/\(number)/stat"
            do throws(ProbeFailure) {
                guard let process = try read(path, &reader) else { continue }
                now[number] = Times(startTicks: process.startTicks, ticks: process.ticks)
                let share = min(percentMax, cpuPercent(process, context))
                insert(Ranked(process: process, cpuPercent: share), into: &top)
            } catch {
                firstFailure = firstFailure ?? error
            }
        }
        if let firstFailure { context.report(firstFailure.description) }
        before = now
        takenAt = context.now
        return top
    }

    /// `nil` for a process that has ended or may not be seen.
    private func read(
        _ path: String, _ reader: inout FileReader
    ) throws(ProbeFailure) -> ProcessStat? {
        do throws(ProbeFailure) {
            let bytes = try ProbeFile(path, keepsOpen: false).read(&reader)
            do throws(Malformed) {
                return try ProcessStat(bytes)
            } catch {
                throw ProbeFailure(path, error)
            }
        } catch {
            guard error.meansGoneOrHidden else { throw error }
            return nil
        }
    }

    private func insert(_ ranked: Ranked, into top: inout [Ranked]) {
        if top.count == processesMax {
            guard let last = top.last, ranked.comesBefore(last) else { return }
            top.removeLast()
        }
        let place = top.firstIndex { ranked.comesBefore($0) } ?? top.endIndex
        top.insert(ranked, at: place)
    }

    /// Since the sample before; since its start for a process that was not in it.
    private func cpuPercent(_ process: ProcessStat, _ context: borrowing ProbeContext) -> Double {
        let ticksPerSecond = Double(context.machine.ticksPerSecond)
        if let takenAt, let earlier = before[process.pid],
            earlier.startTicks == process.startTicks
        {
            let seconds = context.now.seconds(since: takenAt)
            return perSecond(process.ticks, since: earlier.ticks, seconds: seconds)
                / ticksPerSecond * 100
        }
        guard let uptime = context.uptimeSeconds else { return 0 }
        // A process as young as one tick has used one tick at most.
        let age = max(1, uptime * ticksPerSecond - Double(process.startTicks))
        return Double(process.ticks) / age * 100
    }

    private func row(
        _ ranked: Ranked, _ details: ProcessDetails.Entry, _ context: borrowing ProbeContext
    ) -> ProcessSample {
        let process = ranked.process
        var row = ProcessSample()
        row.pid = process.pid
        row.parentPID = process.parentPID
        row.name = process.name
        row.executablePath = details.executablePath
        row.commandLine = details.commandLine
        row.cpuPercent = ranked.cpuPercent
        row.memoryKiB = multiplied(process.residentPages, by: context.machine.pageKiB)
        row.status = process.status
        if let boot = context.bootWallSeconds {
            let sinceBoot = process.startTicks * 1000 / context.machine.ticksPerSecond
            row.startedWallMilliseconds = Int64(clamping: boot * 1000 + sinceBoot)
        }
        return row
    }
}

/// The numbers of the processes that /proc shows, ascending.
func processNumbers(_ proc: String) throws(ProbeFailure) -> [UInt32] {
    do throws(Errno) {
        return try directoryNames(proc).compactMap { UInt32($0) }.sorted()
    } catch {
        throw ProbeFailure(proc, error)
    }
}
