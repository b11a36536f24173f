import Wire

/// How far a job is.
extension CommandJob {
    var isStarted: Bool {
        if case .waiting = state { false } else { true }
    }

    var isFinished: Bool {
        if case .finished = state { true } else { false }
    }

    /// One step of a plan has ended and the next has not begun.
    var isBetweenSteps: Bool {
        guard case .running = state else { return false }
        return runKey == nil && nextStep != nil
    }

    /// Whether pieces of its output wait to be sent before its response.
    var hasChunks: Bool {
        guard streams, let result else { return false }
        return result.standardOutput.hasChunk || result.standardError.hasChunk
    }
}

extension CommandResponse {
    var errorCode: ErrorCode? { error.map { ErrorCode(rawValue: $0) } }
}
