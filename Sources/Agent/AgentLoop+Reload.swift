public import Kernel
import Logging
import Probes
import Systemd

/// Reads the configuration again.
public typealias AgentReload = () throws(ProgramFailure) -> AgentConfiguration

extension AgentLoop {
    /// SIGHUP: takes what may change while it runs, says what takes a restart, and keeps all as it
    /// was when the new configuration is bad.
    func reload() {
        notifier.reloading(monotonicMicroseconds: MonotonicTime.now.nanoseconds / 1000)
        guard let reloadConfiguration else {
            notifier.ready(status: statusLine)
            return
        }
        do {
            let new = try reloadConfiguration()
            try new.validate()
            apply(new)
            notifier.ready(status: statusLine)
        } catch {
            logger.error("the configuration stays as it was, because the new one is bad: \(error)")
            notifier.ready(status: "\(statusLine), new configuration refused: \(error)")
        }
    }

    private func apply(_ new: AgentConfiguration) {
        let old = configuration
        var changes: [String] = []
        if let level = new.logLevel, level != old.logLevel {
            logger.logLevel = level
            configuration.logLevel = level
            changes.append("log_level \(level)")
        }
        if new.probes != old.probes {
            configuration.probes = new.probes
            sampler.replace(options: new.probes)
            let ports = new.probes.ports ? "with" : "without"
            changes.append("processes \(new.probes.processesMax), \(ports) ports")
        }
        if new.intervalSeconds != old.intervalSeconds {
            configuration.intervalSeconds = new.intervalSeconds
            restartSchedule()
            changes.append("interval \(new.intervalSeconds) s")
        }
        let what = changes.isEmpty ? "nothing changed" : changes.joined(separator: ", ")
        logger.notice("configuration read again: \(what)")
        let waiting = Self.changesThatTakeARestart(old, new)
        guard !waiting.isEmpty else { return }
        logger.warning(
            "changed, and taken up by a restart alone: \(waiting.joined(separator: ", "))")
    }

    private static func changesThatTakeARestart(
        _ old: AgentConfiguration, _ new: AgentConfiguration
    ) -> [String] {
        var names: [String] = []
        if old.endpoint != new.endpoint { names.append("device or name") }
        if old.allowsForeignPort != new.allowsForeignPort { names.append("allow_foreign_port") }
        if old.engine != new.engine { names.append("engine") }
        if old.vmID != new.vmID { names.append("vm_id") }
        if old.requiresAcknowledgement != new.requiresAcknowledgement {
            names.append("require_ack")
        }
        if old.spoolFolder != new.spoolFolder { names.append("spool or state_directory") }
        if old.commands.policyPath != new.commands.policyPath { names.append("policy") }
        if old.commands.asksForScripts != new.commands.asksForScripts {
            names.append("pending_scripts")
        }
        return names
    }
}
