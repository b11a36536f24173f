import Wire

/// What a program printed, as text.
extension CommandOutput {
    /// With U+FFFD where it is not UTF-8.
    var text: String { String(decoding: standardOutput, as: UTF8.self) }

    var errorText: String { String(decoding: standardError, as: UTF8.self) }

    /// Without empty lines.
    var lines: [Substring] { text.split(separator: "\n") }

    /// Lines split at `separator`, those with fewer than `count` fields left out.
    func rows(_ separator: Character, fields count: Int) -> [[String]] {
        lines.compactMap { line in
            let fields = line.split(separator: separator, omittingEmptySubsequences: false)
            return fields.count >= count ? fields.map(String.init) : nil
        }
    }

    /// Passes when the program ended by itself with one of `codes`; a table that is read from half
    /// an output would be wrong.
    func require(_ codes: Set<Int32> = [0], of program: String) throws(ActionFailure) {
        switch outcome {
        case .exited:
            guard let exitCode, codes.contains(exitCode) else {
                let said = errorText.isEmpty ? text : errorText
                throw .failed(
                    "\(program) ended with \(exitCode ?? -1): \(said.cut(toBytes: 4096))")
            }
        case .timedOut:
            throw ActionFailure(
                code: .commandTimeout, reason: "\(program) did not end in time; nothing is known")
        case .signalled:
            throw .failed("\(program) was ended by signal \(signal ?? 0)")
        case .cancelled:
            throw .failed("\(program) was cancelled")
        case .refused, .failedToStart:
            throw .failed("\(program) could not be started: \(errorText.cut(toBytes: 4096))")
        }
    }

    var succeeded: Bool { outcome == .exited && exitCode == 0 }
}

extension [CommandOutput] {
    /// The output of the command at `place`.
    func output(_ place: Int, of program: String) throws(ActionFailure) -> CommandOutput {
        guard indices.contains(place) else { throw .failed("\(program) was not run") }
        return self[place]
    }

    /// An answer that repeats what was printed, successful when all commands were.
    ///
    /// `exit_code` is that of the first that failed: 124 when it ran out of time, 128 and the
    /// signal when it was ended by one, as shells have it.
    func echoed(expecting count: Int, _ members: [(String, JSONTree)] = []) -> ActionAnswer {
        let failed = first { !$0.succeeded }
        let code: Int32
        switch failed?.outcome {
        case nil: code = self.count == count ? 0 : 1
        case .timedOut: code = 124
        case .signalled, .cancelled: code = 128 + (failed?.signal ?? 15)
        case .exited: code = failed?.exitCode ?? 1
        case .refused: code = 126
        case .failedToStart: code = 127
        }
        return .of(
            ActionDocument(members), text: map(\.text).joined(),
            standardError: map(\.errorText).joined(), exitCode: code, success: code == 0)
    }
}
