import Foundation
import Testing

/// What must not compile, does not: each file in `Negative` is compiled as far as the checks of
/// ownership, and the compiler must refuse it at the line that the file marks, with the words that
/// it names.
@Suite struct NegativeTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Negative")
    static let files =
        (try? FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()) ?? []

    @Test func thereAreExamples() {
        #expect(Self.files.count >= 7)
    }

    @Test(arguments: files)
    func isRefusedByTheCompiler(_ name: String) throws {
        let file = Self.folder.appending(path: name)
        let text = try String(contentsOf: file, encoding: .utf8)
        let lines = text.components(separatedBy: "\n")
        let marked = try #require(lines.firstIndex { $0.contains("// REFUSED: ") })
        let words = lines[marked].components(separatedBy: "// REFUSED: ")[1]
        let output = try compile(file)
        let position = "\(name):\(marked + 1):"
        let hit = output.components(separatedBy: "\n").contains {
            $0.contains(position) && $0.contains("error: ") && $0.contains(words)
        }
        #expect(hit, "expected an error with '\(words)' at line \(marked + 1), got:\n\(output)")
        let errors = output.components(separatedBy: "error: ").count - 1
        #expect(errors == 1, "one reason only:\n\(output)")
    }

    private func compile(_ file: URL) throws -> String {
        let root = Self.folder.deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        // The test runs from the folder that the modules were built in.
        let bundle = try #require(CommandLine.arguments.first { $0.hasSuffix(".xctest") })
        let products = URL(filePath: bundle).deletingLastPathComponent()
        var arguments = ["swiftc", "-emit-sil", "-o", "/dev/null", "-swift-version", "6"]
        arguments += ["-enable-experimental-feature", "Lifetimes"]
        arguments += ["-I", products.appending(path: "Modules").path]
        let map = products.appending(path: "CLinux.build/module.modulemap").path
        arguments += ["-I", root.appending(path: "CSupport/CLiburing").path]
        arguments += ["-Xcc", "-fmodule-map-file=\(map)"]
        arguments += ["-diagnostic-style", "llvm", file.path]
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        let pipe = Pipe()
        process.standardError = pipe
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus != 0, "it compiled")
        return String(decoding: output, as: UTF8.self)
    }
}
