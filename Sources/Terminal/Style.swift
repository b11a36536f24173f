/// What a piece of text is, from which follows how it looks.
enum Style: UInt8 {
    case plain
    case strong
    case heading
    /// Words that name a number.
    case label
    /// Rules, units, what is there to be overlooked.
    case faint
    case accent
    case good
    case warning
    case critical
    /// The empty part of a bar.
    case track
    case goodBar
    case warningBar
    case criticalBar
    case staleBar
    /// What was, as a curve.
    case graph

    /// Green, yellow or red for a share in percent of something that should not run out.
    static func level(_ percent: Double) -> Style {
        if percent >= 90 { return .critical }
        return percent >= 70 ? .warning : .good
    }

    /// The colour of a graph at so many percent: calm but where it is full.
    static func graph(_ percent: Double) -> Style { percent >= 90 ? .critical : .graph }

    /// What it becomes in what is no longer true; warnings stay what they are.
    var dimmed: Style {
        switch self {
        case .plain, .strong, .accent, .good: .label
        case .goodBar, .warningBar, .criticalBar: .staleBar
        default: self
        }
    }

    /// The same colour on the colour of the track, so that a bar may end within a cell.
    var onTrack: Style {
        switch self {
        case .warning: .warningBar
        case .critical: .criticalBar
        default: .goodBar
        }
    }

    /// The parameters of the sequence that selects it, from the 256 colours; those taken here are
    /// of middling lightness, to be read on black and on white.
    ///
    /// Source: ECMA-48, 8.3.117 SGR; 38;5 and 48;5 are of xterm.
    func parameters(_ appearance: Appearance) -> String {
        let track = appearance.hasLightBackground ? "48;5;253" : "48;5;236"
        return switch self {
        case .plain: ""
        case .strong: "1"
        case .heading: "1;38;5;74"
        case .label: "38;5;245"
        case .faint: appearance.hasLightBackground ? "38;5;249" : "38;5;240"
        case .accent: "38;5;74"
        case .good: "38;5;71"
        case .warning: "38;5;179"
        case .critical: "1;38;5;167"
        case .track: track
        case .goodBar: "38;5;65;" + track
        case .warningBar: "38;5;136;" + track
        case .criticalBar: "38;5;131;" + track
        case .graph: "38;5;67"
        case .staleBar: "38;5;242;" + track
        }
    }
}
