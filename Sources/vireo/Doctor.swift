import Agent
import ArgumentParser
import Configuration
import Doctor
import Glibc
import IOEngine
import Kernel
import Port
import Terminal

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Says what is wrong, and what to do about it.",
        discussion: """
            In a guest: the driver, the port, its node and its holder, the host, the engine, the \
            service, the clock, the configuration. As root it sees more. No port is opened.

            With --socket, on the host: the guest's socket, who listens, who is attached, and \
            whether an agent answers. If nobody else is seen there, it attaches for a moment, as \
            a host does.

            Exit codes: 0 nothing is wrong (notes may be there), 64 usage, 69 something is.
            """)

    @Flag(name: .long, help: "One JSON object.")
    var json = false

    @Option(name: .long, help: ArgumentHelp("A guest's socket on the host.", valueName: "path"))
    var socket: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The socket of QEMU's monitor: tells no port, no agent and a silent agent apart.",
            valueName: "path"))
    var qmp: String?

    func validate() throws {
        guard qmp == nil || socket != nil else {
            throw ValidationError("--qmp goes with --socket PATH")
        }
    }

    func run() throws {
        let report: DoctorReport
        if let socket {
            report = Doctor.examine(HostReader(path: socket, monitorPath: qmp).view())
        } else {
            report = Doctor.examine(guest().view())
        }
        let text = json ? report.json : table(report)
        try FileDescriptor.writeAll(text, to: STDOUT_FILENO)
        if !report.isHealthy { throw ExitCode(ProgramFailure.Code.unavailable.rawValue) }
    }

    /// Looks for what the agent would look for, by the same settings.
    private func guest() -> GuestReader {
        var reader = GuestReader()
        let sources = SettingSources(environment: SettingSources.currentEnvironment())
        let view: ConfigurationView
        do throws(ProgramFailure) {
            let configuration = try Configuration(sources).agent
            if case .named(let names) = configuration.endpoint { reader.names = names }
            reader.choice = configuration.engine
            let files = Self.files()
            view = files.isEmpty ? .absent : .valid(files: files)
        } catch {
            view = .invalid(["\(error)"])
        }
        reader.configuration = { view }
        return reader
    }

    private static func files() -> [String] {
        let main = "/etc/vireo/config.yaml"
        let parts = ((try? directoryNames("/etc/vireo/conf.d")) ?? []).filter {
            $0.hasSuffix(".yaml")
        }
        let all = [main] + parts.sorted().map { "/etc/vireo/conf.d/\($0)" }
        return all.filter { (try? FileStatus.of($0)) != nil }
    }

    private func table(_ report: DoctorReport) -> String {
        let isLive = isTerminal(STDOUT_FILENO)
        var appearance = Appearance(environment: environmentVariable)
        if !isLive { appearance.usesColour = false }
        let rows = report.findings.map { finding in
            FindingsView.Row(
                mark(finding.severity), finding.check.rawValue, finding.seen,
                remedy: finding.remedy)
        }
        let columns = isLive ? ViewSize.ofTerminal(STDOUT_FILENO)?.columns : nil
        let lines = FindingsView(appearance: appearance).lines(of: rows, columns: columns)
        return lines.map { $0.rendered + "\n" }.joined() + "\n" + summary(report) + "\n"
    }

    private func mark(_ severity: Finding.Severity) -> FindingsView.Mark {
        switch severity {
        case .ok: .good
        case .note: .note
        case .problem: .problem
        }
    }

    private func summary(_ report: DoctorReport) -> String {
        let problems = report.count(of: .problem)
        let notes = report.count(of: .note)
        let noted = notes == 0 ? "" : ", \(notes) note\(notes == 1 ? "" : "s")"
        guard problems > 0 else { return "Nothing is wrong\(noted)." }
        return "\(problems) problem\(problems == 1 ? "" : "s")\(noted)."
    }
}
