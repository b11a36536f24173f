import Wire

/// Services of systemd, asked by `systemctl`'s machine-readable output.
extension ActionCatalog {
    static let serviceActions: [ActionDescription] = [
        .look("ServiceList") { catalog, _ throws(ActionFailure) in try catalog.serviceList() },
        .look("ServiceStatus", [.required("service")]) {
            catalog, parameters throws(ActionFailure) in
            let unit = try NameRule.unitName(parameters.requiredText("service"))
            return try catalog.serviceStatus(unit)
        },
        .change("ServiceControl", [.required("service"), .required("operation")]) {
            catalog, parameters throws(ActionFailure) in
            try catalog.serviceControl(parameters)
        },
        .change("RestartServices", [.optional("service_name"), .optional("services", .texts)]) {
            catalog, parameters throws(ActionFailure) in
            var units: [String] = []
            let names =
                try parameters.texts("service_name") + parameters.texts("services")
            for name in names { units.append(try NameRule.unitName(name)) }
            guard !units.isEmpty else { throw .invalid("services is missing or empty") }
            return try catalog.control("restart", units)
        },
    ]

    private static let properties =
        "Id,Description,LoadState,ActiveState,SubState,UnitFileState,MainPID"

    private func show(_ units: [String]) throws(ActionFailure) -> PlannedCommand {
        try command(
            "systemctl", ["show", "--no-pager", "--property=\(Self.properties)", "--"] + units)
    }

    /// What is loaded, and beside it what is only installed.
    private func serviceList() throws(ActionFailure) -> ActionPlan {
        let loaded = try show(["*.service"])
        let files = try command(
            "systemctl",
            ["list-unit-files", "--type=service", "--no-legend", "--no-pager", "--full"])
        return .run([loaded, files]) { outputs throws(ActionFailure) in
            let shown = try outputs.output(0, of: "systemctl")
            try shown.require(of: "systemctl show")
            // A unit that another one only names has no file and is none.
            var units = ServiceUnit.units(show: shown.text).filter { $0.loadState != "not-found" }
            let known = Set(units.map(\.name))
            if outputs.count > 1, outputs[1].succeeded {
                units += ServiceUnit.units(files: outputs[1]).filter { !known.contains($0.name) }
            }
            units.sort { $0.name < $1.name }
            let document = ActionDocument(
                [("count", .count(units.count))], rows: "services", units.map(\.row))
            return .of(document, text: "\(units.count) services\n")
        }
    }

    private func serviceStatus(_ unit: String) throws(ActionFailure) -> ActionPlan {
        .run([try show([unit])]) { outputs throws(ActionFailure) in
            let shown = try outputs.output(0, of: "systemctl")
            try shown.require(of: "systemctl show")
            guard let unit = ServiceUnit.units(show: shown.text).first else {
                throw .failed("systemctl show printed nothing of \(unit)")
            }
            let isKnown = unit.loadState != "not-found"
            // Exit codes as `systemctl status` has them: 0 active, 3 not active, 4 no such unit.
            let code: Int32 = !isKnown ? 4 : unit.activeState == "active" ? 0 : 3
            return .of(
                ActionDocument([("service", unit.row)]),
                text: isKnown ? "\(unit.name): \(unit.activeState) (\(unit.subState))\n" : "",
                standardError: isKnown ? "" : "no service \(unit.name)\n", exitCode: code,
                success: isKnown)
        }
    }

    private func serviceControl(_ parameters: ActionParameters) throws(ActionFailure) -> ActionPlan
    {
        let unit = try NameRule.unitName(parameters.requiredText("service"))
        let operation = try parameters.requiredText("operation")
        switch operation {
        case "status": return try serviceStatus(unit)
        case "start", "stop", "restart", "reload", "enable", "disable":
            return try control(operation, [unit])
        default:
            throw .invalid(
                "operation is start, stop, restart, reload, enable, disable or status")
        }
    }

    private func control(_ operation: String, _ units: [String]) throws(ActionFailure) -> ActionPlan
    {
        let command = try command(
            "systemctl", [operation, "--no-ask-password", "--no-pager", "--"] + units,
            seconds: 120)
        return .run([command]) { outputs throws(ActionFailure) in
            outputs.echoed(
                expecting: 1,
                [("operation", .text(operation)), ("services", .texts(units))])
        }
    }
}

/// One unit, as systemd describes it. Source: systemctl(1), org.freedesktop.systemd1(5).
struct ServiceUnit: Sendable {
    var name: String
    var description = ""
    var loadState = "unloaded"
    var activeState = "inactive"
    var subState = "dead"
    /// `enabled`, `disabled`, `static`, ...; empty when it has no file.
    var fileState = ""
    var mainPID: Int64 = 0

    /// Blocks of `NAME=VALUE` with an empty line between two units.
    static func units(show text: String) -> [ServiceUnit] {
        var units: [ServiceUnit] = []
        var current: ServiceUnit?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            guard let mark = line.firstIndex(of: "=") else {
                if let unit = current, !unit.name.isEmpty { units.append(unit) }
                current = nil
                continue
            }
            var unit = current ?? ServiceUnit(name: "")
            unit.set(String(line[..<mark]), String(line[line.index(after: mark)...]))
            current = unit
        }
        if let unit = current, !unit.name.isEmpty { units.append(unit) }
        return units
    }

    private mutating func set(_ property: String, _ value: String) {
        switch property {
        case "Id": name = value
        case "Description": description = value
        case "LoadState": loadState = value
        case "ActiveState": activeState = value
        case "SubState": subState = value
        case "UnitFileState": fileState = value
        case "MainPID": mainPID = Int64(value) ?? 0
        default: break
        }
    }

    /// Lines `NAME STATE [PRESET]` of `list-unit-files`.
    static func units(files output: CommandOutput) -> [ServiceUnit] {
        output.lines.compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count >= 2, fields[0].hasSuffix(".service") else { return nil }
            var unit = ServiceUnit(name: String(fields[0]))
            unit.fileState = String(fields[1])
            return unit
        }
    }

    var row: JSONTree {
        [
            "name": .text(name), "display_name": .text(description), "status": .text(status),
            "load_state": .text(loadState), "active_state": .text(activeState),
            "sub_state": .text(subState), "startup_type": .text(fileState),
            "pid": mainPID > 0 ? .integer(mainPID) : .null,
        ]
    }

    /// One word for hosts that know two.
    private var status: String {
        switch activeState {
        case "active", "reloading", "activating": "running"
        case "failed": "failed"
        default: "stopped"
        }
    }
}
