import Wire

/// Power, time and frozen file systems: actions that InfiniService does not have.
///
/// `FileRead` and `FileWrite` stand in the table for their parameters; which file they may open is
/// the policy's to decide, and ``FileTransfer`` does the rest with the descriptor that it opened.
extension ActionCatalog {
    static let ownActions: [ActionDescription] = [
        .change("Shutdown", [.optional("delay", .integer)]) {
            catalog, parameters throws(ActionFailure) in
            try catalog.power("poweroff", parameters)
        },
        .change("Reboot", [.optional("delay", .integer)]) {
            catalog, parameters throws(ActionFailure) in
            try catalog.power("reboot", parameters)
        },
        .change("SyncTime") { catalog, _ throws(ActionFailure) in try catalog.syncTime() },
        .change("Freeze", [.optional("deadline", .integer), .optional("mount_points", .texts)]) {
            catalog, parameters throws(ActionFailure) in
            try catalog.freeze(parameters)
        },
        .change("Thaw") { catalog, _ throws(ActionFailure) in try catalog.thaw() },
        .change(
            "FileRead",
            [.required("path"), .optional("offset", .integer), .optional("length", .integer)]
        ) { _, _ throws(ActionFailure) in throw needsPolicy },
        .change(
            "FileWrite",
            [
                .required("path"), .optional("offset", .integer), .required("data"),
                .optional("encoding"), .optional("sha256"),
            ]
        ) { _, _ throws(ActionFailure) in throw needsPolicy },
    ]

    private static let needsPolicy = ActionFailure(
        code: .refusedByPolicy, reason: "no policy names a directory for files")

    /// The answer goes out first: systemd waits `delay` seconds, at least one, before it begins.
    private func power(
        _ operation: String, _ parameters: ActionParameters
    ) throws(ActionFailure) -> ActionPlan {
        let delay = try parameters.integer("delay", in: 1...86_400) ?? 1
        let systemctl = try command("systemctl", [])
        let timer = try command(
            "systemd-run",
            [
                "--quiet", "--collect", "--on-active=\(delay)s",
                "--timer-property=AccuracySec=100ms", "--", systemctl.arguments[0], operation,
            ])
        return .run([timer]) { outputs throws(ActionFailure) in
            outputs.echoed(
                expecting: 1, [("operation", .text(operation)), ("delay", .integer(delay))])
        }
    }

    /// Steps the clock, by whichever service keeps it. Sources: chronyc(1),
    /// systemd-timesyncd(8): it asks its server anew when it starts.
    private func syncTime() throws(ActionFailure) -> ActionPlan {
        let daemons = [
            "/usr/lib/systemd/systemd-timesyncd", "/lib/systemd/systemd-timesyncd",
        ]
        let means: String
        let commands: [PlannedCommand]
        if machine.find("chronyc") != nil {
            means = "chrony"
            commands = [
                try command("chronyc", ["-n", "makestep"]),
                try command("chronyc", ["-n", "-c", "tracking"]),
            ]
        } else if machine.find("systemctl") != nil, daemons.contains(where: machine.exists) {
            means = "systemd-timesyncd"
            commands = [
                try command(
                    "systemctl",
                    ["restart", "--no-ask-password", "--", "systemd-timesyncd.service"]),
                try command(
                    "timedatectl",
                    [
                        "show", "--no-pager", "--property=NTP", "--property=NTPSynchronized",
                        "--property=Timezone", "--property=TimeUSec",
                    ]),
            ]
        } else {
            throw .unsupported("neither chrony nor systemd-timesyncd is installed in this guest")
        }
        return .run(commands) { outputs throws(ActionFailure) in
            outputs.echoed(expecting: 2, [("service", .text(means))])
        }
    }
}
