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
    ///
    /// - Parameter earlier: what the guest's spool has: epochs of agents that have ended.
    func session(
        of epoch: SessionEpoch, after earlier: [SessionEpoch], for link: GuestLink
    ) -> HostSession? {
        // One that does not know an earlier epoch begins anew, from the store.
        if let own = link.stored?.session, own.epoch == epoch, own.knows(earlier) { return own }
        if let own = link.stored?.session {
            keep(own)
            link.stored?.session = nil
            // However many epochs a connection names, it stands here once.
            if let before = own.lastEpoch { links[before] = nil }
        }
        defer {
            links[epoch] = Weak(link: link)
            assert(links.count <= HostLimits.guestsMax, "an entry of a connection that is gone")
        }
        var session = take(epoch, earlier)
        _ = session.connected(at: 0)
        return session
    }

    private func take(_ epoch: SessionEpoch, _ earlier: [SessionEpoch]) -> HostSession {
        let taken = earlier.compactMap { end($0) }
        if let session = end(epoch), session.knows(earlier) {
            // What another session of an earlier epoch was given meanwhile is on its way.
            if taken.isEmpty { return session }
        }
        // What the store knows is all that is known.
        store.flush()
        return HostSession(
            stored: store.epochs(of: log).filter {
                $0.epoch == epoch || earlier.contains($0.epoch)
            })
    }

    /// Ends whatever has the session of an epoch.
    ///
    /// - Returns: the session.
    private func end(_ epoch: SessionEpoch) -> HostSession? {
        if let old = links[epoch]?.link, let session = old.stored?.session, session.epoch == epoch {
            links[epoch] = nil
            old.stored?.session = nil
            old.port.stop()
            return session
        }
        guard let place = kept.firstIndex(where: { $0.epoch == epoch }) else { return nil }
        return kept.remove(at: place).session
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
            if outcome.failure != nil {
                for known in kept[place].session.epochs {
                    _ = kept[place].session.storeFailed(known.epoch, at: 0)
                }
            } else {
                _ = kept[place].session.stored(outcome.epoch, through: outcome.through, at: 0)
            }
        }
    }
}
