import Kernel
import Wire

/// Processes, as the probes see them.
extension ActionCatalog {
    static let processActions: [ActionDescription] = [
        .look("ProcessList", [.optional("limit", .integer)]) {
            catalog, parameters throws(ActionFailure) in
            try catalog.processes("ProcessList", parameters, sortedBy: nil)
        },
        .look("ProcessTop", [.optional("limit", .integer), .optional("sort_by")]) {
            catalog, parameters throws(ActionFailure) in
            let order = try parameters.text("sort_by")?.lowercased() ?? "cpu"
            guard order == "cpu" || order == "memory" else {
                throw .invalid("sort_by is cpu or memory")
            }
            return try catalog.processes("ProcessTop", parameters, sortedBy: order)
        },
        .change(
            "ProcessKill",
            [
                .required("pid", .integer), .optional("force", .truth), .optional("signal"),
                .optional("start_time"),
            ]
        ) { catalog, parameters throws(ActionFailure) in
            try catalog.processKill(parameters)
        },
    ]

    private func processes(
        _ action: String, _ parameters: ActionParameters, sortedBy order: String?
    ) throws(ActionFailure) -> ActionPlan {
        let usual = order == nil ? ActionLimits.processesDefault : 10
        let limit = try parameters.integer("limit", in: 0...65_536).map { Int($0) } ?? usual
        return .compute { [machine] () throws(ActionFailure) in
            let sample = machine.sample()
            if let error = sample.probeErrors.first(where: { $0.probe == "processes" }),
                sample.processes.isEmpty
            {
                throw .failed(error.reason)
            }
            var processes = sample.processes
            switch order {
            case "cpu":
                processes.sort { ($0.cpuPercent, $0.memoryKiB) > ($1.cpuPercent, $1.memoryKiB) }
            case "memory": processes.sort { $0.memoryKiB > $1.memoryKiB }
            default: processes.sort { $0.pid < $1.pid }
            }
            let rows = processes.prefix(limit == 0 ? processes.count : limit).map(\.row)
            let document = ActionDocument(
                [("total", .count(processes.count))], rows: "processes", rows)
            return .printing(document, commandType: action)
        }
    }

    private func processKill(_ parameters: ActionParameters) throws(ActionFailure) -> ActionPlan {
        guard let number = try parameters.integer("pid", in: 1...Int64(Int32.max)) else {
            throw .invalid("pid is missing")
        }
        let pid = Int32(number)
        guard pid != 1, !machine.ownPIDs.contains(pid) else {
            throw ActionFailure(
                code: .permissionDenied,
                reason: "process \(pid) is the machine's first or the agent's own; use Shutdown "
                    + "or ServiceControl")
        }
        let force = try parameters.truth("force")
        var name = force ? "KILL" : "TERM"
        if let given = try parameters.text("signal") {
            name = given.uppercased()
            if name.hasPrefix("SIG") { name = String(name.dropFirst(3)) }
        }
        guard let signal = SignalNumber.byName[name] else {
            throw .invalid(
                "signal is one of \(SignalNumber.byName.keys.sorted().joined(separator: ", "))")
        }
        let started = try parameters.text("start_time")
        let startedMilliseconds = started.flatMap { RFC3339.parse($0) }
        guard started == nil || startedMilliseconds != nil else {
            throw .invalid("start_time is as ProcessList gave it, such as 2026-01-31T08:00:00.000Z")
        }
        return .compute { [machine, name] () throws(ActionFailure) in
            try machine.signal(pid, signal, startedMilliseconds)
            let document = ActionDocument([
                ("pid", .integer(Int64(pid))), ("signal", .text("SIG" + name)), ("success", true),
                ("message", .text("sent SIG\(name) to process \(pid)")),
            ])
            let json = document.encoded(bytesMax: 1024).json
            return ActionAnswer(
                standardOutput: json, standardError: "", exitCode: 0, success: true,
                commandType: "ProcessKill", dataJSON: json)
        }
    }
}

extension ProcessSample {
    /// With the names of InfiniService's two kinds of rows, so that a host may read either.
    fileprivate var row: JSONTree {
        [
            "pid": .integer(Int64(pid)), "parent_pid": .integer(Int64(parentPID)),
            "name": .text(name), "executable_path": .optional(executablePath),
            "command_line": .text(commandLine), "cpu_usage": .number(rounded(cpuPercent)),
            "cpu_usage_percent": .number(rounded(cpuPercent)), "memory_kb": .count(memoryKiB),
            "memory_usage_kb": .count(memoryKiB), "status": .text(status),
            "start_time": .text(RFC3339.text(startedWallMilliseconds)),
        ]
    }
}

/// To a hundredth: more digits would only be longer.
func rounded(_ number: Double) -> Double { (number * 100).rounded() / 100 }
