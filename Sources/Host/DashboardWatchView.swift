import Kernel
import Port
public import Terminal
public import Wire

/// The live table in a terminal: the whole of one guest, or a line for each of many.
public final class DashboardWatchView: WatchView {
    /// Four times a second: ages and sparklines move, and a person sees no more.
    public let refreshMilliseconds: UInt64? = 250
    private let descriptor: Int32
    private let appearance: Appearance
    private let note: String
    private var screen = Screen()
    private var size = ViewSize(columns: 80, rows: 24)
    private var guests: [ObjectIdentifier: GuestMemory] = [:]
    public private(set) var isBroken = false
    private var hasEntered = false
    private var isChanged = true
    private var lastShown = MonotonicTime(nanoseconds: 0)

    public init(descriptor: Int32, appearance: Appearance, note: String) {
        self.descriptor = descriptor
        self.appearance = appearance
        self.note = note
    }

    public func said(
        _ message: GuestMessage, by link: GuestLink, in readable: RawSpan, count: Int
    ) {
        guard case .metrics(let metrics) = message else { return }
        guests[ObjectIdentifier(link), default: GuestMemory()].note(metrics.sample)
        isChanged = true
    }

    public func changed(_ link: GuestLink) {
        isChanged = true
    }

    public func show(_ links: [GuestLink]) {
        let now = MonotonicTime.now
        let isDue = now.nanoseconds(since: lastShown) >= refreshMilliseconds! * 1_000_000
        guard isDue || (isChanged && !hasEntered) else { return }
        lastShown = now
        isChanged = false
        if let actual = ViewSize.ofTerminal(descriptor), actual != size {
            size = actual
            screen.invalidate()
        }
        var output = hasEntered ? "" : Screen.enter
        hasEntered = true
        let known = Set(links.map { ObjectIdentifier($0) })
        guests = guests.filter { known.contains($0.key) }
        output += screen.frame(lines(of: links, at: now), size: size)
        do { try FileDescriptor.writeAll(output, to: descriptor) } catch { isBroken = true }
    }

    private func lines(of links: [GuestLink], at now: MonotonicTime) -> [Line] {
        let all = links.map { link in
            (guests[ObjectIdentifier(link)] ?? GuestMemory()).status(of: link, at: now)
        }
        if all.count == 1 {
            return DashboardView(appearance: appearance, note: note).lines(of: all[0], in: size)
        }
        return MultiGuestView(appearance: appearance, note: note).lines(of: all, in: size)
    }

    public func end() {
        if hasEntered { try? FileDescriptor.writeAll(Screen.leave, to: descriptor) }
    }
}

/// Rows for pipes: one a sample, a header before the first.
public final class PlainRowsWatchView: WatchView {
    public let refreshMilliseconds: UInt64? = nil
    private let descriptor: Int32
    private var rows: PlainRows
    private var guests: [ObjectIdentifier: GuestMemory] = [:]
    public private(set) var isBroken = false
    private var pending = ""

    public init(descriptor: Int32, appearance: Appearance) {
        self.descriptor = descriptor
        rows = PlainRows(appearance: appearance)
    }

    public func said(
        _ message: GuestMessage, by link: GuestLink, in readable: RawSpan, count: Int
    ) {
        guard case .metrics(let metrics) = message else { return }
        guests[ObjectIdentifier(link), default: GuestMemory()].note(metrics.sample)
        let status = guests[ObjectIdentifier(link)]!.status(of: link, at: .now)
        pending += rows.text(for: status)
    }

    public func changed(_ link: GuestLink) {
        if link.state == .ended { guests[ObjectIdentifier(link)] = nil }
    }

    public func show(_ links: [GuestLink]) {
        guard !pending.isEmpty else { return }
        do { try FileDescriptor.writeAll(pending, to: descriptor) } catch { isBroken = true }
        pending = ""
    }

    public func end() {}
}

/// What a view keeps of one guest between two messages.
struct GuestMemory {
    private var sample: MetricsSample?
    private var history = History()
    private var heardAt: MonotonicTime?

    mutating func note(_ new: MetricsSample) {
        sample = new
        history.append(new)
        heardAt = .now
    }

    func status(of link: GuestLink, at now: MonotonicTime) -> GuestStatus {
        let (text, health): (String, Health) =
            switch link.state {
            case .connecting(let error): (error.map(Self.words(for:)) ?? "connecting", .bad)
            case .attached: ("attached, waiting", .waiting)
            case .silent: ("silent: somebody else is attached, or no agent runs", .bad)
            case .talking: ("connected", .good)
            case .ended: ("gone", .bad)
            }
        return GuestStatus(
            name: link.name, state: text, health: health, sample: sample, history: history,
            ageMilliseconds: heardAt.map { now.nanoseconds(since: $0) / 1_000_000 })
    }

    /// In the few columns that there are, and without the path, which stands before it.
    private static func words(for error: PortError) -> String {
        guard case .connectionFailed(_, let errno) = error else { return "\(error)" }
        return switch errno {
        case .notFound: "no such socket"
        case .connectionRefused: "nobody listens"
        case .accessDenied: "permission denied"
        default: "\(errno)"
        }
    }
}
