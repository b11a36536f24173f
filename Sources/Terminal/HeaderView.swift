import Wire

/// Who the guest is and how it is, at the top of the dashboard.
struct HeaderView {
    let appearance: Appearance

    /// At most `rows` lines of at most `width` columns.
    func lines(of guest: GuestStatus, width: Int, rows: Int) -> [Line] {
        var lines = [name(of: guest, width: width)]
        if let sample = guest.sample, rows > 1 {
            lines += flow(facts(of: sample), width: width).prefix(rows - 1)
        }
        return lines
    }

    /// `web-01  ● connected                       09:31:07 UTC · updated 0.4s ago`
    private func name(of guest: GuestStatus, width: Int) -> Line {
        var line = Line(appearance)
        line.append(guest.name, .strong, columnsMax: max(1, width / 2))
        line.append("  ")
        line.append(appearance.dot + " ", guest.health.style)
        line.append(guest.state, guest.health.style, columnsMax: 32)
        var age = age(of: guest)
        if let sample = guest.sample, width >= 72 {
            var clock = Line(appearance)
            clock.append(Timestamp.clock(wallMilliseconds: sample.wallMilliseconds), .label)
            clock.append(" UTC", .label)
            if age.columns > 0 {
                clock.append(appearance.separator, .label)
                clock.append(age)
            }
            age = clock
        }
        // Where both do not fit the age gives way: the state says more.
        let room = width - line.columns - age.columns
        guard room >= 2 else { return line.cut(to: width) }
        line.appendSpaces(room)
        line.append(age)
        return line
    }

    private func age(of guest: GuestStatus) -> Line {
        var line = Line(appearance)
        guard let age = guest.ageMilliseconds, guest.sample != nil else { return line }
        line.append("updated ", .label)
        line.append(NumberFormat.age(milliseconds: age), .age(milliseconds: age))
        line.append(" ago", .label)
        return line
    }

    private func facts(of sample: MetricsSample) -> [String] {
        var facts: [String] = []
        if let system = sample.system {
            facts.append(system.hostname)
            facts.append(
                system.osVersion.isEmpty ? system.name : system.name + " " + system.osVersion)
            facts.append(system.kernelVersion + " " + system.architecture)
            facts.append("up " + NumberFormat.duration(seconds: system.uptimeSeconds))
        }
        if let engine = sample.agent?.engine, !engine.isEmpty { facts.append("engine " + engine) }
        return facts.filter { !$0.isEmpty && $0 != " " }
    }

    /// One after the other, on as many lines as that takes.
    private func flow(_ facts: [String], width: Int) -> [Line] {
        var lines: [Line] = []
        var line = Line(appearance)
        for fact in facts {
            var piece = Line(appearance)
            // A fact longer than this is a hostile one, or none that is read at a glance.
            piece.append(fact, .label, columnsMax: min(64, width))
            if line.columns > 0, line.columns + 3 + piece.columns > width {
                lines.append(line)
                line = Line(appearance)
            }
            if line.columns > 0 { line.append(appearance.separator, .faint) }
            line.append(piece)
        }
        return lines + [line]
    }
}

extension Health {
    var style: Style {
        switch self {
        case .good: .good
        case .waiting: .warning
        case .bad: .critical
        }
    }
}

extension Style {
    /// The age of a sample: from 15 s on some were missed.
    static func age(milliseconds: UInt64) -> Style {
        if milliseconds >= GuestStatus.staleMilliseconds { return .critical }
        return milliseconds >= 15_000 ? .warning : .plain
    }
}
