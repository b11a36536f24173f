import Wire

/// Freezing for a backup, and thawing. Which file systems and in which order is the holder's to
/// know; see the module `Freezing`.
extension ActionCatalog {
    func freeze(_ parameters: ActionParameters) throws(ActionFailure) -> ActionPlan {
        let seconds =
            try parameters.integer("deadline", in: 1...ActionLimits.freezeSecondsMax)
            ?? ActionLimits.freezeSecondsDefault
        let points = try parameters.texts("mount_points")
        for point in points {
            guard point.hasPrefix("/"), point.utf8.count < 4096,
                point.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
            else { throw .invalid("mount_points are absolute paths without control characters") }
        }
        let freezer = machine.freezer
        let arguments = try freezer.start(deadlineSeconds: seconds)
        let command = PlannedCommand(
            arguments: arguments + ["--"] + points, environment: [:],
            timeoutSeconds: Double(seconds))
        return .run([command]) { outputs throws(ActionFailure) in
            let report = FreezeReport(outputs.first)
            guard report.isDone else {
                freezer.end()
                throw .failed(report.reason)
            }
            let document = ActionDocument(
                [
                    ("frozen", .count(report.changed.count)), ("deadline", .integer(seconds)),
                    ("skipped", .texts(report.skipped)),
                ], rows: "mount_points", report.changed.map { .text($0) })
            return .of(document, text: "\(report.changed.count) file systems frozen\n")
        }
    }

    func thaw() throws(ActionFailure) -> ActionPlan {
        let freezer = machine.freezer
        let command = PlannedCommand(
            arguments: freezer.thawArguments(), environment: [:],
            timeoutSeconds: ActionLimits.lookSeconds)
        return .run([command]) { outputs throws(ActionFailure) in
            let report = FreezeReport(outputs.first)
            freezer.end()
            guard report.isDone else { throw .failed(report.reason) }
            let document = ActionDocument(
                [("thawed", .count(report.changed.count)), ("skipped", .texts(report.skipped))],
                rows: "mount_points", report.changed.map { .text($0) })
            return .of(document, text: "\(report.changed.count) file systems thawed\n")
        }
    }
}

/// What `vireo-freeze` printed: lines `frozen POINT`, `thawed POINT`, `skipped POINT WHY`,
/// `failed WHY`, and `done` when all went well.
struct FreezeReport {
    var changed: [String] = []
    var skipped: [String] = []
    var isDone = false
    var reason = "vireo-freeze was not run"

    init(_ output: CommandOutput?) {
        guard let output else { return }
        reason = "vireo-freeze ended without a word: \(output.outcome.rawValue)"
        if !output.errorText.isEmpty { reason = output.errorText.cut(toBytes: 1024) }
        for line in output.lines {
            let fields = line.split(separator: " ", maxSplits: 1)
            let rest = fields.count > 1 ? String(fields[1]) : ""
            switch fields.first {
            case "frozen", "thawed": changed.append(rest)
            case "skipped": skipped.append(rest)
            case "failed": reason = rest
            case "done": isDone = output.succeeded
            default: break
            }
        }
    }
}
