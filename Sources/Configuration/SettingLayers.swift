import Kernel
public import YAML

/// Where settings are looked for: files, the environment as it was at the start, and flags.
///
/// ```swift
/// let sources = SettingSources(environment: SettingSources.currentEnvironment())
/// let settings = try sources.read()
/// print(settings[.interval].value, settings[.interval].origin)
/// ```
///
/// A later one goes before an earlier one: defaults, `/etc/vireo/config.yaml`, the files
/// `conf.d/*.yaml` beside it in the order of their names, environment variables, flags.
public struct SettingSources: Sendable {
    public static let fileDefault = "/etc/vireo/config.yaml"

    /// The file that was named; `nil` for the default one, which may be missing.
    public var file: String?
    public var environment: [String: String]
    /// Values as they were written behind their flags.
    public var flags: [Setting.Key: String]

    public init(
        file: String? = nil, environment: [String: String] = [:],
        flags: [Setting.Key: String] = [:]
    ) {
        self.file = file
        self.environment = environment
        self.flags = flags
    }

    /// The variables that matter here. To be called before threads run.
    public static func currentEnvironment() -> [String: String] {
        var found: [String: String] = [:]
        for name in Setting.table.flatMap(\.environment) {
            found[name] = environmentVariable(name)
        }
        return found
    }

    /// Looks everywhere, and checks all that is there.
    public func read() throws(ConfigurationError) -> Settings {
        var settings = Settings()
        for path in try files() { try settings.apply(try Self.parse(path)) }
        for setting in Setting.table {
            for name in setting.environment.reversed() {
                guard let text = environment[name], !text.isEmpty else { continue }
                try settings.apply(text, to: setting, .environment(name))
            }
        }
        for setting in Setting.table {
            guard let text = flags[setting.key], let flag = setting.flag else { continue }
            try settings.apply(text, to: setting, .flag(flag))
        }
        return settings
    }

    /// The files in the order in which they are read.
    private func files() throws(ConfigurationError) -> [String] {
        let main = file ?? Self.fileDefault
        var files: [String] = []
        if file != nil || (try? FileStatus.of(main)) != nil { files.append(main) }
        let folder = main.split(separator: "/", omittingEmptySubsequences: false).dropLast()
            .joined(separator: "/")
        let parts = (folder.isEmpty ? "" : folder + "/") + "conf.d"
        do {
            let names = try directoryNames(parts).filter {
                $0.hasSuffix(".yaml") && !$0.hasPrefix(".")
            }
            files += names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map {
                "\(parts)/\($0)"
            }
        } catch {
            guard error == .notFound else { throw .file(parts, "\(error)") }
        }
        return files
    }

    /// One file's tree.
    public static func parse(_ path: String) throws(ConfigurationError) -> YAMLNode {
        let bytes: [UInt8]
        do {
            // Opening a FIFO would wait for somebody to write to it.
            guard try FileStatus.of(path).isRegularFile else {
                throw ConfigurationError.file(path, "it is no regular file")
            }
            var reader = FileReader(bytesMax: YAMLLimits.fileBytesMax)
            let span = try reader.read(path)
            bytes = (0..<span.byteCount).map { span.byte(at: $0) }
        } catch let error as Errno {
            let isLong = error == .tooLarge
            throw .file(path, isLong ? "it has more than 1 MiB: shorten it" : "\(error)")
        } catch let error as ConfigurationError {
            throw error
        } catch {
            throw .file(path, "\(error)")
        }
        do {
            return try YAML.parse(bytes, file: path)
        } catch {
            throw .yaml(error)
        }
    }
}

/// The values of all settings, and where each comes from.
public struct Settings: Sendable {
    /// A value and its origin; the value is missing where nothing was said and there is no default.
    public struct Entry: Hashable, Sendable {
        public var value: SettingValue?
        public var origin: SettingOrigin
    }

    private var entries: [Setting.Key: Entry] = [:]

    /// The defaults.
    public init() {
        for setting in Setting.table {
            entries[setting.key] = Entry(value: setting.defaultValue, origin: .builtIn)
        }
    }

    public subscript(_ key: Setting.Key) -> Entry {
        entries[key] ?? Entry(value: nil, origin: .builtIn)
    }

    /// `nil` for what is no text, too.
    public func text(_ key: Setting.Key) -> String? {
        guard case .text(let text) = self[key].value else { return nil }
        return text
    }

    /// False for what is no truth value, too.
    public func bool(_ key: Setting.Key) -> Bool { self[key].value == .bool(true) }

    /// 0 for what is no whole number, too.
    public func integer(_ key: Setting.Key) -> Int {
        guard case .integer(let number) = self[key].value else { return 0 }
        return number
    }

    /// 0 for what is no number, too.
    public func number(_ key: Setting.Key) -> Double {
        guard case .number(let number) = self[key].value else { return 0 }
        return number
    }

    // MARK: Layers

    mutating func apply(
        _ text: String, to setting: Setting, _ origin: SettingOrigin
    ) throws(ConfigurationError) {
        guard let value = setting.value(text) else {
            throw .value(origin, text, expectation: setting.expectation)
        }
        entries[setting.key] = Entry(value: value, origin: origin)
    }

    /// Takes what a file says.
    public mutating func apply(_ root: YAMLNode) throws(ConfigurationError) {
        do {
            let fields = try root.fields(known: Setting.table.map(\.key.rawValue))
            for entry in fields.entries {
                guard let key = Setting.Key(rawValue: entry.key) else { continue }
                let value = try Self.value(of: entry.value, key.setting)
                entries[key] = Entry(value: value, origin: .file(entry.place))
            }
        } catch {
            throw .yaml(error)
        }
    }

    private static func value(
        of node: YAMLNode, _ setting: Setting
    ) throws(YAMLError) -> SettingValue {
        switch setting.kind {
        case .bool: return .bool(try node.bool())
        case .integer(let range):
            return .integer(try node.integer(in: range, unit: setting.unit))
        case .number(let range): return .number(try node.number(in: range, unit: setting.unit))
        case .text, .path, .choice:
            guard let value = setting.value(try node.string()) else {
                throw node.error(
                    "\(node.kind) where \(setting.expectation) is expected",
                    "write \(setting.expectation)")
            }
            return value
        }
    }
}
