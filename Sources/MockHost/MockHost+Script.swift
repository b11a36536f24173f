import Kernel
import Wire

/// Why a script stopped before its end.
enum MockStop: Error {
    case passed
    case interrupted
    case failed(line: Int, reason: String)
    case unreadable(ProgramFailure)
}

/// The instructions.
extension MockHost {
    func perform(_ lines: [MockScript.Line]) throws(MockStop) {
        for line in lines {
            try perform(line)
            if isInterrupted { throw .interrupted }
            if let violation { throw .failed(line: line.number, reason: violation) }
        }
    }

    private func perform(_ line: MockScript.Line) throws(MockStop) {
        switch line.instruction {
        case .accept(let milliseconds): try accept(line.number, milliseconds)
        case .expect(let expectation): try expect(expectation, line.number)
        case .refuse(let type, let milliseconds): try refuse(type, milliseconds, line.number)
        case .numbered(let number, let milliseconds):
            try expectNumber(number, milliseconds, line.number)
        case .wait(let milliseconds): try takeMessages(line.number, milliseconds) { _ in false }
        case .repeated(let count, let inner):
            for _ in 0..<count { try perform(inner) }
        case .pass: throw .passed
        case .fail(let reason): throw .failed(line: line.number, reason: reason)
        case .pause(let milliseconds): pause(milliseconds)
        case .track: isTracking = true
        case .answerAll(let isOn): answersAll = isOn
        case .acknowledge(let way):
            acknowledging = way
            if case .never = way { unacknowledged = nil }
        default: try performOnConnection(line)
        }
    }

    private func performOnConnection(_ line: MockScript.Line) throws(MockStop) {
        try needConnection(line.number)
        guard let connection else { return }
        switch line.instruction {
        case .greet: greet()
        case .answer(let received, let windowBytes, let isObserver):
            let number = try received.map { text throws(MockStop) in
                try self.number(text, line.number)
            }
            answer(received: number, windowBytes, isObserver: isObserver)
        case .acknowledgeNow(let text):
            let number = try text.map { text throws(MockStop) in
                try self.number(text, line.number)
            }
            acknowledge(number)
        case .send(let text, let isLine):
            let bytes = isLine ? Array(substituted(text).utf8) : unescaped(substituted(text))
            connection.send(isLine ? bytes + [0x0A] : bytes)
        case .sendFile(let path): connection.send(try contents(path))
        case .fill(let count, let byte): connection.send(Array(repeating: byte, count: count))
        case .read(let rate): connection.bytesPerSecond = rate
        case .drop: try drop(line.number)
        case .dropAfter(let bytes):
            connection.endsAtBytes = connection.bytesReceived + bytes
        default: break
        }
        flush()
    }

    private func number(_ text: String, _ line: Int) throws(MockStop) -> UInt64 {
        guard let number = UInt64(substituted(text)) else {
            throw .failed(line: line, reason: "\(text) is no number")
        }
        return number
    }

    private func contents(_ path: String) throws(MockStop) -> [UInt8] {
        do throws(Errno) {
            var reader = FileReader(bytesMax: 64 << 20)
            let span = try reader.read(path)
            return (0..<span.byteCount).map { span.byte(at: $0) }
        } catch {
            throw .unreadable(ProgramFailure(.usage, "\(path): \(error)"))
        }
    }

    /// Sends what fits now; the rest goes while messages are waited for.
    private func flush() {
        guard let connection, connection.hasUnsent else { return }
        connection.transfer(SocketTransfer.Readiness(reads: false, writes: true), at: .now)
    }

    private func pause(_ milliseconds: UInt64) {
        let limit = MonotonicTime.now.adding(milliseconds: milliseconds)
        while !isInterrupted, case let now = MonotonicTime.now, now < limit {
            let left = limit.nanoseconds(since: now) / 1_000_000 + 1
            let ready = SocketTransfer.wait(
                for: [SocketTransfer.Interest(signals.number)], milliseconds: left)
            if ready[0].reads, Signals.next(signals.number) != nil { isInterrupted = true }
        }
    }

    // MARK: The connection

    private func accept(_ line: Int, _ milliseconds: UInt64) throws(MockStop) {
        let limit = MonotonicTime.now.adding(milliseconds: milliseconds)
        guard !acceptOne(until: limit) else { return }
        if isInterrupted { throw .interrupted }
        throw .failed(line: line, reason: "nobody connected within \(milliseconds) ms")
    }

    private func needConnection(_ line: Int) throws(MockStop) {
        if connection == nil { try accept(line, MockLimits.expectMilliseconds) }
    }

    /// What was to be sent goes first, as long as the other side takes it.
    private func drop(_ line: Int) throws(MockStop) {
        let limit = MonotonicTime.now.adding(milliseconds: 1000)
        while let connection, connection.hasUnsent, MonotonicTime.now < limit, !isInterrupted {
            turn(until: limit)
        }
        connection = nil
    }

    // MARK: Messages

    /// Takes messages until one `isIt`, or the time is over.
    ///
    /// - Returns: whether one was.
    @discardableResult
    private func takeMessages(
        _ line: Int, _ milliseconds: UInt64, until isIt: (MockMessage) throws(MockStop) -> Bool
    ) throws(MockStop) -> Bool {
        try needConnection(line)
        let limit = MonotonicTime.now.adding(milliseconds: milliseconds)
        while true {
            while let message = nextMessage() {
                if let violation { throw .failed(line: line, reason: violation) }
                if try isIt(message) { return true }
            }
            if isInterrupted { throw .interrupted }
            guard let connection, !connection.hasEnded else {
                // Where a drop was asked for, what comes next needs a new connection.
                let wasAsked = self.connection?.endsAtBytes != nil
                self.connection = nil
                guard !wasAsked else { return false }
                throw .failed(line: line, reason: "the agent closed the connection")
            }
            guard MonotonicTime.now < limit else { return false }
            turn(until: limit)
        }
    }

    private func expect(
        _ expectation: MockScript.Expectation, _ line: Int
    ) throws(MockStop) {
        var others: [String] = []
        let isThere = try takeMessages(line, expectation.milliseconds) {
            message throws(MockStop) in
            let isIt =
                message.type == expectation.type
                && MockMessage.matches(expectation, parser)
            if !isIt, expectation.isNext {
                throw .failed(
                    line: line, reason: "\(message.text) came, and not \(expectation.type)")
            }
            if !isIt, others.count < 8 { others.append(message.type) }
            return isIt
        }
        guard !isThere else { return }
        let came = others.isEmpty ? "nothing" : others.joined(separator: ", ")
        throw .failed(
            line: line,
            reason: "no such \(expectation.type) within \(expectation.milliseconds) ms: \(came)")
    }

    private func refuse(
        _ type: String, _ milliseconds: UInt64, _ line: Int
    ) throws(MockStop) {
        try takeMessages(line, milliseconds) { message throws(MockStop) in
            guard message.type == type else { return false }
            throw .failed(line: line, reason: "\(message.text) came")
        }
    }

    /// With ``isTracking`` everything up to it, else just that number.
    private func expectNumber(
        _ number: UInt64, _ milliseconds: UInt64, _ line: Int
    ) throws(MockStop) {
        func isReached() -> Bool {
            guard let epoch = lastNumber?.epoch ?? offer?.epoch else { return false }
            return isTracking
                ? track.received(epoch) >= number : lastNumber?.sequence == number
        }
        if isReached() { return }
        let isThere = try takeMessages(line, milliseconds) { _ in isReached() }
        guard !isThere, !isReached() else { return }
        let last = lastNumber.map { "\($0.sequence)" } ?? "none"
        throw .failed(line: line, reason: "number \(number) did not come, the last was \(last)")
    }

    private func hexadecimal(_ digits: ArraySlice<UInt8>) -> UInt8? {
        guard digits.count >= 2 else { return nil }
        return UInt8(String(decoding: digits.prefix(2), as: UTF8.self), radix: 16)
    }

    /// `\n`, `\r`, `\t`, `\\` and `\xHH` as the bytes they stand for; any other backslash stays.
    private func unescaped(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let letter = rest.first else {
                bytes.append(byte)
                continue
            }
            let single: [UInt8: UInt8] = [0x6E: 0x0A, 0x72: 0x0D, 0x74: 0x09, 0x5C: 0x5C]
            if let meant = single[letter] {
                bytes.append(meant)
                rest.removeFirst()
            } else if letter == UInt8(ascii: "x"), let meant = hexadecimal(rest.dropFirst()) {
                bytes.append(meant)
                rest.removeFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return bytes
    }
}
