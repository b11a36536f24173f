/// What a request carries through the kernel and back: whose it is and which.
struct UserData {
    enum Operation: UInt64 {
        case read = 1
        case write
        case poll
        case cancel
        case waker
        case receive
    }

    /// The stream's place; 32 bits.
    let index: Int
    /// The low 24 bits of the stream's generation.
    let generation: UInt32
    let operation: Operation

    init(_ operation: Operation, index: Int = 0, generation: UInt32 = 0) {
        self.index = index
        self.generation = generation & 0xff_ffff
        self.operation = operation
    }

    init(packed: UInt64) {
        index = Int(packed & 0xffff_ffff)
        generation = UInt32(packed >> 32 & 0xff_ffff)
        guard let operation = Operation(rawValue: packed >> 56 & 0xf) else {
            preconditionFailure("a completion of no request of ours")
        }
        self.operation = operation
    }

    var packed: UInt64 {
        operation.rawValue << 56 | UInt64(generation) << 32 | UInt64(index)
    }
}
