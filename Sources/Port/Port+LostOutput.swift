/// A queue to the host that QEMU has used up.
extension Port {
    /// Whether the driver has refused all that was written since the host came. Asked some time
    /// after that, it is the mark of a port whose queue to the host is lost for good.
    ///
    /// The queue has 128 slots. When a host leaves, QEMU empties it, so that the next one finds
    /// room for something at once. But the slot whose bytes QEMU had begun to hand over, and the
    /// host had not taken, is never given back: 128 such departures, and nothing can leave any
    /// more. Another agent, or the port unplugged and plugged, changes nothing; a reset of the
    /// device does. Seen with QEMU 7.2: `x-query-virtio-queue-status` has `last-avail-idx` 128
    /// above `used-idx`, and nothing in use; `vireo doctor --qmp` on the host tells how many are
    /// lost.
    ///
    /// Source: discard_throttle_data in QEMU's hw/char/virtio-serial-bus.c, which detaches the
    /// element and does not push it; Tests/VirtualMachine/test_lost_queue.py.
    public var isOutputLost: Bool {
        opener.isVirtio && state == .present && channel.isWriteInFlight
            && channel.counters.bytesSent == bytesSentAtArrival
    }
}
