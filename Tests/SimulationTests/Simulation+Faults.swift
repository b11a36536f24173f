import Session

/// How each kind of fault strikes.
extension Simulation {
    mutating func strike(_ fault: Fault) {
        faults[fault.rawValue] += 1
    }

    /// Lets one of them strike, if it can: some need a guest, or a host.
    mutating func strike() {
        switch random.below(34) {
        case 0...4: leave()
        case 5...6: killHost()
        case 7...8: replaceHostUnseen()
        case 9: attach(.observer)
        case 10: attach(.plain)
        case 11...12: killGuest()
        case 29...30: killGuest(byPowerCut: true)
        case 31...32: failDisk()
        case 13: unplug()
        case 14...15: jump()
        case 16...18: slowDown()
        case 19...20: failStore()
        case 21...23: pressMemory()
        case 24...25: takeSnapshot()
        case 26...27: restoreSnapshot()
        case 28: loseFrames()
        default: changeGeneration()
        }
    }

    private mutating func pause() -> Int {
        random.oneIn(5) ? random.below(20_000) : random.below(200)
    }

    private mutating func leave() {
        guard host.isConnected else { return }
        strike(.hostLeaves)
        disconnectHost(returningIn: pause())
    }

    private mutating func killHost() {
        guard host.isConnected else { return }
        strike(.hostKilled)
        if port.isHostHere { host.write(&port, partly: true) }
        disconnectHost(returningIn: pause())
        hostCounters.append(host.session.counters)
        let windows = [4096, 16_384, 65_536, 262_144, 1_048_576]
        host.restart(windowBytes: windows[random.below(windows.count)])
        note("the host was killed")
    }

    private mutating func replaceHostUnseen() {
        guard host.isConnected, port.isHostHere else { return }
        strike(.hostReplacedUnseen)
        disconnectHost(returningIn: 0)
        port.hostArrives()
        host.connect(as: .acknowledging, at: now)
        note("and another one is there, unseen")
    }

    private mutating func attach(_ role: SimulatedHost.Role) {
        disconnectHost(returningIn: random.below(50))
        nextRole = role
    }

    private mutating func killGuest(byPowerCut: Bool = false) {
        guard guest != nil, port.isPlugged, port.isOpen else { return }
        create()
        if guest!.writePart(&port, random: &random, at: now, ledger) {
            strike(.guestKilledInMidFrame)
        }
        strike(byPowerCut ? .powerCut : .guestKilled)
        endGuest(byPowerCut: byPowerCut)
        port.close()
        note("the guest was killed")
    }

    private mutating func endGuest(byPowerCut: Bool) {
        retire()
        disk = guest!.disk
        disk?.crash(&random, leavesJunk: byPowerCut)
        tornBytes += disk?.tornBytes ?? 0
        guest = nil
        guestReturnsAt = now + UInt64(pause())
    }

    /// The agent lives on and waits for the port. A host that stays notices nothing.
    private mutating func unplug() {
        guard port.isPlugged else { return }
        strike(.unplugged)
        if guest != nil { guestLosesHost() }
        if random.oneIn(2) {
            disconnectHost(returningIn: 10 + pause())
        } else if host.isConnected {
            strike(.unpluggedUnseen)
        }
        port.unplug()
        plugReturnsAt = now + UInt64(pause())
        note("unplugged")
    }

    private mutating func jump() {
        strike(.clockJump)
        now += random.oneIn(3) ? 3_600_000 : UInt64(1500 + random.below(8000))
        note("the clock jumps")
    }

    private mutating func slowDown() {
        let until = now + UInt64(100 + random.below(2000))
        if random.oneIn(3) {
            strike(.slowGuest)
            guestIsSlowUntil = until
        } else {
            strike(.slowHost)
            hostIsSlowUntil = until
            if random.oneIn(2) {
                hostIsStuckUntil = until
                // Enough to fill the port's queue meanwhile.
                for _ in 0..<150 { create() }
            }
        }
    }

    /// No port was seen to do this; the session would survive it. It waits for a write.
    mutating func loseFrames() {
        losesFrames = !port.loseWholeFrames()
        guard !losesFrames else { return }
        strike(.framesLost)
        note("frames vanish")
    }

    private mutating func failStore() {
        guard host.pendingRows > 0 else { return }
        strike(.storeFails)
        host.failStore(at: now)
        note("the store fails")
    }

    private mutating func failDisk() {
        guard guest != nil, guest!.failDisk(&random) else { return }
        strike(.diskFails)
        note("the guest's disk fails")
    }

    private mutating func pressMemory() {
        guard guest != nil else { return }
        let before = ledger.messagesGivenUp
        let bytes = 1 + random.below(20_000)
        guest!.giveUpMetrics(bytes: bytes, ledger)
        let given = ledger.messagesGivenUp - before
        if given > 0 {
            strike(.memoryPressure)
            note("\(given) metrics are given up")
        }
    }

    private mutating func takeSnapshot() {
        guard guest != nil, port.isPlugged, port.isOpen else { return }
        strike(.snapshotTaken)
        snapshot = guest
        snapshotDurable = ledger.durable
        snapshotUses = 0
        epochsSinceSnapshot = 0
        note("a snapshot is taken")
    }

    /// The machine of the snapshot runs again, from its own moment: the agent knows nothing of it,
    /// or is told by the generation. Of an old one the host may know nothing any more.
    private mutating func restoreSnapshot() {
        guard let snapshot, epochsSinceSnapshot <= 3, port.isPlugged else { return }
        strike(snapshotUses == 0 ? .snapshotRestored : .snapshotRestoredTwice)
        snapshotUses += 1
        if snapshotUses == 2 { self.snapshot = nil }
        retire()
        guest = snapshot
        guest!.wasRestored = true
        ledger.restored(snapshot.everything)
        ledger.restoreDurable(snapshotDurable)
        disconnectHost(returningIn: pause())
        port.restore()
        if !port.isOpen { port.open() }
        note("the snapshot is restored")
        guestLosesHost()
        if random.oneIn(3) { renewEpoch() }
    }

    private mutating func changeGeneration() {
        guard guest != nil, port.isOpen else { return }
        strike(.generationChanged)
        ledger.restored(guest!.everything)
        renewEpoch()
    }
}
