import Wire

/// Whether the machine is well, from one look at it.
extension ActionCatalog {
    static let healthActions: [ActionDescription] = [
        .look(
            "CheckDiskSpace",
            [.optional("warning_threshold", .number), .optional("critical_threshold", .number)]
        ) { catalog, parameters throws(ActionFailure) in
            let warning = try parameters.number("warning_threshold", in: 0...100)
            let critical = try parameters.number("critical_threshold", in: 0...100)
            return catalog.checkDiskSpace(warning ?? 80, critical ?? 90)
        },
        .look("CheckResourceOptimization", [.optional("evaluation_window_days", .integer)]) {
            catalog, _ throws(ActionFailure) in
            catalog.health(["cpu_load", "memory", "swap", "pressure", "disk_space"])
        },
        .look("RunHealthCheck", [.required("check_name")]) {
            catalog, parameters throws(ActionFailure) in
            try catalog.health(named: parameters.requiredText("check_name"))
        },
        .look("RunAllHealthChecks") { catalog, _ throws(ActionFailure) in
            catalog.health(HealthCheck.names)
        },
        .look("ValidateSystemHealth", [.optional("check_name")]) {
            catalog, parameters throws(ActionFailure) in
            guard let name = try parameters.text("check_name"), !name.isEmpty else {
                return catalog.health(HealthCheck.names)
            }
            return try catalog.health(named: name)
        },
    ]

    private func health(named name: String) throws(ActionFailure) -> ActionPlan {
        guard HealthCheck.names.contains(name) else {
            throw .invalid("check_name is one of \(HealthCheck.names.joined(separator: ", "))")
        }
        return health([name])
    }

    private func health(_ names: [String]) -> ActionPlan {
        .compute { [machine] () throws(ActionFailure) in
            let sample = machine.sample()
            let reboot = machine.exists("/run/reboot-required")
            let checks = names.compactMap {
                HealthCheck(name: $0, sample: sample, isRebootRequired: reboot)
            }
            let worst = checks.map(\.state).max() ?? .healthy
            let document = ActionDocument(
                [
                    ("overall_status", .text(worst.text)), ("checks_run", .count(checks.count)),
                    ("checks_failed", .count(checks.filter { $0.state == .critical }.count)),
                ], rows: "checks", checks.map(\.row))
            return .of(
                document,
                text: checks.map { "\($0.name): \($0.state.text), \($0.message)\n" }.joined())
        }
    }

    private func checkDiskSpace(_ warning: Double, _ critical: Double) -> ActionPlan {
        .compute { [machine] () throws(ActionFailure) in
            let sample = machine.sample()
            let states = sample.fileSystems.map {
                HealthCheck.State($0.usedPercent, warning, critical)
            }
            let rows = zip(sample.fileSystems, states).map { row, state -> JSONTree in
                [
                    "mount_point": .text(row.mountPoint), "device": .text(row.device),
                    "filesystem": .text(row.type), "total_bytes": .count(row.totalBytes),
                    "used_bytes": .count(row.usedBytes),
                    "available_bytes": .count(row.availableBytes),
                    "used_percent": .number(rounded(row.usedPercent)),
                    "inodes_used_percent": .number(rounded(row.inodesUsedPercent)),
                    "status": .text(state.text),
                ]
            }
            let worst = states.max() ?? .healthy
            let document = ActionDocument(
                [
                    ("overall_status", .text(worst.text)), ("warning_threshold", .number(warning)),
                    ("critical_threshold", .number(critical)),
                ], rows: "disks", rows)
            return .of(document, text: "disk space: \(worst.text)\n")
        }
    }
}

extension FileSystemSample {
    /// As df shows it: of what an unprivileged user may take in all.
    var usedPercent: Double {
        let all = Double(usedBytes) + Double(availableBytes)
        return all > 0 ? Double(usedBytes) / all * 100 : 0
    }

    var inodesUsedPercent: Double {
        inodes > 0 ? Double(inodesUsed) / Double(inodes) * 100 : 0
    }
}

/// One question about a sample, and what came out.
struct HealthCheck: Sendable {
    enum State: Int, Comparable, Sendable {
        case healthy, warning, critical

        /// `value` against two thresholds; a percentage at one counts as over it.
        init(_ value: Double, _ warning: Double, _ critical: Double) {
            self = value >= critical ? .critical : value >= warning ? .warning : .healthy
        }

        var text: String {
            switch self {
            case .healthy: "healthy"
            case .warning: "warning"
            case .critical: "critical"
            }
        }

        static func < (left: State, right: State) -> Bool { left.rawValue < right.rawValue }
    }

    static let names = [
        "disk_space", "inodes", "memory", "swap", "cpu_load", "pressure", "reboot_required",
        "probes",
    ]

    let name: String
    let state: State
    let message: String

    /// `nil` for a name that is none of ``names``.
    init?(name: String, sample: MetricsSample, isRebootRequired: Bool) {
        self.name = name
        switch name {
        case "disk_space":
            (state, message) = Self.fullest(sample) { $0.usedPercent }
        case "inodes":
            (state, message) = Self.fullest(sample) { $0.inodesUsedPercent }
        case "memory":
            let memory = sample.memory ?? MemorySample()
            let used = Self.percent(memory.usedKiB, of: memory.totalKiB)
            (state, message) = (State(used, 85, 95), "\(Int(used)) % of memory in use")
        case "swap":
            let memory = sample.memory ?? MemorySample()
            let used = Self.percent(memory.swapUsedKiB, of: memory.swapTotalKiB)
            (state, message) = (State(used, 50, 90), "\(Int(used)) % of swap in use")
        case "cpu_load":
            let cores = Double(max(1, sample.cpu?.cores.count ?? 1))
            let load = (sample.load?.fiveMinutes ?? 0) / cores
            (state, message) = (State(load, 1, 2), "load \(rounded(load)) a CPU over 5 minutes")
        case "pressure":
            let worst = sample.pressure.max { $0.someAverage60 < $1.someAverage60 }
            let share = worst?.someAverage60 ?? 0
            state = State(share, 20, 50)
            message =
                worst.map { "tasks waited for \($0.resource) \(share) % of a minute" }
                ?? "the kernel does not tell"
        case "reboot_required":
            state = isRebootRequired ? .warning : .healthy
            message = isRebootRequired ? "an update waits for a reboot" : "none is waited for"
        case "probes":
            let errors = sample.probeErrors
            state = errors.isEmpty ? .healthy : .warning
            message =
                errors.first.map { "\(errors.count) failed, first \($0.probe): \($0.reason)" }
                ?? "all answered"
        default: return nil
        }
    }

    private static func fullest(
        _ sample: MetricsSample, _ percent: (FileSystemSample) -> Double
    ) -> (State, String) {
        guard let row = sample.fileSystems.max(by: { percent($0) < percent($1) }) else {
            return (.healthy, "no file system with a size")
        }
        return (State(percent(row), 80, 90), "\(Int(percent(row))) % of \(row.mountPoint) in use")
    }

    private static func percent(_ part: UInt64, of whole: UInt64) -> Double {
        whole > 0 ? Double(part) / Double(whole) * 100 : 0
    }

    var row: JSONTree {
        ["name": .text(name), "status": .text(state.text), "message": .text(message)]
    }
}
