import Kernel
import Session

/// The files of this process's epoch, and what is to be written to them next.
struct SpoolWriter: ~Copyable, Sendable {
    private struct Part: Sendable {
        var name: String
        var bytes: Int
        var last: UInt64
    }

    private let folder: String
    private let owner: SpoolOwner
    private var epoch: SessionEpoch
    /// Held for as long as this process uses the folder.
    private var lock: FileDescriptor?
    private var ordinal: UInt64
    private var index: UInt64 = 0
    private var file: LogFile?
    private var seed: UInt32 = 0
    /// The files of this epoch that may still be needed, the one that is written to last.
    private var parts: [Part] = []
    /// What ``begin(_:through:)`` makes useless once all that is kept is safe elsewhere.
    private var replaced: [Part] = []
    /// They go away once everything up to this number stands in the new ones.
    private var replacesThrough: UInt64 = 0
    /// Bytes of all files of the folder.
    private var totalBytes: Int
    /// Records that are not written yet.
    private var buffer: [UInt8] = []
    private var bufferedThrough: UInt64 = 0
    private var acknowledgedThrough: UInt64 = 0
    /// The file that comes next holds all that is kept.
    private var begins = true
    /// After a failure: nothing is taken until ``begin(_:through:)``.
    private var isResting = false
    private var failure: SpoolFailure?

    init(
        folder: String, owner: SpoolOwner, epoch: SessionEpoch, lock: consuming FileDescriptor?,
        ordinal: UInt64, bytes: Int
    ) {
        self.folder = folder
        self.owner = owner
        self.epoch = epoch
        self.lock = lock
        self.ordinal = ordinal
        totalBytes = bytes
    }

    mutating func rest() { isResting = true }

    // MARK: What is to be done

    mutating func append(_ frame: [UInt8], number: UInt64, _ messageClass: MessageClass) {
        append(through: number) { seed, buffer in
            SpoolFormat.append(frame, number: number, messageClass, seed: seed, to: &buffer)
        }
    }

    mutating func append(givenUp range: SessionRange) {
        append(through: range.to) { seed, buffer in
            SpoolFormat.append(givenUp: range, seed: seed, to: &buffer)
        }
    }

    private mutating func append(through number: UInt64, _ encode: (UInt32, inout [UInt8]) -> Void)
    {
        guard !isResting else { return }
        if let size = file?.sizeBytes, size >= SpoolLimits.fileBytesMax, buffer.isEmpty {
            file = nil
        }
        do throws(SpoolFailure) {
            if file == nil { try open() }
            encode(seed, &buffer)
            bufferedThrough = number
            guard totalBytes + buffer.count <= SpoolLimits.bytesMax else { throw .full }
        } catch {
            fail(error)
        }
    }

    mutating func begin(_ epoch: SessionEpoch, through last: UInt64) {
        replacesThrough = last
        if self.epoch != epoch {
            self.epoch = epoch
            ordinal += 1
            acknowledgedThrough = 0
        }
        isResting = false
        failure = nil
        begins = true
        file = nil
        buffer = []
        bufferedThrough = 0
        replaced += parts
        parts = []
    }

    mutating func acknowledged(through number: UInt64) {
        acknowledgedThrough = max(acknowledgedThrough, number)
    }

    mutating func remove(_ names: [String]) {
        for name in names {
            totalBytes -= SpoolFolder.size("\(folder)/\(name)")
            Folders.unlink("\(folder)/\(name)")
        }
    }

    /// Makes safe what was appended, and lets go of what is acknowledged.
    ///
    /// - Returns: `nil` when nothing was to be made safe.
    mutating func flush() -> Spool.Outcome? {
        if failure == nil, !buffer.isEmpty { write() }
        if let failure {
            self.failure = nil
            return Spool.Outcome(epoch: epoch, through: 0, failure: failure)
        }
        guard bufferedThrough > 0 else {
            release()
            return nil
        }
        let outcome = Spool.Outcome(epoch: epoch, through: bufferedThrough)
        bufferedThrough = 0
        if outcome.through >= replacesThrough {
            remove(replaced)
            replaced = []
        }
        release()
        return outcome
    }

    // MARK: The medium

    private mutating func write() {
        do throws(Errno) {
            let isNew = parts[parts.count - 1].bytes == 0
            try Self.write(buffer, to: &file!)
            if isNew { try Folders.sync(folder) }
            parts[parts.count - 1].bytes += buffer.count
            parts[parts.count - 1].last = bufferedThrough
            totalBytes += buffer.count
            buffer.removeAll(keepingCapacity: buffer.count < 65_536)
            begins = false
        } catch {
            fail(.medium(error))
        }
    }

    private static func write(_ bytes: [UInt8], to file: inout LogFile) throws(Errno) {
        try file.append(RawSpan(_elements: bytes.span))
        try file.sync()
    }

    /// The next file, with its header in the buffer.
    private mutating func open() throws(SpoolFailure) {
        do throws(Errno) {
            if lock == nil {
                try Folders.makePrivate(folder)
                lock = try Folders.lock(folder)
            }
            let name = SpoolFolder.Name(ordinal, index).text
            index += 1
            var new = try LogFile("\(folder)/\(name)")
            try new.truncate(to: 0)
            file = consume new
            parts.append(Part(name: name, bytes: 0, last: 0))
        } catch {
            throw .medium(error)
        }
        let header = SpoolFormat.encode(
            SpoolFormat.Header(
                owner: owner, epoch: epoch, ordinal: ordinal, index: index - 1, begins: begins))
        seed = SpoolFormat.seed(of: RawSpan(_elements: header.span))
        buffer += header
    }

    /// Nobody knows what the medium has of the file: nothing more is written to it. What stood in
    /// it before stays, for it was made safe.
    private mutating func fail(_ error: SpoolFailure) {
        failure = error
        isResting = true
        file = nil
        buffer = []
        bufferedThrough = 0
        if let last = parts.last, last.bytes == 0 {
            Folders.unlink("\(folder)/\(last.name)")
            parts.removeLast()
        }
    }

    /// Files of which everything is acknowledged go away. Of the one that is written to only the
    /// header stays.
    private mutating func release() {
        while let first = parts.first, first.last <= acknowledgedThrough, first.last > 0,
            parts.count > 1 || file == nil
        {
            remove([first])
            parts.removeFirst()
        }
        guard parts.count == 1, let last = parts.last, last.last > 0,
            last.last <= acknowledgedThrough, buffer.isEmpty
        else { return }
        let header = SpoolFormat.headerBytes
        guard last.bytes > header, (try? file?.truncate(to: UInt64(header))) != nil else { return }
        totalBytes -= last.bytes - header
        parts[0].bytes = header
    }

    private mutating func remove(_ gone: [Part]) {
        for part in gone {
            totalBytes -= part.bytes
            Folders.unlink("\(folder)/\(part.name)")
        }
    }
}
