import Agent

extension Setting {
    /// The one table. A new setting is a row here, and a use of it in ``Configuration``.
    public static let table: [Setting] = [
        Setting(
            .device, .text, default: nil, also: ["INFINISERVICE_DEVICE"],
            "The port's node, unix:PATH of a socket to connect to, or fd:N of an open descriptor. "
                + "Without one the port is found by its name."),
        Setting(
            .name, .text, default: nil,
            "The port's name, in place of the two that are looked for, org.infinibay.agent and "
                + "org.infinibay.0."),
        Setting(
            .allowForeignPort, .bool, default: .bool(false),
            "Take the port of qemu-ga when there is none of ours."),
        Setting(
            .engine, .choice(["auto", "uring", "epoll"]), default: .text("auto"),
            "How input and output are done. An engine that is forced and refused ends the agent."),
        Setting(
            .interval, .number(AgentLimits.intervalSecondsRange),
            default: .number(AgentLimits.intervalSecondsDefault), unit: "seconds",
            isReloadable: true,
            "The time between two samples."),
        Setting(
            .processes, .integer(0...10_000), default: .integer(20), unit: "rows",
            isReloadable: true,
            "How many processes a sample lists. 0 leaves out processes, and ports too unless they "
                + "are asked for."),
        Setting(
            .processesInterval, .number(0...3600),
            default: .number(AgentLimits.processesSecondsDefault), unit: "seconds", hasFlag: false,
            isReloadable: true,
            "For how long that list is taken to stay as it is. Looking at every process is nearly "
                + "all that a sample costs."),
        Setting(
            .ports, .bool, default: .bool(true), hasFlag: false, isReloadable: true,
            "List the ports that wait for others, and who holds them."),
        Setting(
            .portsInterval, .number(0...3600), default: .number(10), unit: "seconds",
            hasFlag: false, isReloadable: true,
            "For how long that list is taken to stay as it is."),
        Setting(
            .vmID, .text, default: nil, also: ["INFINIBAY_VM_ID"],
            "What the agent calls itself; the machine id without one."),
        Setting(
            .logLevel,
            .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]),
            default: .text("info"), isReloadable: true,
            "The least that is logged."),
        Setting(
            .requireAck, .bool, default: .bool(false), hasFlag: false,
            "Keep results and metrics for a host that acknowledges them, and never fall back to "
                + "one that does not."),
        Setting(
            .policy, .path, default: nil,
            "The file that says what the host may ask for, where vireod starts vireo-exec itself. "
                + "The installed vireo-exec.service reads /etc/vireo/policy.yaml and no other. "
                + "Without a policy only actions that change nothing are allowed."),
        Setting(
            .pendingScripts, .bool, default: .bool(false), hasFlag: false,
            "Ask each host that comes for scripts that should have run. The policy has to allow "
                + "them too, and a key to have signed them."),
        Setting(
            .stateDirectory, .path, default: .text("/var/lib/vireo"), also: ["STATE_DIRECTORY"],
            hasFlag: false,
            "Where the agent keeps what has to outlive it."),
        Setting(
            .spool, .bool, default: .bool(false), hasFlag: false,
            "Keep numbered messages that no host has acknowledged on disk too, in spool below the "
                + "state directory, at most 8 MiB."),
    ]
}
