import Commands
import Configuration
import YAML

/// Whatever a file of settings or a policy holds: it is refused with a place and a remedy, or means
/// the same however it is written, and allows no more than it says.
enum ConfigurationFuzz {
    static func run(_ input: [UInt8]) {
        let root: YAMLNode
        do {
            root = try YAML.parse(input, file: "f")
        } catch {
            check(error, of: input)
            return
        }
        var nodes = 0
        check(root, depth: 1, nodes: &nodes)
        promise(nodes <= YAMLLimits.nodesMax, "\(nodes) values")
        let plain = written(root)
        do {
            promise(
                written(try YAML.parse(plain, file: "f")) == plain,
                "written plainly it is another tree: \(String(decoding: plain, as: UTF8.self))")
        } catch {
            promise(false, "written plainly it is refused: \(error)")
        }
        checkSettings(root, of: input)
        checkPolicy(input)
    }

    /// The same tree without anything that YAML leaves to taste.
    private static func written(_ root: YAMLNode) -> [UInt8] {
        var text: [UInt8] = []
        write(root, to: &text)
        return text
    }

    private static func write(_ node: YAMLNode, to text: inout [UInt8]) {
        switch node.content {
        case .scalar(let value, _): quote(value, to: &text)
        case .sequence(let elements):
            text.append(UInt8(ascii: "["))
            for element in elements {
                write(element, to: &text)
                text.append(UInt8(ascii: ","))
            }
            text.append(UInt8(ascii: "]"))
        case .mapping(let entries):
            text.append(UInt8(ascii: "{"))
            for entry in entries {
                // As such, a key may be longer than YAML allows without the mark.
                text += "? ".utf8
                quote(entry.key, to: &text)
                text += " : ".utf8
                write(entry.value, to: &text)
                text.append(UInt8(ascii: ","))
            }
            text.append(UInt8(ascii: "}"))
        }
    }

    private static func quote(_ value: String, to text: inout [UInt8]) {
        text.append(UInt8(ascii: "\""))
        for scalar in value.unicodeScalars {
            let digits = String(scalar.value, radix: 16)
            text += "\\U\(String(repeating: "0", count: 8 - digits.count))\(digits)".utf8
        }
        text.append(UInt8(ascii: "\""))
    }

    private static func check(_ node: YAMLNode, depth: Int, nodes: inout Int) {
        nodes += 1
        promise(depth <= YAMLLimits.depthMax, "\(depth) deep")
        switch node.content {
        case .scalar: break
        case .sequence(let elements):
            for element in elements { check(element, depth: depth + 1, nodes: &nodes) }
        case .mapping(let entries):
            promise(Set(entries.map(\.key)).count == entries.count, "a key twice")
            for entry in entries { check(entry.value, depth: depth + 1, nodes: &nodes) }
        }
    }

    private static func check(_ error: YAMLError, of input: [UInt8]) {
        promise((1...input.count + 2).contains(error.place.line), "line \(error.place.line)")
        promise((1...input.count + 2).contains(error.place.column), "column \(error.place.column)")
        promise(!error.problem.isEmpty && !error.remedy.isEmpty, "\(error) says too little")
        checkMessage("\(error)")
    }

    /// A message goes to terminals and journals.
    private static func checkMessage(_ text: String) {
        promise(text.utf8.count <= 2048, "a message of \(text.utf8.count) bytes")
        promise(
            text.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F..<0xA0 ~= $0.value) },
            "a control character in \(text.debugDescription)")
    }

    private static func checkSettings(_ root: YAMLNode, of input: [UInt8]) {
        var settings = Settings()
        do {
            try settings.apply(root)
        } catch {
            if case .yaml(let error) = error { check(error, of: input) }
            checkMessage("\(error)")
            return
        }
        for setting in Setting.table {
            guard let value = settings[setting.key].value else { continue }
            promise(
                setting.value("\(value)") == value, "\(setting.key): \(value) is no value of it")
        }
        do {
            _ = try Configuration(settings)
        } catch {
            checkMessage("\(error)")
        }
    }

    private static func checkPolicy(_ input: [UInt8]) {
        let policy: Policy
        do {
            policy = try Policy(parsing: input, file: "f")
        } catch {
            if case .text(let error) = error { check(error, of: input) }
            checkMessage("\(error)")
            return
        }
        for authority in authorities(policy) {
            for var request in requests(policy, authority) {
                let isAllowed = allows(policy, request)
                if policy.signatures == .all, !isSigned(authority) {
                    promise(!isAllowed, "unsigned, and allowed: \(request)")
                }
                request.environment = [EnvironmentVariable("LD_PRELOAD", "/x")]
                promise(!allows(policy, request), "with LD_PRELOAD, and allowed: \(request)")
            }
        }
    }

    private static func isSigned(_ authority: PolicyRequest.Authority) -> Bool {
        if case .signed = authority { true } else { false }
    }

    private static func authorities(_ policy: Policy) -> [PolicyRequest.Authority] {
        [.none, .epoch, .signed("nobody")] + policy.keys.prefix(2).map { .signed($0.id) }
    }

    private static func requests(
        _ policy: Policy, _ authority: PolicyRequest.Authority
    ) -> [PolicyRequest] {
        let named = policy.commands.prefix(2).map { $0.name }
        let argvs = [["/bin/sh", "-c", "id"], ["id", "-u"]] + named.map { [$0] + ["a", "../b"] }
        return argvs.map { PolicyRequest(.exec($0), authority: authority) } + [
            PolicyRequest(.shell("id", shell: nil), authority: authority),
            PolicyRequest(.pendingScript("id", shell: "/bin/sh"), authority: authority),
        ]
    }

    private static func allows(_ policy: Policy, _ request: PolicyRequest) -> Bool {
        switch policy.decide(request) {
        case .refused(let refusal):
            promise(!refusal.rule.isEmpty && !refusal.reason.isEmpty, "\(refusal) says too little")
            return false
        case .allowed(let allowance):
            promise(!allowance.rule.isEmpty, "by no rule")
            switch request.operation {
            case .shell: promise(policy.rawCommands != nil, "a raw command that no rule allows")
            case .pendingScript:
                promise(policy.pendingScripts != nil, "a script that no rule allows")
                promise(isSigned(request.authority), "a script that nobody signed")
            default:
                promise(
                    policy.rawCommands != nil || !policy.commands.isEmpty,
                    "a program that no rule allows")
            }
            promise(allowance.argv.first?.hasPrefix("/") == true, "no absolute path")
            return true
        }
    }
}
