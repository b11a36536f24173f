import Foundation

/// `Sources/Wire/Schema`, and the validator of it: a library that shares nothing with ours.
enum Schemas {
    static func folder(_ side: String) -> URL {
        ProtocolPage.root.appending(path: "Sources/Wire/Schema/\(side)")
    }

    static func names(_ side: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder(side).path)
            .filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()
    }

    static func object(_ side: String, _ name: String) throws -> [String: Any] {
        let data = try Data(contentsOf: folder(side).appending(path: "\(name).json"))
        return try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    }

    struct Failed: Error, CustomStringConvertible {
        let description: String
    }

    /// What is wrong with each message by its schema, empty for nothing.
    static func complaints(_ messages: [(side: String, text: String)]) throws -> [String] {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/python3")
        process.arguments = [
            ProtocolPage.root.appending(path: "Tests/WireTests/check_schema.py").path,
            ProtocolPage.root.appending(path: "Sources/Wire/Schema").path,
        ]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let text = messages.map { "\($0.side)\t\($0.text)\n" }.joined()
        Thread.detachNewThread {
            try? input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
            try? input.fileHandleForWriting.close()
        }
        let answer = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failed(description: "check_schema.py ended with \(process.terminationStatus)")
        }
        let lines = String(decoding: answer, as: UTF8.self).components(separatedBy: "\n").dropLast()
        guard lines.count == messages.count else {
            throw Failed(description: "\(lines.count) answers for \(messages.count) messages")
        }
        return Array(lines)
    }
}
