/// What the terminal at hand can show, as the environment tells it.
public struct Appearance: Sendable, Hashable {
    /// Without it nothing but the text itself is written: no escape sequence in any line.
    public var usesColour: Bool
    /// Without it every line is ASCII, and other characters show as `\u{…}`.
    public var usesUnicode: Bool
    /// Makes the empty part of bars light instead of dark.
    public var hasLightBackground: Bool

    public init(
        usesColour: Bool = true, usesUnicode: Bool = true, hasLightBackground: Bool = false
    ) {
        self.usesColour = usesColour
        self.usesUnicode = usesUnicode
        self.hasLightBackground = hasLightBackground
    }

    /// Reads `NO_COLOR`, `TERM`, `COLORFGBG`, and the locale by `LC_ALL`, `LC_CTYPE` and `LANG`.
    ///
    /// ```swift
    /// let appearance = Appearance { name in environment[name] }
    /// ```
    ///
    /// - Parameter environment: the value of an environment variable, `nil` when it is not set.
    ///
    /// Source: no-color.org; locale(7), by which the first of the three that is not empty counts.
    public init(environment: (String) -> String?) {
        func value(_ name: String) -> String? {
            guard let text = environment(name), !text.isEmpty else { return nil }
            return text
        }
        let terminal = value("TERM")
        let locale = (value("LC_ALL") ?? value("LC_CTYPE") ?? value("LANG") ?? "").lowercased()
        let isUTF8 = locale.hasSuffix("utf-8") || locale.hasSuffix("utf8")
        // `15;0`: the last field is the background's colour, of which 7 and from 9 on are light.
        let background = value("COLORFGBG").flatMap { $0.split(separator: ";").last }
            .flatMap { Int($0) }
        self.init(
            usesColour: value("NO_COLOR") == nil && terminal != nil && terminal != "dumb",
            // The kernel's console has no glyphs for eighths of a block.
            usesUnicode: isUTF8 && terminal != "linux",
            hasLightBackground: background.map { $0 == 7 || $0 > 8 } ?? false)
    }
}

/// The ornaments, each one column wide.
extension Appearance {
    var ellipsis: String { usesUnicode ? "…" : "~" }
    var separator: String { usesUnicode ? " · " : " | " }
    var dot: String { usesUnicode ? "●" : "*" }
    var rule: String { usesUnicode ? "─" : "-" }
    var down: String { usesUnicode ? "↓" : "<" }
    var up: String { usesUnicode ? "↑" : ">" }
    var missing: String { usesUnicode ? "–" : "-" }
}
