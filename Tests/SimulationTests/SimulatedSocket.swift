/// One direction of the Unix socket between QEMU and the host, on Linux: pieces as they were sent,
/// and the room that they take, which is more than their bytes.
struct SimulatedSocket {
    /// net.core.wmem_default, as the kernel has it when nobody set another.
    static let roomBytesDefault = 212_992
    /// The kernel cuts longer ones: what a buffer's head holds, and 32 KiB of pages beside it.
    static let pieceBytesMax = headBytesMax + 32_768
    private static let headBytesMax = 3776
    private static let pageBytes = 4096
    /// The kernel's own, for each piece, beside and at the end of the head.
    private static let descriptionBytes = 256
    private static let trailerBytes = 320

    /// A piece is taken whole as long as less than this is used.
    private let roomBytes: Int
    private var pieces: [ArraySlice<UInt8>] = []
    private var roomsTaken: [Int] = []
    private var first = 0
    private var roomTaken = 0
    private(set) var bytes = 0

    init(roomBytes: Int) { self.roomBytes = roomBytes }

    var isEmpty: Bool { first == pieces.count }
    /// What poll(2) says to the sender: it is not woken for less room than this.
    var isWritable: Bool { roomTaken * 4 <= roomBytes }

    /// - Returns: whether there was room.
    mutating func append(_ piece: ArraySlice<UInt8>) -> Bool {
        guard roomTaken < roomBytes else { return false }
        let room = Self.room(piece.count)
        pieces.append(piece)
        roomsTaken.append(room)
        roomTaken += room
        bytes += piece.count
        return true
    }

    /// What one piece takes: the head is a power of 2, the rest are whole pages.
    private static func room(_ bytes: Int) -> Int {
        let overHead = max(0, bytes - headBytesMax)
        let inPages = min(bytes, (overHead + pageBytes - 1) / pageBytes * pageBytes)
        var head = 512
        while head < bytes - inPages + trailerBytes { head *= 2 }
        return descriptionBytes + head + (inPages + pageBytes - 1) / pageBytes * pageBytes
    }

    /// What is left of the oldest piece, or the beginning of it. Its room is free with its last
    /// byte.
    mutating func read(_ bytesMax: Int) -> ArraySlice<UInt8> {
        guard !isEmpty else { return [] }
        let read = pieces[first].prefix(bytesMax)
        pieces[first] = pieces[first].dropFirst(read.count)
        bytes -= read.count
        if pieces[first].isEmpty { removeOldest() }
        return read
    }

    /// As read(2) has it: over the edges of the pieces.
    mutating func readMerged(_ bytesMax: Int) -> ArraySlice<UInt8> {
        var read = read(bytesMax)
        while read.count < bytesMax, !isEmpty { read += self.read(bytesMax - read.count) }
        return read
    }

    private mutating func removeOldest() {
        roomTaken -= roomsTaken[first]
        first += 1
        if isEmpty { removeAll() }
    }

    mutating func removeAll() {
        pieces.removeAll(keepingCapacity: true)
        roomsTaken.removeAll(keepingCapacity: true)
        first = 0
        roomTaken = 0
        bytes = 0
    }

    /// - Returns: the bytes of the piece that was removed.
    mutating func removeFirst(where isIt: (ArraySlice<UInt8>) -> Bool) -> Int? {
        guard let place = pieces[first...].firstIndex(where: isIt) else { return nil }
        let count = pieces.remove(at: place).count
        roomTaken -= roomsTaken.remove(at: place)
        bytes -= count
        return count
    }
}
