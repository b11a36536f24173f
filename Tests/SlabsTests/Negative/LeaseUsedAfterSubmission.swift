import IOEngine
import Slabs

func useAfterSubmission(_ engine: IOEngine, _ stream: Stream, _ ring: inout ReceiveRing) {
    let lease = ring.leaseFree(bytesMax: 10)!  // REFUSED: 'lease' consumed more than once
    engine.read(stream, into: lease)
    ring.commit(lease, filled: 10)
}
