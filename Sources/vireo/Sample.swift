import ArgumentParser
import Glibc
import Kernel
import Probes
import Terminal
import Wire

struct Sample: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prints one metrics message of this machine.",
        discussion: "Takes a second: rates need two looks.")

    @Flag(name: .long, help: "The message as the agent would send it.")
    var json = false

    @Flag(name: .customLong("no-processes"), help: "Without processes and ports.")
    var noProcesses = false

    func run() throws {
        let options = noProcesses ? ProbeOptions(processesMax: 0, ports: false) : ProbeOptions()
        var sampler = Sampler(options: options)
        let first = sampler.sample()
        usleep(1_000_000)
        let sample = sampler.sample()
        let text = json ? try message(sample) : picture(first, sample)
        try FileDescriptor.writeAll(text, to: STDOUT_FILENO)
    }

    private func message(_ sample: MetricsSample) throws -> String {
        guard let frame = MetricsMessage(sample).frame() else { throw ExitCode(70) }
        return String(decoding: frame, as: UTF8.self)
    }

    private func picture(_ first: MetricsSample, _ sample: MetricsSample) -> String {
        var history = History()
        history.append(first)
        history.append(sample)
        let status = GuestStatus(
            name: "this machine", state: "sampled", health: .good, sample: sample, history: history)
        let isLive = isTerminal(STDOUT_FILENO)
        var appearance = Appearance(environment: environmentVariable)
        if !isLive { appearance.usesColour = false }
        let columns = ViewSize.ofTerminal(STDOUT_FILENO)?.columns ?? 100
        let size = ViewSize(columns: columns, rows: 60)
        let lines = DashboardView(appearance: appearance).lines(of: status, in: size)
        return lines.map { $0.rendered + "\n" }.joined()
    }
}
