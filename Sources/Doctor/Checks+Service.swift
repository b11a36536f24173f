/// The service, the clock and the configuration.
extension Doctor {
    private static let unitName = UnitView.name

    static func service(_ view: GuestView) -> Finding {
        let unit: UnitView
        switch view.service {
        case .notKnown(let why):
            return .note(
                .service, "how systemd sees \(unitName) is not known: \(why)",
                remedy: "pgrep -a vireod shows whether one was started by hand")
        case .known(let known): unit = known
        }
        guard unit.loadState == "loaded" else {
            return unit.loadState == "masked"
                ? .problem(
                    .service, "\(unitName) is masked, so nothing can start it",
                    remedy:
                        "sudo systemctl unmask \(unitName), then: sudo systemctl start \(unitName)")
                : .problem(
                    .service, "there is no unit \(unitName) (\(unit.loadState))",
                    remedy: "Install the package: sudo apt install ./vireo_*.deb")
        }
        switch unit.activeState {
        case "active", "reloading": return running(unit)
        case "failed":
            return .problem(
                .service,
                "\(unitName) has failed: \(unit.result), exit status \(unit.exitStatus)"
                    + said(unit),
                remedy: """
                    journalctl -u \(unitName) -n 20 says why; then: \
                    sudo systemctl reset-failed \(unitName) && sudo systemctl start \(unitName)
                    """)
        case "activating":
            return .problem(
                .service,
                "\(unitName) does not get ready (\(unit.subState), restarted \(unit.restarts) "
                    + "times, last exit status \(unit.exitStatus))" + said(unit),
                remedy: "journalctl -u \(unitName) -n 20 says why")
        default:
            return .problem(
                .service, "\(unitName) is not running (\(unit.activeState))",
                remedy: "sudo systemctl enable --now \(unitName)")
        }
    }

    private static func running(_ unit: UnitView) -> Finding {
        let seen = "\(unitName) is active" + said(unit)
        guard unit.restarts > 0 else { return .ok(.service, seen) }
        return .note(
            .service, "\(seen); systemd has restarted it \(unit.restarts) times",
            remedy: "journalctl -u \(unitName) -p warning says why")
    }

    private static func said(_ unit: UnitView) -> String {
        unit.statusText.isEmpty ? "" : ": \(unit.statusText)"
    }

    static func watchdog(_ view: GuestView) -> Finding? {
        guard let unit = view.service.unit, unit.isActive else { return nil }
        if let watchdog = unit.watchdog {
            return .ok(.watchdog, "systemd restarts the agent when it is silent for \(watchdog)")
        }
        return .problem(
            .watchdog, "\(unitName) has no watchdog, so an agent that hangs stays so",
            remedy: "sudo systemctl edit \(unitName), with WatchdogSec=30 under [Service]")
    }

    /// The year in which the first release was made: no clock that is right is behind it.
    /// 2025-01-01 00:00:00 UTC, in milliseconds.
    static let clockMillisecondsMin: Int64 = 1_735_689_600_000

    static func clock(_ view: GuestView) -> Finding {
        if view.clock.millisecondsSince1970 < clockMillisecondsMin {
            return .problem(
                .clock, "the clock stands before 2025, so what is stamped with it is wrong",
                remedy: "sudo timedatectl set-ntp true, or set it once: sudo hwclock --hctosys")
        }
        switch view.clock.isSynchronised {
        case true?: return .ok(.clock, "the clock is synchronised")
        case false?:
            return .note(
                .clock, "the clock runs by itself: nothing synchronises it",
                remedy: """
                    sudo timedatectl set-ntp true; without a network, from the host: \
                    sudo modprobe ptp_kvm, and chrony with: refclock PHC /dev/ptp0
                    """)
        case nil: return .note(.clock, "whether the clock is synchronised is not known")
        }
    }

    static func configuration(_ view: GuestView) -> Finding {
        switch view.configuration {
        case .absent: return .ok(.configuration, "there is none, so the defaults hold")
        case .valid(let files):
            return .ok(.configuration, "valid: \(files.joined(separator: ", "))")
        case .notKnown(let why): return .note(.configuration, "not looked at: \(why)")
        case .invalid(let problems):
            return .problem(
                .configuration, problems.joined(separator: "; "),
                remedy: """
                    Mend it, check with: vireo config validate FILE, and reload: \
                    sudo systemctl reload \(unitName)
                    """)
        }
    }
}
