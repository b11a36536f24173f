import Foundation
import Glibc
import Kernel
import Logging
import Testing

@testable import Systemd

@Suite struct JournalTests {
    private func logger(_ journal: JournalSocket) throws -> (Logger, JournalWriter) {
        let writer = try JournalWriter(path: journal.path, identifier: "vireod")
        let logger = Logger(label: "vireod") { JournalLogHandler(label: $0, writer: writer) }
        return (logger, writer)
    }

    @Test func aRecordCarriesItsFieldsItsPlaceAndItsKind() throws {
        let journal = try JournalSocket()
        let (logger, writer) = try logger(journal)
        defer { writer.end() }
        logger.warning(
            "host left",
            metadata: .event(
                .hostLeft,
                ["port": "/dev/vport0p1", "epoch": "00ff", "seq": "7", "errno": "19"]))
        let fields = try #require(try journal.receive())
        #expect(fields["MESSAGE"] == "host left")
        #expect(fields["MESSAGE_ID"] == JournalEvent.hostLeft.id)
        #expect(fields["PRIORITY"] == "4")
        #expect(fields["SYSLOG_IDENTIFIER"] == "vireod")
        #expect(fields["PORT"] == "/dev/vport0p1")
        #expect(fields["EPOCH"] == "00ff")
        #expect(fields["SEQ"] == "7")
        #expect(fields["ERRNO"] == "19")
        #expect(fields["CODE_FILE"]?.hasSuffix("JournalTests.swift") == true)
        #expect(fields["CODE_LINE"].flatMap { Int($0) } ?? 0 > 10)
        #expect(fields["CODE_FUNC"]?.hasPrefix("aRecordCarries") == true)
        #expect(fields["EVENT"] == nil, "the event is told by MESSAGE_ID")
    }

    @Test func whatAStrangerSaysIsEscapedAndCannotAddAField() throws {
        let journal = try JournalSocket()
        let (logger, writer) = try logger(journal)
        defer { writer.end() }
        logger.info(
            "name \u{1b}[2Jx\nPRIORITY=0\u{202e}\u{9b}1m",
            metadata: [
                "host": "a\nMESSAGE_ID=b", "message": "mine", "_PID": "1", "9x": "1", "": "1",
                "hostName": "web", "host-port": "7", "priority": "0",
            ])
        let fields = try #require(try journal.receive())
        #expect(fields["MESSAGE"] == "name \\u{1b}[2Jx\\u{a}PRIORITY=0\\u{202e}\\u{9b}1m")
        #expect(fields["PRIORITY"] == "6")
        #expect(fields["HOST"] == "a\\u{a}MESSAGE_ID=b")
        #expect(fields["HOST_NAME"] == "web")
        #expect(fields["HOST_PORT"] == "7")
        #expect(fields["MESSAGE_ID"] == nil)
        let known: Set = [
            "MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "CODE_FILE", "CODE_LINE", "CODE_FUNC",
            "HOST", "HOST_NAME", "HOST_PORT",
        ]
        #expect(Set(fields.keys) == known)
    }

    @Test func aValueWithLineBreaksTravelsWhole() throws {
        var record = JournalRecord()
        record.append("MESSAGE", "one\ntwo")
        record.appendField("note", "x=y")
        #expect(try JournalSocket.fields(record.bytes) == ["MESSAGE": "one\ntwo", "NOTE": "x=y"])
    }

    @Test func aLongValueIsCutAtACharacter() throws {
        var record = JournalRecord()
        record.append("MESSAGE", String(repeating: "ü", count: 100_000))
        let text = try #require(try JournalSocket.fields(record.bytes)["MESSAGE"])
        #expect(text.utf8.count <= JournalRecord.valueBytesMax)
        #expect(text.hasSuffix("ü…"))
    }

    @Test func aJournalThatDoesNotReadBlocksNobodyAndLossIsTold() throws {
        let journal = try JournalSocket()
        let writer = try JournalWriter(path: journal.path, identifier: "vireod")
        defer { writer.end() }
        // Each of a kind of its own, so that the limit of the rate leaves all of them through.
        let count = 2000
        let start = MonotonicTime.now
        for number in 0..<count {
            var record = JournalRecord()
            record.append("MESSAGE", "\(number)")
            writer.write(record, kind: "kind \(number % 100)", now: start)
        }
        // The kernel takes some ten datagrams, the queue 256; all the others are lost at once. A
        // writer that waits for the journal would never come here.
        #expect(writer.dropped >= UInt64(count) - 256 - 600)
        #expect(!writer.flush(milliseconds: 50))
        var told = 0
        var received = 0
        while received + told < count, let fields = try journal.receive(seconds: 3) {
            if fields["MESSAGE_ID"] == JournalEvent.recordsDropped.id {
                told += Int(fields["DROPPED"] ?? "") ?? 0
            } else {
                received += 1
            }
        }
        #expect(received >= 256)
        #expect(received + told == count, "\(received) came, \(told) were told as lost")
        #expect(writer.flush(milliseconds: 2000))
    }

    @Test func aJournalThatIsRestartedGetsWhatFollows() throws {
        let journal = try JournalSocket()
        let (logger, writer) = try logger(journal)
        defer { writer.end() }
        logger.info("before")
        #expect(try journal.receive()?["MESSAGE"] == "before")
        journal.close()
        logger.info("while it is gone")
        try journal.reopen()
        #expect(try journal.receive()?["MESSAGE"] == "while it is gone")
    }

    @Test func aFloodOfOneKindIsLimitedAndCountedAndOthersPass() throws {
        let journal = try JournalSocket()
        let (logger, writer) = try logger(journal)
        defer { writer.end() }
        for _ in 0..<200 { logger.notice("flood", metadata: .event(.portWaits)) }
        logger.info("another")
        var floods = 0
        while let fields = try journal.receive() {
            if fields["MESSAGE"] == "another" { break }
            #expect(fields["MESSAGE"] == "flood")
            floods += 1
        }
        #expect((20...22).contains(floods), "\(floods)")
        // The end of the process tells what was left out.
        writer.flush(milliseconds: 2000)
        let note = try #require(try journal.receive())
        #expect(note["MESSAGE_ID"] == JournalEvent.recordsSuppressed.id)
        #expect(note["SUPPRESSED"] == "\(200 - floods)")
    }

    @Test func theCatalogHasAnEntryForEachEvent() {
        let catalog = JournalEvent.catalog
        for event in JournalEvent.allCases {
            #expect(event.id.utf8.count == 32)
            #expect(event.id.utf8.allSatisfy { "0123456789abcdef".utf8.contains($0) })
            #expect(catalog.contains("-- \(event.id)\nSubject: \(event.subject)\n"))
            #expect(!event.explanation.isEmpty && !event.explanation.contains("\n"))
        }
        #expect(Set(JournalEvent.allCases.map(\.id)).count == JournalEvent.allCases.count)
    }

    @Test func onlyTheStreamThatIsStandardErrorItselfCounts() throws {
        var status = stat()
        try #require(fstat(STDERR_FILENO, &status) == 0)
        let own = "\(status.st_dev):\(status.st_ino)"
        #expect(ServiceLog.isJournal(own, STDERR_FILENO))
        let others = ["", ":", "1", "\(status.st_dev):\(status.st_ino + 1)", own + ":1", "x:y"]
        for other in others { #expect(!ServiceLog.isJournal(other, STDERR_FILENO)) }
        #expect(!ServiceLog.isJournal(nil, STDERR_FILENO))
        #expect(!ServiceLog.isJournal(own, -1))
    }

    @Test func aJournalThatIsNotThereIsNoticed() throws {
        let journal = try JournalSocket()
        #expect(JournalSender.isThere(journal.path))
        journal.close()
        #expect(!JournalSender.isThere(journal.path))
    }

    @Test func standardErrorShowsNoControlCharacters() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        let descriptor = ends[1]
        let logger = Logger(label: "x") { _ in ServiceLogHandler(descriptor: descriptor) }
        logger.error("\u{1b}]0;owned\u{7}\r\n\u{2028}\u{2066}plain ü")
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(ends[0], &buffer, buffer.count)
        let line = String(decoding: buffer[..<max(0, count)], as: UTF8.self)
        #expect(
            line == "error: \\u{1b}]0;owned\\u{7}\\u{d}\\u{a}\\u{2028}\\u{2066}plain ü\n")
    }
}
