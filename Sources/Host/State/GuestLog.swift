import Framing
import Kernel
import Session
import Synchronization
import Wire

/// What is kept of one guest: its messages as they came, a line each, in files that only grow.
///
/// K needs no place of its own: a message's line has its epoch and number, so that the row and
/// "received up to K" become safe in the same write. Numbers that the guest gave up stand as a line
/// `{"type":"passed","epoch":E,"through":N}`. Each file begins with a line
/// `{"type":"state","epochs":[{"epoch":E,"received":K},...]}`, so that only the newest is needed
/// to go on: older ones may be moved away at any time.
///
/// A line that was cut off by a power failure is cut off here too: nothing behind it was ever
/// acknowledged.
final class GuestLog: Sendable {
    struct Files: ~Copyable {
        var file: LogFile?
        var number: UInt64
        var epochs: [HostSession.StoredEpoch]
        /// After a failure nobody knows what the medium has of the file: the next line starts
        /// another one.
        var mustRotate = false
    }

    let folder: String
    private let files: Mutex<Files>

    /// Opens what is there, and reads the newest file.
    ///
    /// - Throws: what the kernel says.
    init(folder: String) throws(Errno) {
        self.folder = folder
        try Folders.makePrivate(folder)
        let numbers = try directoryNames(folder).compactMap(Self.number).sorted()
        guard let newest = numbers.last else {
            files = Mutex(Files(number: 0, epochs: []))
            return
        }
        var epochs: [HostSession.StoredEpoch] = []
        let path = "\(folder)/\(Self.name(newest))"
        let size = try Self.read(path, &epochs)
        var file = try LogFile(path)
        if file.sizeBytes > size { try file.truncate(to: size) }
        files = Mutex(Files(file: file, number: newest, epochs: epochs))
    }

    /// K by epoch, the last one last.
    var epochs: [HostSession.StoredEpoch] { files.withLock { $0.epochs } }

    static func name(_ number: UInt64) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 8 - digits.count)) + digits + ".jsonl"
    }

    private static func number(_ name: String) -> UInt64? {
        guard name.hasSuffix(".jsonl") else { return nil }
        return UInt64(name.dropLast(6))
    }

    // MARK: Writing

    /// Makes `lines` safe, and the numbers that they bring K to.
    ///
    /// - Throws: what the kernel says. Nothing of it counts then.
    func write(_ lines: [UInt8], _ reached: [HostSession.StoredEpoch]) throws(Errno) {
        let failure = files.withLock { files -> Errno? in
            do throws(Errno) {
                try Self.write(lines, reached, in: folder, &files)
                return nil
            } catch {
                files.mustRotate = true
                return error
            }
        }
        if let failure { throw failure }
    }

    private static func write(
        _ lines: [UInt8], _ reached: [HostSession.StoredEpoch], in folder: String,
        _ files: inout Files
    ) throws(Errno) {
        let isFull = (files.file?.sizeBytes ?? 0) >= StateLimits.fileBytesMax
        if files.file == nil || files.mustRotate || isFull { try rotate(in: folder, &files) }
        try files.file!.append(RawSpan(_elements: lines.span))
        try files.file!.sync()
        for known in reached { note(known, in: &files.epochs) }
    }

    private static func rotate(in folder: String, _ files: inout Files) throws(Errno) {
        let number = files.number + 1
        var file = try LogFile("\(folder)/\(name(number))")
        // What another start left here was never acknowledged.
        try file.truncate(to: 0)
        let known = files.epochs.map {
            "{\"epoch\":\"\(Epoch($0.epoch))\",\"received\":\($0.received)}"
        }
        let header = "{\"type\":\"state\",\"epochs\":[\(known.joined(separator: ","))]}\n"
        try file.append(RawSpan(_elements: Array(header.utf8).span))
        try file.sync()
        try Folders.sync(folder)
        files.file = consume file
        files.number = number
        files.mustRotate = false
    }

    /// The epoch becomes the last one, and its K only grows.
    static func note(
        _ known: HostSession.StoredEpoch, in epochs: inout [HostSession.StoredEpoch]
    ) {
        var known = known
        if let place = epochs.firstIndex(where: { $0.epoch == known.epoch }) {
            known.received = max(known.received, epochs[place].received)
            epochs.remove(at: place)
        } else if epochs.count == StateLimits.epochsMax {
            epochs.removeFirst()
        }
        epochs.append(known)
    }

    // MARK: Reading

    /// - Returns: how many bytes are whole lines of ours.
    private static func read(
        _ path: String, _ epochs: inout [HostSession.StoredEpoch]
    ) throws(Errno) -> UInt64 {
        var reader = FileReader(bytesMax: StateLimits.readBytesMax)
        let bytes = try reader.read(path)
        var parser: JSONParser
        do {
            parser = try JSONParser()
        } catch {
            throw .noMemory
        }
        var position = 0
        while let length = FrameScanner.lineBytes(in: bytes.extracting(droppingFirst: position)) {
            let line = bytes.extracting(position..<(position + length - 1))
            guard (try? parser.parse(line)) != nil, take(parser.root, &epochs) else { break }
            position += length
        }
        return UInt64(position)
    }

    /// - Returns: whether the line is one of ours.
    private static func take(
        _ line: JSONValue, _ epochs: inout [HostSession.StoredEpoch]
    ) -> Bool {
        if let row = StateLine.row(line) ?? StateLine.passed(line) {
            note(row, in: &epochs)
            return true
        }
        guard let known = StateLine.state(line) else { return false }
        for epoch in known { note(epoch, in: &epochs) }
        return true
    }
}

/// The three kinds of lines in a guest's files.
enum StateLine {
    static func row(_ line: JSONValue) -> HostSession.StoredEpoch? {
        guard let numbering = Numbering(of: line) else { return nil }
        return HostSession.StoredEpoch(
            epoch: SessionEpoch(numbering.epoch), received: numbering.sequence)
    }

    static func passed(_ line: JSONValue) -> HostSession.StoredEpoch? {
        stored(line, "through")
    }

    static func state(_ line: JSONValue) -> [HostSession.StoredEpoch]? {
        guard line.member("type")?.equals("state") == true, let list = line.member("epochs") else {
            return nil
        }
        var known: [HostSession.StoredEpoch] = []
        var elements = list.elements
        while let element = elements.next() {
            guard let one = stored(element, "received") else { return nil }
            known.append(one)
        }
        return known
    }

    private static func stored(_ value: JSONValue, _ name: StaticString) -> HostSession.StoredEpoch?
    {
        guard let epoch = value.member("epoch")?.string.flatMap({ Epoch($0) }),
            let number = value.member(name)?.unsigned
        else { return nil }
        return HostSession.StoredEpoch(epoch: SessionEpoch(epoch), received: number)
    }

    static func passed(_ epoch: SessionEpoch, through number: UInt64) -> [UInt8] {
        Array(
            "{\"type\":\"passed\",\"epoch\":\"\(Epoch(epoch))\",\"through\":\(number)}\n".utf8)
    }
}

/// What a store bounds.
enum StateLimits {
    /// A file with so many bytes is followed by another one: at the start the newest is read.
    static let fileBytesMax: UInt64 = 16 << 20
    /// A file has at most one write more than that, and a write what may wait.
    static let readBytesMax = Int(fileBytesMax) + 2 * waitingBytesMax
    /// Epochs whose K a file knows. A guest keeps to eight; behind a listening socket there are
    /// several guests.
    static let epochsMax = 64
    /// Bytes of one guest that may wait for the medium. Then nothing more is read from it until
    /// they are safe.
    static let waitingBytesMax = 4 << 20
    /// Milliseconds after which a store that failed is tried again.
    static let retryMilliseconds: UInt64 = 1000
}
