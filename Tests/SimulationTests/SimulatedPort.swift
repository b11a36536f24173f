/// A virtio port as facts.md measured it: what it takes, what it gives, and what it loses. The
/// scripts of Tests/Fixtures/port-scripts are played on it, and on the real one.
///
/// The guest writes into the slots of a queue, from which QEMU moves them into its socket to the
/// host. The host writes into that socket, from which QEMU fills the buffers of a guest that has
/// the port open.
struct SimulatedPort {
    static let writeBytesMax = 32_768
    static let readBytesMax = 4096
    static let slotsMax = 128
    static let buffersMax = 128

    /// What the kernel answers instead of a number.
    enum Refusal: String, Error {
        case again = "EAGAIN"
        case busy = "EBUSY"
        case noDevice = "ENODEV"
        case noEntry = "ENOENT"
    }

    /// What a guest's open gives. It dies with its node, also when one of the same name follows.
    struct Descriptor: Equatable {
        fileprivate var node: Int
    }

    /// The bits of poll(2).
    struct Readiness: OptionSet {
        var rawValue: Int
        static let input = Readiness(rawValue: 1)
        static let output = Readiness(rawValue: 4)
        static let hangUp = Readiness(rawValue: 16)
    }

    private(set) var isPlugged = true
    /// The host is attached, be the port plugged or not.
    private(set) var isHostHere = false
    private var node = 1
    private var opened: Descriptor?
    /// Writes of the guest that QEMU has not moved, a slot each.
    private var slots: [ArraySlice<UInt8>] = []
    private var firstSlot = 0
    /// What the driver believes: the last write took the last slot, and none came back since.
    private var isFull = false
    /// QEMU was refused by the socket, and waits until that is writable.
    private var isThrottled = false
    private var toHost: SimulatedSocket
    private var fromHost: SimulatedSocket
    /// What the guest can read, a buffer each time QEMU read.
    private var buffers: [ArraySlice<UInt8>] = []
    private var firstBuffer = 0

    /// Counted for the table of faults.
    private(set) var bytesLost = 0
    private(set) var hostBytesLost = 0
    private(set) var writesShort = 0
    private(set) var writesRefused = 0
    private(set) var writesWithoutHost = 0
    private(set) var bytesKeptWhileClosed = 0
    private(set) var bytesDiscarded = 0
    /// A host that leaves while QEMU is refused takes a slot with it: QEMU forgets the write and
    /// never returns it. Not even a replug brings the slot back.
    private(set) var slotsLeaked = 0

    init(socketRoomBytes: Int = SimulatedSocket.roomBytesDefault) {
        toHost = SimulatedSocket(roomBytes: socketRoomBytes)
        fromHost = SimulatedSocket(roomBytes: socketRoomBytes)
    }

    var slotsUsed: Int { slots.count - firstSlot }
    var isOpen: Bool { opened != nil }
    var isInputEmpty: Bool { firstBuffer == buffers.count }
    private var hasFreeSlot: Bool { slotsUsed + slotsLeaked < Self.slotsMax }

    // MARK: The guest's side

    mutating func openDescriptor() throws(Refusal) -> Descriptor {
        guard isPlugged else { throw .noEntry }
        guard opened == nil else { throw .busy }
        let descriptor = Descriptor(node: node)
        opened = descriptor
        bytesKeptWhileClosed += fromHost.bytes
        pump()
        return descriptor
    }

    /// What QEMU has read for the guest is discarded; what stands in the socket is for the next
    /// one, and what was written stays under way.
    mutating func close(_ descriptor: Descriptor) {
        guard descriptor == opened else { return }
        opened = nil
        dropBuffers()
    }

    /// - Returns: bytes taken; 0 when the driver finds no slot where it believed there was one.
    mutating func write(
        _ bytes: ArraySlice<UInt8>, to descriptor: Descriptor
    ) throws(Refusal) -> Int {
        guard descriptor == opened else { throw .noDevice }
        guard isHostHere else {
            writesWithoutHost += 1
            throw .again
        }
        guard !isFull else {
            writesRefused += 1
            throw .again
        }
        guard hasFreeSlot else {
            writesRefused += 1
            return 0
        }
        let taken = bytes.prefix(Self.writeBytesMax)
        if taken.count < bytes.count { writesShort += 1 }
        slots.append(taken)
        isFull = !hasFreeSlot
        pump()
        return taken.count
    }

    /// - Returns: nothing when no host is there.
    mutating func read(
        _ bytesMax: Int, from descriptor: Descriptor
    ) throws(Refusal) -> ArraySlice<UInt8> {
        guard descriptor == opened else { throw .noDevice }
        guard !isInputEmpty else {
            if isHostHere { throw .again }
            return []
        }
        let piece = buffers[firstBuffer].prefix(bytesMax)
        buffers[firstBuffer] = buffers[firstBuffer].dropFirst(piece.count)
        if buffers[firstBuffer].isEmpty { firstBuffer += 1 }
        if isInputEmpty { dropBuffers() }
        pump()
        return piece
    }

    func poll(_ descriptor: Descriptor) -> Readiness {
        guard descriptor == opened else { return .hangUp }
        var bits: Readiness = isHostHere ? [] : [.input, .hangUp]
        if !isInputEmpty { bits.insert(.input) }
        if isHostHere, !isFull { bits.insert(.output) }
        return bits
    }

    private mutating func dropBuffers() {
        for buffer in buffers[firstBuffer...] { bytesDiscarded += buffer.count }
        buffers.removeAll(keepingCapacity: true)
        firstBuffer = 0
    }

    // MARK: The same for the one agent of a simulation

    mutating func open() {
        guard (try? openDescriptor()) != nil else { preconditionFailure("unplugged, or open") }
    }

    mutating func close() {
        if let opened { close(opened) }
    }

    /// - Returns: bytes taken; 0 is EAGAIN.
    mutating func guestWrite(_ bytes: ArraySlice<UInt8>) -> Int {
        precondition(isOpen && !bytes.isEmpty)
        return (try? write(bytes, to: opened!)) ?? 0
    }

    /// - Returns: nothing when there is nothing, or no host.
    mutating func guestRead() -> ArraySlice<UInt8> {
        precondition(isOpen)
        return (try? read(Self.readBytesMax, from: opened!)) ?? []
    }

    // MARK: QEMU

    /// Moves what can be moved, both ways.
    mutating func pump() {
        if !isThrottled || toHost.isWritable { moveSlots() }
        guard isOpen else { return }
        while !fromHost.isEmpty, buffers.count - firstBuffer < Self.buffersMax {
            buffers.append(fromHost.readMerged(Self.readBytesMax))
        }
    }

    private mutating func moveSlots() {
        isThrottled = false
        while firstSlot < slots.count {
            guard toHost.append(slots[firstSlot]) else {
                isThrottled = true
                break
            }
            firstSlot += 1
            isFull = false
        }
        if firstSlot == slots.count { forgetSlots() }
    }

    /// QEMU returns them all, except the one that it could not move.
    private mutating func loseSlots() {
        for slot in slots[firstSlot...] { bytesLost += slot.count }
        if slotsUsed > (isThrottled ? 1 : 0) { isFull = false }
        if isThrottled { slotsLeaked += 1 }
        forgetSlots()
    }

    private mutating func forgetSlots() {
        slots.removeAll(keepingCapacity: true)
        firstSlot = 0
        isThrottled = false
    }

    // MARK: The host's side

    mutating func hostArrives() {
        precondition(!isHostHere)
        isHostHere = true
    }

    /// Everything in flight is lost, and nobody is told. What the guest's buffers have stays.
    mutating func hostLeaves() {
        isHostHere = false
        loseSlots()
        loseSockets()
    }

    private mutating func loseSockets() {
        bytesLost += toHost.bytes
        hostBytesLost += fromHost.bytes
        toHost.removeAll()
        fromHost.removeAll()
    }

    mutating func hostRead(_ bytesMax: Int = readBytesMax) -> ArraySlice<UInt8> {
        let piece = toHost.read(bytesMax)
        pump()
        return piece
    }

    /// - Returns: bytes taken, over all that QEMU makes room for.
    mutating func hostWrite(_ bytes: ArraySlice<UInt8>) -> Int {
        var rest = bytes
        while !rest.isEmpty {
            let taken = hostSend(rest)
            pump()
            guard taken > 0 else { break }
            rest = rest.dropFirst(taken)
        }
        return bytes.count - rest.count
    }

    /// One send(2), faster than QEMU reads.
    ///
    /// - Returns: bytes taken.
    mutating func hostSend(_ bytes: ArraySlice<UInt8>) -> Int {
        precondition(isHostHere)
        var rest = bytes
        while !rest.isEmpty {
            let piece = rest.prefix(SimulatedSocket.pieceBytesMax)
            guard fromHost.append(piece) else { break }
            rest = rest.dropFirst(piece.count)
        }
        return bytes.count - rest.count
    }

    /// The oldest write of whole frames vanishes. A frame begins where the host reads next if a
    /// `{` stands there, for no frame has another one.
    ///
    /// - Returns: whether there was one.
    mutating func loseWholeFrames() -> Bool {
        let isWhole = { (slot: ArraySlice<UInt8>) in slot.first == 0x7b && slot.last == 0x0a }
        if let lost = toHost.removeFirst(where: isWhole) {
            bytesLost += lost
            pump()
            return true
        }
        guard let place = slots[firstSlot...].firstIndex(where: isWhole) else { return false }
        bytesLost += slots.remove(at: place).count
        if firstSlot == slots.count { forgetSlots() }
        return true
    }

    // MARK: The machine

    /// ENODEV for the guest, and nothing that QEMU or the guest had survives. The host sees
    /// nothing of it: its socket keeps what is in it, both ways.
    mutating func unplug() {
        isPlugged = false
        opened = nil
        loseSlots()
        dropBuffers()
    }

    /// Another node of the same name, whose driver believes that the queue is free.
    mutating func plug() {
        isFull = false
        isPlugged = true
        node += 1
    }

    /// A snapshot is restored into a new machine: its queues are empty and nobody is connected.
    mutating func restore() {
        isHostHere = false
        loseSlots()
        loseSockets()
        dropBuffers()
    }
}
