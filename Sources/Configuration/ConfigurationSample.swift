/// Texts that are made from the table of settings, so that they cannot drift from it.
public enum ConfigurationSample {
    /// A file with every setting, its default, unit and range.
    public static var yaml: String {
        var text = """
            # Vireo's configuration, with every setting at its default.
            # Later places go before earlier ones: defaults, this file, conf.d/*.yaml beside it in
            # the order of their names, environment variables, flags of vireod.
            # Check it with: vireo config validate FILE. What counts: vireo config show --origin.
            # SIGHUP reads it again; what is marked "restart" takes one.


            """
        text += Setting.table.map(entry).joined(separator: "\n")
        return text
    }

    private static func entry(_ setting: Setting) -> String {
        var lines = wrapped(setting.about).map { "# \($0)" }
        let names = ([setting.flag].compactMap { $0 } + setting.environment)
        let change = setting.isReloadable ? "reload" : "restart"
        lines.append("# \(setting.expectation); \(names.joined(separator: ", ")); \(change)")
        if let value = setting.defaultValue {
            lines.append("\(setting.key.rawValue): \(value)")
        } else {
            lines.append("# \(setting.key.rawValue):")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func wrapped(_ text: String) -> [String] {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let last = lines.last, last.count + word.count < 96 {
                lines[lines.count - 1] = "\(last) \(word)"
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }
}
