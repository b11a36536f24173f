import Kernel

/// What /proc/PID/stat says of a process, as far as it is reported. Source: proc(5).
struct ProcessStat {
    var pid: UInt32
    var name: String
    /// The kernel's letter.
    var state: UInt8
    var parentPID: UInt32
    /// User and system time in ticks.
    var ticks: UInt64
    /// Ticks from the boot to its start.
    var startTicks: UInt64
    var residentPages: UInt64

    init(_ bytes: RawSpan) throws(Malformed) {
        var all = Fields(bytes)
        // The name may contain anything, parentheses, blanks and newlines too.
        var head = try all.field(beforeLast: UInt8(ascii: ")"))
        pid = UInt32(truncatingIfNeeded: try head.unsigned(max: UInt64(UInt32.max)))
        guard head.consume(" (") else { throw head.malformed("a name in parentheses") }
        name = head.text
        var rest = try all.requiredLine()
        let letter = try rest.field()
        guard letter.byteCount == 1 else { throw rest.malformed("one letter of state") }
        state = letter.byte(0)
        parentPID = UInt32(truncatingIfNeeded: try rest.unsigned(max: UInt64(UInt32.max)))
        try rest.skip(9)
        let user = try rest.unsigned(max: ProbeLimits.ticksMax)
        ticks = try user + rest.unsigned(max: ProbeLimits.ticksMax)
        try rest.skip(6)
        startTicks = try rest.unsigned(max: ProbeLimits.secondsMax)
        try rest.skip(1)
        residentPages = try rest.unsigned()
    }

    /// The letter spelt out. Source: fs/proc/array.c, task_state_array.
    var status: String {
        switch state {
        case UInt8(ascii: "R"): "running"
        case UInt8(ascii: "S"): "sleeping"
        case UInt8(ascii: "D"): "disk-sleep"
        case UInt8(ascii: "Z"): "zombie"
        case UInt8(ascii: "T"), UInt8(ascii: "t"): "stopped"
        case UInt8(ascii: "I"): "idle"
        case UInt8(ascii: "X"): "dead"
        default: "unknown"
        }
    }
}
