import Foundation
import Testing

/// Reads the sources as text and holds them to the rules of the house, which no compiler checks.
@Suite struct TidyTests {
    /// Which module may import which: arrows point down only. A new module has to be placed here.
    static let mayImport: [String: Set<String>] = [
        "Kernel": ["CLinux", "Glibc", "Synchronization"],
        "Slabs": ["CLinux", "Glibc", "Kernel"],
        "IOEngine": ["CLiburing", "CLinux", "Glibc", "Kernel", "Slabs"],
        "Framing": ["CLinux"],
        "Wire": ["CSimdjson"],
        "Session": ["DequeModule"],
        "Port": ["CLinux", "Framing", "IOEngine", "Kernel", "Session", "Slabs"],
        "Probes": ["CLinux", "Glibc", "Kernel", "Synchronization", "Wire"],
        "Spool": ["Kernel", "Session", "Synchronization"],
        "Commands": [
            "CCrypto", "CLinux", "Glibc", "IOEngine", "Kernel", "Logging", "Port", "Probes",
            "Slabs", "Synchronization", "Systemd", "Wire", "YAML",
        ],
        "Systemd": ["CLinux", "CSystemd", "Glibc", "Kernel", "Logging", "Synchronization"],
        "Freezing": ["Glibc", "Kernel", "Synchronization"],
        "vireo-freeze": ["Freezing", "Glibc"],
        "Terminal": ["Kernel", "Wire"],
        "YAML": ["CYaml"],
        "Configuration": ["Agent", "IOEngine", "Kernel", "Logging", "Port", "Probes", "YAML"],
        "Agent": [
            "CLinux", "DequeModule", "IOEngine", "Kernel", "Logging", "Port", "Probes", "Session",
            "Slabs",
            "Spool",
            "Synchronization",
            "Systemd", "Wire",
        ],
        "Doctor": ["IOEngine", "Kernel", "Port", "Slabs", "Wire"],
        "Bench": [
            "CLinux", "Framing", "Glibc", "IOEngine", "Kernel", "Port", "Slabs", "Synchronization",
        ],
        "Host": [
            "CLinux", "Framing", "IOEngine", "Kernel", "Port", "Session", "Slabs",
            "Synchronization",
            "Terminal", "Wire",
        ],
        "MockHost": ["Framing", "Kernel", "Wire"],
        "vireod": [
            "Agent", "ArgumentParser", "IOEngine", "Kernel", "Logging", "Port", "Probes", "Systemd",
            "Configuration",
        ],
        "vireo-exec": [
            "ArgumentParser", "Commands", "IOEngine", "Kernel", "Logging", "Systemd",
        ],
        "vireo": [
            "Agent", "ArgumentParser", "Bench", "Commands", "Configuration", "Doctor", "Glibc",
            "Host", "IOEngine", "Kernel", "MockHost", "Port", "Probes", "Systemd", "Terminal",
            "Wire", "YAML",
        ],
    ]

    /// Modules that touch memory by pointers. `Wire` does in its reader, behind one type of values,
    /// `YAML` in one file: libyaml's events are pointers into its own buffers.
    static let mayBeUnsafe: Set<String> = [
        "Kernel", "Slabs", "IOEngine", "Systemd", "Wire", "YAML",
    ]

    struct Source {
        let path: String
        let module: String
        let lines: [String]
    }

    static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    static func sources(in folder: String) -> [Source] {
        let base = root.appending(path: folder)
        let paths = FileManager.default.enumerator(atPath: base.path)?.compactMap { $0 as? String }
        return (paths ?? []).filter { $0.hasSuffix(".swift") }.sorted().compactMap { path in
            guard let text = try? String(contentsOf: base.appending(path: path), encoding: .utf8)
            else { return nil }
            return Source(
                path: "\(folder)/\(path)", module: String(path.prefix { $0 != "/" }),
                lines: text.components(separatedBy: "\n"))
        }
    }

    static let all = sources(in: "Sources")

    @Test func thereAreSources() {
        #expect(Self.all.count > 80)
        #expect(Set(Self.all.map(\.module)) == Set(Self.mayImport.keys))
    }

    @Test func arrowsPointDownAndNobodyImportsFoundation() {
        for source in Self.all {
            for line in source.lines {
                let words = line.split(separator: " ").map(String.init)
                guard let place = words.firstIndex(of: "import"), place <= 1,
                    place == 0 || words[0] == "public" || words[0] == "internal",
                    let module = words.last
                else { continue }
                let allowed = Self.mayImport[source.module, default: []]
                #expect(allowed.contains(module), "\(source.path) imports \(module)")
            }
        }
    }

    @Test func noArrowOfTheTableTurnsBack() {
        // A module reaches only what stands below it: following the arrows never comes back.
        for start in Self.mayImport.keys {
            var reached: Set<String> = []
            var open = Array(Self.mayImport[start, default: []])
            while let next = open.popLast() {
                guard reached.insert(next).inserted else { continue }
                open += Self.mayImport[next, default: []]
            }
            #expect(!reached.contains(start), "\(start) reaches itself")
        }
    }

    @Test func linesFilesAndFunctionsAreShort() {
        for source in Self.all {
            for (number, line) in source.lines.enumerated() where line.count > 100 {
                Issue.record("\(source.path):\(number + 1) has \(line.count) columns")
            }
            #expect(source.lines.count <= 400, "\(source.path) has \(source.lines.count) lines")
            for (name, count) in functions(of: source) where count > 70 {
                Issue.record("\(source.path): \(name) has \(count) lines")
            }
        }
    }

    /// Functions by indentation, as the formatter lays them out: from `func` to the brace below it.
    private func functions(of source: Source) -> [(String, Int)] {
        var found: [(String, Int)] = []
        for (start, line) in source.lines.enumerated() {
            let body = line.drop { $0 == " " }
            let isFunction =
                body.contains("func ") || body.hasPrefix("init(") || body.contains(" init(")
            guard isFunction, !body.hasPrefix("//"), !body.hasSuffix("}") else { continue }
            let indentation = String(line.prefix { $0 == " " })
            guard
                let length = source.lines[(start + 1)...].firstIndex(of: indentation + "}")
            else { continue }
            found.append((String(body.prefix(40)), length - start + 1))
        }
        return found
    }

    @Test func nothingIsLeftOver() {
        let marks = ["TODO", "FIXME", "XXX", "try!", "fatalError(\"not", "fatalError(\"un"]
        for source in Self.all + Self.sources(in: "Tests").filter({ $0.module != "TidyTests" }) {
            for (number, line) in source.lines.enumerated() {
                for mark in marks where line.contains(mark) {
                    if mark == "try!", source.path.hasPrefix("Tests/") { continue }
                    Issue.record("\(source.path):\(number + 1) has \(mark)")
                }
            }
        }
    }

    /// One could wait for ever: `Tests/MisusedRing` says why, and what to do instead.
    @Test func noTestIsAnExitTest() {
        for source in Self.sources(in: "Tests") where source.module != "TidyTests" {
            #expect(
                !source.lines.contains { $0.contains("processExitsWith") }, "\(source.path)")
        }
    }

    @Test func unsafeCodeStaysInItsModulesAndSaysWhyItIsSafe() {
        for source in Self.all {
            let code = source.lines.filter { !$0.drop { $0 == " " }.hasPrefix("//") }
            let isUnsafe = code.contains { $0.contains("unsafe ") || $0.contains("@safe") }
            if isUnsafe {
                #expect(Self.mayBeUnsafe.contains(source.module), "\(source.path) is unsafe")
            }
        }
    }

    @Test func everyPublicTypeIsDocumented() {
        for source in Self.all {
            for (number, line) in source.lines.enumerated() {
                let kinds = [
                    "public struct ", "public enum ", "public final class ", "public protocol ",
                ]
                guard line.first != " ", kinds.contains(where: { line.contains($0) }) else {
                    continue
                }
                var above = number - 1
                while above >= 0, source.lines[above].hasPrefix("@") { above -= 1 }
                let isDocumented = above >= 0 && source.lines[above].hasPrefix("///")
                #expect(isDocumented, "\(source.path):\(number + 1) has no documentation")
            }
        }
    }

    /// The list of faults names the test of each.
    @Test func everyTestThatTheListOfFaultsNamesIsThere() throws {
        let article = Self.root.appending(path: "Sources/Agent/Agent.docc/WhatGoesWrong.md")
        let text = try String(contentsOf: article, encoding: .utf8)
        let names = Set(text.matches(of: /`([A-Za-z]\w+[A-Z_]\w+)`/).map { String($0.1) })
        #expect(names.count > 50)
        let folder = Self.root.appending(path: "Tests")
        let paths = try #require(FileManager.default.enumerator(atPath: folder.path))
        var tests = ""
        for case let path as String in paths where path.hasSuffix(".swift") || path.hasSuffix(".py")
        {
            tests += try String(contentsOf: folder.appending(path: path), encoding: .utf8)
        }
        for name in names.sorted() { #expect(tests.contains(name), "no test \(name)") }
    }
}
