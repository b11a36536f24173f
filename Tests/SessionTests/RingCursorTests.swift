import Session
import Testing

@Suite struct RingCursorTests {
    @Test func framesAreGrantedSentAndReleased() {
        var cursor = RingCursor()
        cursor.append(10)
        cursor.append(20)
        #expect(cursor.leavingBytes == 0)
        cursor.grant(10)
        #expect(cursor.leavingBytes == 10)
        cursor.send(4)
        #expect(!cursor.isAtFrameStart)
        cursor.send(6)
        #expect(cursor.isAtFrameStart && cursor.keptBytes == 30)
        cursor.release(10)
        #expect(cursor.released == 10 && cursor.keptBytes == 20)
    }

    @Test func aNewSessionSendsAgainWhatIsNotAcknowledged() {
        var cursor = RingCursor()
        for _ in 0..<3 {
            cursor.append(10)
            cursor.grant(10)
        }
        cursor.send(25)
        cursor.release(10)
        cursor.rewind()
        #expect(cursor.sent == 10 && cursor.leavingBytes == 0)
        cursor.grant(10)
        #expect(cursor.leavingBytes == 10)
    }

    @Test func aFrameThatIsAcknowledgedWhileItLeavesIsFinishedFirst() {
        var cursor = RingCursor()
        for _ in 0..<3 { cursor.append(10) }
        cursor.grant(10)
        cursor.send(3)
        cursor.release(20)
        // Frame 1 is under way, frame 2 needs not be sent any more, frame 3 has to wait.
        #expect(!cursor.mayGrant && cursor.leavingBytes == 7 && cursor.released == 3)
        cursor.send(7)
        #expect(cursor.mayGrant && cursor.sent == 20 && cursor.released == 20)
        cursor.grant(10)
        #expect(cursor.leavingBytes == 10)
    }

    @Test func whatIsSkippedIsPassedOverAndReleasedLater() {
        var cursor = RingCursor()
        for _ in 0..<3 { cursor.append(10) }
        cursor.grant(10)
        cursor.send(10)
        cursor.pass(10)
        cursor.grant(10)
        #expect(cursor.sent == 20 && cursor.leavingBytes == 10 && cursor.released == 0)
        cursor.send(10)
        cursor.release(30)
        #expect(cursor.keptBytes == 0 && cursor.released == 30)
    }

    @Test func nothingInFlightIsReleasedAtOnce() {
        var cursor = RingCursor()
        cursor.append(10)
        cursor.append(10)
        cursor.release(10)
        #expect(cursor.released == 10 && cursor.sent == 10 && cursor.mayGrant)
    }
}
