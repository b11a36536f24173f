import Kernel
public import Session

/// How a spool's files are laid out. Pure: bytes in, values out, and back.
///
/// A file begins with a header of 256 bytes, and records follow. Numbers are little-endian.
///
/// | header | |
/// |---|---|
/// | 0 | `VIREOSP1` |
/// | 8 | CRC32C of bytes 12 to 255 |
/// | 12 | 1 when all that was kept stands in this file and those behind it, else 0 |
/// | 16 | the epoch, high half first |
/// | 32 | the epoch's place among those of this folder |
/// | 40 | the file's place in the epoch |
/// | 48 | length of the machine id, and its bytes |
/// | 177 | length of the generation, and its bytes |
///
/// | record | |
/// |---|---|
/// | 0 | CRC32C of the header's checksum, bytes 4 to 23 and the frame |
/// | 4 | bytes of the frame |
/// | 8 | number |
/// | 16 | class: 1 result, 2 event, 3 metrics, 4 numbers given up |
/// | 24 | the frame with its newline; for numbers given up the last of them, 8 bytes |
///
/// The header's checksum is part of each record's: what an earlier file left in the same block of a
/// medium is none of this one.
public enum SpoolFormat {
    public static let headerBytes = 256
    public static let recordBytes = 24
    private static let magic: [UInt8] = Array("VIREOSP1".utf8)

    public struct Header: Equatable, Sendable {
        public var owner: SpoolOwner
        public var epoch: SessionEpoch
        public var ordinal: UInt64
        public var index: UInt64
        /// All that was kept stands in this file and those behind it.
        public var begins: Bool

        public init(
            owner: SpoolOwner, epoch: SessionEpoch, ordinal: UInt64, index: UInt64, begins: Bool
        ) {
            self.owner = owner
            self.epoch = epoch
            self.ordinal = ordinal
            self.index = index
            self.begins = begins
        }
    }

    public struct Record: Equatable, Sendable {
        public var number: UInt64
        /// `nil` for numbers that were given up.
        public var messageClass: MessageClass?
        /// The last number; ``number`` for a frame.
        public var to: UInt64
        /// Where the frame stands in the file; empty for numbers given up.
        public var frame: Range<Int>
    }

    /// What a file holds.
    public struct Contents: Equatable, Sendable {
        public var header: Header
        public var records: [Record]
        /// Bytes up to the end of the last good record.
        public var goodBytes: Int
        /// Bytes behind it, which are no record.
        public var badBytes: Int
    }

    // MARK: Writing

    /// - Returns: the header, whose bytes 8 to 11 ``append(_:number:_:seed:to:)`` needs as
    ///   `seed`.
    public static func encode(_ header: Header) -> [UInt8] {
        var bytes = magic + [0, 0, 0, 0]
        put(header.begins ? 1 : 0, 4, &bytes)
        put(header.epoch.high, 8, &bytes)
        put(header.epoch.low, 8, &bytes)
        put(header.ordinal, 8, &bytes)
        put(header.index, 8, &bytes)
        put(header.owner.machineID, SpoolLimits.machineIDBytesMax, &bytes)
        put(header.owner.generation, SpoolLimits.generationBytesMax, &bytes)
        bytes += [UInt8](repeating: 0, count: headerBytes - bytes.count)
        var checksum = Checksum()
        checksum.add(RawSpan(_elements: bytes.span).extracting(droppingFirst: 12))
        let sum = checksum.value
        set(sum, at: 8, &bytes)
        return bytes
    }

    /// The part of a header that goes into the checksum of each record.
    public static func seed(of header: RawSpan) -> UInt32 {
        UInt32(truncatingIfNeeded: get(header, 8, 4))
    }

    /// Appends a frame's record to `bytes`.
    public static func append(
        _ frame: [UInt8], number: UInt64, _ messageClass: MessageClass, seed: UInt32,
        to bytes: inout [UInt8]
    ) {
        precondition(!frame.isEmpty && frame.count <= SessionLimits.frameBytesMax)
        append(frame, number: number, code(messageClass), seed, &bytes)
    }

    /// Appends the record of numbers that were given up.
    public static func append(
        givenUp range: SessionRange, seed: UInt32, to bytes: inout [UInt8]
    ) {
        var last: [UInt8] = []
        put(range.to, 8, &last)
        append(last, number: range.from, gapCode, seed, &bytes)
    }

    private static func append(
        _ frame: [UInt8], number: UInt64, _ code: UInt8, _ seed: UInt32, _ bytes: inout [UInt8]
    ) {
        let start = bytes.count
        put(0, 4, &bytes)
        put(UInt64(frame.count), 4, &bytes)
        put(number, 8, &bytes)
        put(UInt64(code), 8, &bytes)
        bytes += frame
        let sum = checksum(
            RawSpan(_elements: bytes.span).extracting(droppingFirst: start), seed)
        set(sum, at: start, &bytes)
    }

    private static func checksum(_ record: RawSpan, _ seed: UInt32) -> UInt32 {
        var checksum = Checksum()
        var seedBytes: [UInt8] = []
        put(UInt64(seed), 4, &seedBytes)
        checksum.add(RawSpan(_elements: seedBytes.span))
        checksum.add(record.extracting(droppingFirst: 4))
        return checksum.value
    }

    private static let gapCode: UInt8 = 4

    private static func code(_ messageClass: MessageClass) -> UInt8 {
        switch messageClass {
        case .result: 1
        case .event: 2
        case .metrics: 3
        case .control: preconditionFailure("control carries no number")
        }
    }

    // MARK: Reading

    /// What a file holds, up to the first byte that is not as it was written; `nil` when that is in
    /// the header.
    public static func parse(_ bytes: RawSpan) -> Contents? {
        guard let header = header(bytes) else { return nil }
        let seed = seed(of: bytes)
        var records: [Record] = []
        var position = headerBytes
        while let record = record(bytes, at: position, seed), record.number > last(records) {
            position = record.frame.upperBound
            var record = record
            if record.messageClass == nil { record.frame = position..<position }
            records.append(record)
        }
        return Contents(
            header: header, records: records, goodBytes: position,
            badBytes: bytes.byteCount - position)
    }

    private static func last(_ records: [Record]) -> UInt64 { records.last?.to ?? 0 }

    private static func header(_ bytes: RawSpan) -> Header? {
        guard bytes.byteCount >= headerBytes else { return nil }
        let bytes = bytes.extracting(first: headerBytes)
        for (offset, byte) in magic.enumerated() where bytes.byte(at: offset) != byte {
            return nil
        }
        var checksum = Checksum()
        checksum.add(bytes.extracting(droppingFirst: 12))
        guard checksum.value == seed(of: bytes) else { return nil }
        let begins = get(bytes, 12, 4)
        guard begins <= 1,
            let machineID = text(bytes, 48, SpoolLimits.machineIDBytesMax),
            let generation = text(bytes, 177, SpoolLimits.generationBytesMax)
        else { return nil }
        return Header(
            owner: SpoolOwner(machineID: machineID, generation: generation),
            epoch: SessionEpoch(high: get(bytes, 16, 8), low: get(bytes, 24, 8)),
            ordinal: get(bytes, 32, 8), index: get(bytes, 40, 8), begins: begins == 1)
    }

    /// - Returns: the record with the place of all its payload.
    private static func record(_ bytes: RawSpan, at position: Int, _ seed: UInt32) -> Record? {
        guard bytes.byteCount - position >= recordBytes else { return nil }
        let rest = bytes.extracting(droppingFirst: position)
        let count = Int(get(rest, 4, 4))
        guard 0 < count, count <= SessionLimits.frameBytesMax, count <= rest.byteCount - recordBytes
        else { return nil }
        let whole = rest.extracting(first: recordBytes + count)
        guard checksum(whole, seed) == UInt32(truncatingIfNeeded: get(rest, 0, 4)) else {
            return nil
        }
        let number = get(rest, 8, 8)
        let code = get(rest, 16, 8)
        let frame = (position + recordBytes)..<(position + recordBytes + count)
        guard 1 <= number, number <= SessionLimits.numberMax else { return nil }
        if code == UInt64(gapCode) {
            guard count == 8, case let to = get(rest, recordBytes, 8), number <= to,
                to <= SessionLimits.numberMax
            else { return nil }
            return Record(number: number, messageClass: nil, to: to, frame: frame)
        }
        let classes: [MessageClass] = [.result, .event, .metrics]
        guard 1 <= code, code <= 3 else { return nil }
        return Record(
            number: number, messageClass: classes[Int(code) - 1], to: number, frame: frame)
    }

    // MARK: Numbers and texts

    private static func put(_ value: UInt64, _ count: Int, _ bytes: inout [UInt8]) {
        for place in 0..<count { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * place))) }
    }

    private static func put(_ text: String, _ room: Int, _ bytes: inout [UInt8]) {
        let utf8 = text.utf8.prefix(room)
        bytes.append(UInt8(utf8.count))
        bytes += utf8
        bytes += [UInt8](repeating: 0, count: room - utf8.count)
    }

    private static func set(_ value: UInt32, at offset: Int, _ bytes: inout [UInt8]) {
        for place in 0..<4 {
            bytes[offset + place] = UInt8(truncatingIfNeeded: value >> (8 * UInt32(place)))
        }
    }

    private static func get(_ bytes: RawSpan, _ offset: Int, _ count: Int) -> UInt64 {
        var value: UInt64 = 0
        for place in 0..<count { value |= UInt64(bytes.byte(at: offset + place)) << (8 * place) }
        return value
    }

    private static func text(_ bytes: RawSpan, _ offset: Int, _ room: Int) -> String? {
        let count = Int(bytes.byte(at: offset))
        guard count <= room else { return nil }
        return bytes.extracting((offset + 1)..<(offset + 1 + count)).repairedText
    }
}
