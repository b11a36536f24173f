import Port
import Session

/// The sessions behind one listening socket, by epoch. Several agents may connect there, and each
/// may come back before its old connection is seen to have ended: one epoch has one session, which
/// moves to the connection that greeted last.
final class ListenerSessions {
    private let store: MessageStore
    private let log: MessageStore.Log
    private var links: [SessionEpoch: Weak] = [:]
    /// Of connections that have ended, the last one last.
    private var kept: [(epoch: SessionEpoch, session: HostSession)] = []

    private struct Weak {
        weak var link: GuestLink?
    }

    init(_ store: MessageStore, _ log: MessageStore.Log) {
        self.store = store
        self.log = log
    }

    /// Takes the session of an epoch for `link`; whoever had it gets nothing more by it.
    func session(of epoch: SessionEpoch, for link: GuestLink) -> HostSession? {
        if let own = link.stored?.session, own.epoch == epoch { return own }
        if let own = link.stored?.session { keep(own) }
        defer { links[epoch] = Weak(link: link) }
        var session = take(epoch)
        _ = session.connected(at: 0)
        return session
    }

    private func take(_ epoch: SessionEpoch) -> HostSession {
        if let old = links[epoch]?.link, let session = old.stored?.session, session.epoch == epoch {
            old.stored?.session = nil
            old.port.stop()
            return session
        }
        if let place = kept.firstIndex(where: { $0.epoch == epoch }) {
            return kept.remove(at: place).session
        }
        // What the store knows is all that is known.
        store.flush()
        return HostSession(stored: store.epochs(of: log).filter { $0.epoch == epoch })
    }

    /// The connection has ended.
    func ended(_ link: GuestLink) {
        guard let session = link.stored?.session else { return }
        link.stored?.session = nil
        if let epoch = session.lastEpoch { links[epoch] = nil }
        keep(session)
    }

    private func keep(_ session: HostSession) {
        guard let epoch = session.lastEpoch else { return }
        if kept.count == HostLimits.sessionsKeptMax { kept.removeFirst() }
        kept.append((epoch, session))
    }

    func noteOutcome(_ outcome: MessageStore.Outcome) {
        guard outcome.log == log else { return }
        for place in kept.indices {
            let epoch = kept[place].epoch
            if outcome.failure != nil {
                _ = kept[place].session.storeFailed(epoch, at: 0)
            } else if epoch == outcome.epoch {
                _ = kept[place].session.stored(epoch, through: outcome.through, at: 0)
            }
        }
    }
}
