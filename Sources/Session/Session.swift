/// What waits to be sent, by class. Pure: no clock, no input or output.
///
/// A message waits as a value and without a number. Only when it enters the send ring are its bytes
/// fixed, so that what waits can still be reordered by class and given up by age.
///
/// ```swift
/// var outbox = Outbox<Message>()
/// outbox.append(.metrics(sample), class: .metrics, bytes: 4096)
/// while let next = outbox.first, channel.append(next) { outbox.removeFirst() }
/// ```
///
/// What has a number and is kept until it is acknowledged is ``GuestSession``'s matter, and on the
/// other side ``HostSession``'s; `Session.docc/Session.md` says how they are wired.
///
/// Source: protocol, "Session": classes, in the order they leave; "Memory": what is given up and
/// what not.
public enum MessageClass: Int, CaseIterable, Sendable {
    case control
    case result
    case event
    case metrics
}

/// What may wait in each class, in bytes as estimated by who appends.
public enum OutboxLimits {
    /// Handshakes, errors, keep-alives and refusals: a few, since each answers something.
    public static let controlBytesMax = 65_536
    /// Results of commands. Never given up: a command without room for its result is not admitted.
    public static let resultBytesMax = 4 << 20
    /// Events. Never given up either.
    public static let eventBytesMax = 1 << 20
    /// Metrics: the oldest give way to new ones, and are counted.
    public static let metricsBytesMax = 2 << 20

    static func bytesMax(_ class: MessageClass) -> Int {
        switch `class` {
        case .control: controlBytesMax
        case .result: resultBytesMax
        case .event: eventBytesMax
        case .metrics: metricsBytesMax
        }
    }
}
