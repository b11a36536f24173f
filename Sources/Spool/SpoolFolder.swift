public import Kernel
import Session

/// The files of a spool's folder: their names, and what is read of them at the start.
enum SpoolFolder {
    struct Name: Comparable {
        var ordinal: UInt64
        var index: UInt64

        init(_ ordinal: UInt64, _ index: UInt64) {
            self.ordinal = ordinal
            self.index = index
        }

        init?(_ text: String) {
            guard text.hasSuffix(".spool") else { return nil }
            let parts = text.dropLast(6).split(separator: "-", omittingEmptySubsequences: false)
            guard parts.count == 2, let ordinal = UInt64(parts[0]), let index = UInt64(parts[1])
            else { return nil }
            self.init(ordinal, index)
        }

        var text: String { "\(Self.padded(ordinal))-\(Self.padded(index)).spool" }

        private static func padded(_ number: UInt64) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, 8 - digits.count)) + digits
        }

        static func < (one: Name, other: Name) -> Bool {
            (one.ordinal, one.index) < (other.ordinal, other.index)
        }
    }

    /// Reads what earlier epochs left, and takes away what is of no use.
    static func read(_ folder: String, owner: SpoolOwner) throws(Errno) -> SpoolContents {
        let texts = try directoryNames(folder).sorted()
        var contents = SpoolContents()
        let names = texts.compactMap { text in Name(text).map { (name: $0, text: text) } }
        contents.nextOrdinal = (names.map(\.name.ordinal).max() ?? 0) + 1
        for ordinal in Set(names.map(\.name.ordinal)).sorted() {
            let files = names.filter { $0.name.ordinal == ordinal }.sorted { $0.name < $1.name }
            readEpoch(folder, files.map(\.text), ordinal, owner, &contents)
        }
        contents.fit(folder, owner)
        return contents
    }

    private static func readEpoch(
        _ folder: String, _ files: [String], _ ordinal: UInt64, _ owner: SpoolOwner,
        _ contents: inout SpoolContents
    ) {
        if contents.epochs.count == SpoolLimits.earlierEpochsMax {
            contents.report.filesLeft += files.count
            for file in files { contents.fileBytes += size("\(folder)/\(file)") }
            return
        }
        var reader = SpoolEpochReader(owner: owner, ordinal: ordinal)
        var kept: [String] = []
        var isUnreadable = false
        for file in files {
            let path = "\(folder)/\(file)"
            var buffer = FileReader(bytesMax: SpoolLimits.readBytesMax)
            do throws(Errno) {
                let bytes = Array(copying: try buffer.read(path))
                if reader.take(bytes) == .foreign {
                    contents.report.filesDiscarded += 1
                    Folders.unlink(path)
                    continue
                }
            } catch {
                contents.report.unreadable = error
                isUnreadable = true
            }
            kept.append(file)
        }
        contents.report.bytesCutOff += reader.bytesCutOff
        contents.report.messagesGivenUp += reader.messagesGivenUp
        guard var epoch = reader.frames, !epoch.numbers.isEmpty else {
            // Nothing in it that could be sent, unless another start can read more.
            guard !isUnreadable else { return }
            for file in kept { Folders.unlink("\(folder)/\(file)") }
            return
        }
        epoch.files = kept
        for file in kept { contents.fileBytes += size("\(folder)/\(file)") }
        contents.epochs.append(epoch)
    }

    static func size(_ path: String) -> Int {
        (try? FileStatus.of(path)).map { Int($0.sizeBytes) } ?? 0
    }
}

/// What a folder had at the start.
struct SpoolContents {
    var epochs: [SpooledFrames] = []
    var nextOrdinal: UInt64 = 1
    var fileBytes = 0
    var report = SpoolReport()

    /// Gives up the oldest metrics of what is over the limit, and writes the rest anew.
    mutating func fit(_ folder: String, _ owner: SpoolOwner) {
        var over = epochs.reduce(0) { $0 + $1.byteCount } - SpoolLimits.earlierBytesMax
        for place in epochs.indices where over > 0 {
            let before = epochs[place].byteCount
            let messages = epochs[place].giveUpMetrics(bytes: over)
            guard messages > 0 else { continue }
            report.metricsGivenUp += messages
            over -= before - epochs[place].byteCount
            rewrite(place, folder, owner)
        }
    }

    /// What cannot be written stays as it is: more than is left of it.
    private mutating func rewrite(_ place: Int, _ folder: String, _ owner: SpoolOwner) {
        let bytes = epochs[place].encode(owner)
        let name = SpoolFolder.Name(epochs[place].ordinal, epochs[place].nextIndex).text
        let path = "\(folder)/\(name)"
        do throws(Errno) {
            var file = try LogFile(path)
            try file.truncate(to: 0)
            try file.append(RawSpan(_elements: bytes.span))
            try file.sync()
            try Folders.sync(folder)
        } catch {
            Folders.unlink(path)
            report.unreadable = error
            return
        }
        for old in epochs[place].files {
            fileBytes -= SpoolFolder.size("\(folder)/\(old)")
            Folders.unlink("\(folder)/\(old)")
        }
        fileBytes += bytes.count
        epochs[place].files = [name]
    }
}

/// What was not as it should be when a spool was read, for people.
public struct SpoolReport: Equatable, Sendable {
    /// Files of another machine or generation, taken away.
    public var filesDiscarded = 0
    /// Bytes that are not as they were written: a record that a power cut tore, or worse.
    public var bytesCutOff = 0
    /// Messages behind a bad record: they are given up with it.
    public var messagesGivenUp = 0
    /// Metrics that were over the limit.
    public var metricsGivenUp = 0
    /// Files of further epochs, which wait for the next start.
    public var filesLeft = 0
    /// A file or the folder could not be read or written.
    public var unreadable: Errno?

    public init() {}

    public var isClean: Bool { self == SpoolReport() }
}
