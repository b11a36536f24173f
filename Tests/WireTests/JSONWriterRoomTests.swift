import Testing

@testable import Wire

@Suite struct JSONWriterRoomTests {
    /// Every kind of value, with short and long forms.
    private static func everything(_ writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("string", "a\"\n\u{1}é 😀 and more than eight bytes")
        writer.member("number", 1_234_567_890_123_456_789)
        writer.member("negative", -5)
        writer.member("double", -12.345)
        writer.member("huge", 1.5e25)
        writer.member("true", true)
        writer.member("false", false)
        writer.member("time", timestamp: 1_795_523_400_250)
        writer.member("epoch", Epoch(high: 1, low: .max))
        writer.key("escaped \u{7} key")
        writer.beginArray()
        writer.null()
        writer.raw("[0]")
        writer.endArray()
        writer.endObject()
        writer.newline()
    }

    @Test func nothingIsWrittenPastTheRoomWhateverItsSize() {
        let (whole, overflowed, _) = write { Self.everything(&$0) }
        #expect(!overflowed)
        for room in 0...(whole.utf8.count + 8) {
            let part = write(room: room) { Self.everything(&$0) }
            #expect(part.overflowed == (room < whole.utf8.count), "room \(room)")
            // What was written before the end is what would have been written with more room.
            #expect(whole.utf8.starts(with: part.text.utf8.prefix(while: { $0 != 0xEF })))
        }
    }

    @Test func aFullWriterStaysFull() {
        let (text, overflowed, _) = write(room: 4) { writer in
            writer.value("long text")
            let count = writer.count
            writer.value(1)
            writer.null()
            writer.endObject()
            #expect(writer.count == count)
            #expect(writer.room == 0)
        }
        #expect(overflowed)
        #expect(text.utf8.count <= 4)
    }

    @Test func rewindingUndoesWhatDidNotFit() {
        let (text, overflowed, tokens) = write(room: 12) { writer in
            writer.beginArray()
            writer.value(1)
            let mark = writer.mark
            writer.value("far too long for that")
            #expect(writer.overflowed == true)
            writer.rewind(to: mark)
            #expect(writer.overflowed == false)
            writer.value(22)
            writer.endArray()
        }
        #expect(text == "[1,22]")
        #expect(!overflowed)
        #expect(tokens == 3)
    }

    @Test func aMarkTakenInAFullWriterLeadsNowhereBetter() {
        _ = write(room: 4) { writer in
            writer.value("long text")
            let mark = writer.mark
            #expect(HandshakeRequest().encode(into: &writer) == .noRoom)
            writer.rewind(to: mark)
            #expect(writer.overflowed == true)
            #expect(writer.room == 0)
        }
    }

    @Test func rewindingToTheFirstElementForgetsItsComma() {
        let (text, _, _) = write { writer in
            writer.beginArray()
            let mark = writer.mark
            writer.value(1)
            writer.rewind(to: mark)
            writer.value(2)
            writer.endArray()
        }
        #expect(text == "[2]")
    }

    @Test func aMessageFitsItsOwnLengthAndNoLess() {
        let message = ErrorMessage.messageTooLarge(bytes: 2_000_000, wallMilliseconds: 0)
        let length = frame(message).utf8.count + 1
        for room in 0...(length + 2) {
            let (text, _, _) = write(room: room) { writer in
                let outcome = message.encode(into: &writer)
                #expect(outcome == (room < length ? .noRoom : .written(byteCount: length)))
            }
            #expect(text.utf8.count == (room < length ? 0 : length))
        }
    }

    @Test func aMessageOverTheFrameCapIsNotWrittenHoweverMuchRoomThereIs() {
        var response = CommandResponse(
            id: "1", success: true, commandType: "safe", wallMilliseconds: 0)
        let bare = frame(response).utf8.count + 1
        response.stdout = String(repeating: "x", count: WireLimits.frameBytesMax - bare)
        _ = write(room: WireLimits.frameBytesMax * 2) { writer in
            #expect(
                response.encode(into: &writer)
                    == .written(byteCount: WireLimits.frameBytesMax))
        }
        response.stdout += "x"
        _ = write(room: WireLimits.frameBytesMax * 2) { writer in
            #expect(response.encode(into: &writer) == .noRoom)
            #expect(writer.count == 0)
        }
    }

    @Test func framesFollowEachOther() {
        let (text, _, _) = write { writer in
            _ = HandshakeRequest().encode(into: &writer)
            _ = MetricsRequest().encode(into: &writer)
        }
        #expect(text == "{\"type\":\"handshake_request\"}\n{\"type\":\"Metrics\"}\n")
    }
}
