import Framing

/// A virtio port as facts.md measured it: what it takes, what it gives, and what it loses.
struct SimulatedPort {
    static let writeBytesMax = 32_768
    static let readBytesMax = 4096
    static let slotsMax = 128
    /// What is kept for a guest that does not read, or has not opened the port.
    static let inputBytesMax = 45_000

    private(set) var isPlugged = true
    private(set) var isHostHere = false
    private(set) var isOpen = false
    /// Writes of the guest that the host has not read, a slot each.
    private var slots: [ArraySlice<UInt8>] = []
    private var firstSlot = 0
    private var input: [UInt8] = []
    private var inputRead = 0

    /// Counted for the table of faults.
    private(set) var bytesLost = 0
    private(set) var writesRefused = 0
    private(set) var writesWithoutHost = 0
    private(set) var bytesKeptWhileClosed = 0

    var slotsUsed: Int { slots.count - firstSlot }
    var isInputEmpty: Bool { inputRead == input.count }

    // MARK: The guest's side

    mutating func open() {
        precondition(isPlugged && !isOpen)
        isOpen = true
    }

    /// Unread input is discarded; what was written stays under way.
    mutating func close() {
        isOpen = false
        dropInput()
    }

    /// - Returns: bytes taken; 0 is EAGAIN.
    mutating func guestWrite(_ bytes: ArraySlice<UInt8>) -> Int {
        precondition(isOpen && isPlugged && !bytes.isEmpty)
        guard isHostHere else {
            writesWithoutHost += 1
            return 0
        }
        guard slotsUsed < Self.slotsMax else {
            writesRefused += 1
            return 0
        }
        let taken = bytes.prefix(Self.writeBytesMax)
        slots.append(taken)
        return taken.count
    }

    mutating func guestRead() -> ArraySlice<UInt8> {
        precondition(isOpen && isPlugged)
        let piece = input[inputRead...].prefix(Self.readBytesMax)
        inputRead += piece.count
        if isInputEmpty { dropInput() }
        return piece
    }

    private mutating func dropInput() {
        input.removeAll(keepingCapacity: true)
        inputRead = 0
    }

    // MARK: The host's side

    mutating func hostArrives() {
        precondition(isPlugged && !isHostHere)
        isHostHere = true
    }

    /// Everything in flight is lost, and nobody is told.
    mutating func hostLeaves() {
        isHostHere = false
        loseSlots()
    }

    private mutating func loseSlots() {
        for slot in slots[firstSlot...] { bytesLost += slot.count }
        slots.removeAll(keepingCapacity: true)
        firstSlot = 0
    }

    mutating func hostRead() -> ArraySlice<UInt8> {
        guard firstSlot < slots.count else { return [] }
        let piece = slots[firstSlot].prefix(Self.readBytesMax)
        slots[firstSlot] = slots[firstSlot].dropFirst(piece.count)
        if slots[firstSlot].isEmpty { firstSlot += 1 }
        if firstSlot == slots.count {
            slots.removeAll(keepingCapacity: true)
            firstSlot = 0
        }
        return piece
    }

    /// - Returns: bytes taken.
    mutating func hostWrite(_ bytes: ArraySlice<UInt8>) -> Int {
        let taken = bytes.prefix(Self.inputBytesMax - (input.count - inputRead))
        input.append(contentsOf: taken)
        if !isOpen { bytesKeptWhileClosed += taken.count }
        return taken.count
    }

    /// The oldest write of whole frames vanishes. A frame begins where the host reads next if a
    /// `{` stands there, for no frame has another one.
    ///
    /// - Returns: whether there was one.
    mutating func loseWholeFrames() -> Bool {
        let isWhole = { (slot: ArraySlice<UInt8>) in slot.first == 0x7b && slot.last == 0x0a }
        guard let place = slots[firstSlot...].firstIndex(where: isWhole) else { return false }
        bytesLost += slots.remove(at: place).count
        return true
    }

    // MARK: The machine

    /// ENODEV for the guest, silence for the host, and nothing survives.
    mutating func unplug() {
        isPlugged = false
        isOpen = false
        isHostHere = false
        loseSlots()
        dropInput()
    }

    mutating func plug() { isPlugged = true }

    /// A snapshot is restored into a new machine: its queues are empty and nobody is connected.
    mutating func restore() {
        isHostHere = false
        loseSlots()
        dropInput()
    }
}

/// Lines out of pieces, by the real scanner.
struct LineReader {
    private var scanner = FrameScanner()
    private var bytes: [UInt8] = []

    mutating func reset() {
        bytes.removeAll(keepingCapacity: true)
        scanner.reset()
    }

    mutating func take(_ piece: ArraySlice<UInt8>, _ body: (ArraySlice<UInt8>) -> Void) {
        bytes.append(contentsOf: piece)
        var scanner = scanner
        defer { self.scanner = scanner }
        var position = 0
        while true {
            switch scanner.next(bytes.span.bytes.extracting(droppingFirst: position)) {
            case .frame(let frame):
                let start = position + frame.bytes.lowerBound
                body(bytes[start..<(start + frame.bytes.count)])
                position += frame.consumed
                continue
            case .overlong(_, let consumed):
                position += consumed
                continue
            case .incomplete(let consumed): position += consumed
            }
            break
        }
        if position > 0 { bytes.removeFirst(position) }
    }
}
