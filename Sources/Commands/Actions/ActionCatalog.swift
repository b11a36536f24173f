import Wire

/// Every action that this agent knows by name, and how each is carried out here.
///
/// ```swift
/// let catalog = ActionCatalog()
/// let request = try ActionRequest(safeCommand: message)
/// // The policy decides on request.action, request.parameters and catalog.isReadOnly(request).
/// let plan = try catalog.plan(request.action, parameters: request.parameters)
/// ```
///
/// A plan is made before anything runs: a name that is unknown, a parameter that is malformed or an
/// action that this machine has no means for fails here, and no process has been started.
public struct ActionCatalog: Sendable {
    let machine: ActionMachine

    public init(machine: ActionMachine = .live()) {
        self.machine = machine
    }

    /// What is known of an action, `nil` of an unknown one.
    public static func description(of action: String) -> ActionDescription? { byName[action] }

    /// Every action, in the order of the documentation.
    public static let actions: [ActionDescription] = tables.flatMap { $0 }

    private static let byName: [String: ActionDescription] = Dictionary(
        actions.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })

    private static let tables = [
        serviceActions, packageActions, processActions, systemActions, updateActions,
        securityActions, applicationActions, healthActions, maintenanceActions, ownActions,
        foreignActions,
    ]

    /// Whether a request only looks. `ServiceControl` does when its operation is `status`.
    public static func isReadOnly(_ request: ActionRequest) -> Bool {
        guard let description = description(of: request.action) else { return false }
        if request.action == "ServiceControl" {
            return request.parameters.values["operation"] == .text("status")
        }
        return description.isReadOnly
    }

    /// How an action is to be carried out.
    ///
    /// - Throws: `UNKNOWN_COMMAND`, `INVALID_MESSAGE` for a parameter, `UNSUPPORTED_PLATFORM`, or
    ///   `BUSY` for what would write while the file systems are frozen.
    public func plan(
        _ action: String, parameters: ActionParameters
    ) throws(ActionFailure) -> ActionPlan {
        guard let description = Self.description(of: action) else {
            throw ActionFailure(
                code: .unknownCommand,
                reason: "no action \(action.cut(toBytes: WireLimits.echoBytesMax))")
        }
        for parameter in description.parameters { try parameter.check(parameters) }
        let request = ActionRequest(action: action, parameters: parameters)
        if machine.freezer.isFrozen, !Self.isReadOnly(request), action != "Thaw" {
            throw ActionFailure(
                code: .busy, reason: "file systems are frozen; send Thaw, or wait for its deadline")
        }
        return try description.plan(self, parameters)
    }
}

/// One row of the table of actions.
public struct ActionDescription: Sendable {
    public let name: String
    /// Whether it changes nothing, so that it may be asked for without a policy.
    public let isReadOnly: Bool
    /// Whether it makes sense on Linux at all; if not, the answer is `UNSUPPORTED_PLATFORM`.
    public let isSupported: Bool
    public let parameters: [ActionParameter]
    let plan: @Sendable (ActionCatalog, ActionParameters) throws(ActionFailure) -> ActionPlan

    /// One that looks.
    static func look(
        _ name: String, _ parameters: [ActionParameter] = [],
        _ plan:
            @escaping @Sendable (ActionCatalog, ActionParameters) throws(ActionFailure) ->
            ActionPlan
    ) -> ActionDescription {
        ActionDescription(
            name: name, isReadOnly: true, isSupported: true, parameters: parameters, plan: plan)
    }

    /// One that changes something.
    static func change(
        _ name: String, _ parameters: [ActionParameter] = [],
        _ plan:
            @escaping @Sendable (ActionCatalog, ActionParameters) throws(ActionFailure) ->
            ActionPlan
    ) -> ActionDescription {
        ActionDescription(
            name: name, isReadOnly: false, isSupported: true, parameters: parameters, plan: plan)
    }

    /// One of another platform, whose name InfiniService knows.
    static func foreign(_ name: String, _ reason: String) -> ActionDescription {
        ActionDescription(
            name: name, isReadOnly: false, isSupported: false, parameters: [],
            plan: { _, _ throws(ActionFailure) in throw .unsupported(reason) })
    }
}

/// One parameter of an action.
public struct ActionParameter: Sendable, Hashable {
    public enum Kind: String, Sendable { case text, integer, number, truth, texts }

    public let name: String
    public let kind: Kind
    public let isRequired: Bool

    static func required(_ name: String, _ kind: Kind = .text) -> ActionParameter {
        ActionParameter(name: name, kind: kind, isRequired: true)
    }

    static func optional(_ name: String, _ kind: Kind = .text) -> ActionParameter {
        ActionParameter(name: name, kind: kind, isRequired: false)
    }

    func check(_ parameters: ActionParameters) throws(ActionFailure) {
        guard let value = parameters.values[name] else {
            guard !isRequired else { throw .invalid("\(name) is missing") }
            return
        }
        let isGood =
            switch (kind, value) {
            case (.text, .text), (.integer, .integer), (.number, .number), (.number, .integer),
                (.truth, .truth), (.texts, .texts), (.texts, .text):
                true
            default: false
            }
        guard isGood else { throw .invalid("\(name) is not of type \(kind.rawValue)") }
    }
}

extension ActionCatalog {
    /// What InfiniService knows on Windows alone, or what this agent does not offer.
    static let foreignActions: [ActionDescription] =
        [
            "CheckWindowsUpdates", "CheckWindowsDefender", "GetDefenderStatus",
            "RunDefenderQuickScan", "GetThreatHistory", "ExecutePowerShellScript",
        ].map { .foreign($0, "\($0) is for Windows; this guest runs Linux") } + [
            .foreign("JoinDomain", "joining a domain is not offered: it would carry a password"),
            .foreign("PrepareGoldenImage", "run virt-sysprep on the host instead"),
            .foreign(
                "RunMaintenanceTask", "name the action itself, such as DiskCleanup or PackageUpdate"
            ),
        ]

    /// A command of the system's own, by its absolute path.
    func command(
        _ program: String, _ arguments: [String], seconds: Double? = ActionLimits.lookSeconds,
        environment: [String: String] = [:]
    ) throws(ActionFailure) -> PlannedCommand {
        guard let path = machine.find(program) else {
            throw .unsupported("\(program) is not installed in this guest")
        }
        // Tools are read by programs here, so they speak the one language that does not change.
        let all = environment.merging(
            ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"]) { own, _ in own }
        return PlannedCommand(
            arguments: [path] + arguments, environment: all, timeoutSeconds: seconds)
    }
}
