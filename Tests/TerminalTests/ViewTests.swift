import Foundation
import Terminal
import TestSupport
import Testing
import Wire

@Suite struct ViewTests {
    private let appearances = [
        Appearance(), Appearance(usesColour: false, usesUnicode: true),
        Appearance(usesColour: false, usesUnicode: false),
    ]

    /// Whether a terminal would do anything but show this: escape sequences of ours taken out.
    private func isHarmless(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { scalar in
            let isControl = scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value)
            let isTurning =
                (0x202a...0x202e).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
            return !isControl && !isTurning && scalar.value != 0x2028 && scalar.value != 0x2029
        }
    }

    @Test func noLineIsWiderThanTheTerminalAndNothingHostileComesThrough() {
        var random = SeededRandom()
        for round in 0..<60 {
            let sample = makeSample(&random)
            var history = History()
            for _ in 0..<Int.random(in: 0...70, using: &random) { history.append(sample) }
            let status = GuestStatus(
                name: hostileNames[round % hostileNames.count], state: "connected", health: .good,
                sample: round % 7 == 0 ? nil : sample, history: history, ageMilliseconds: 5)
            let columns = Int.random(in: 1...220, using: &random)
            let size = ViewSize(columns: columns, rows: Int.random(in: 1...80, using: &random))
            let appearance = appearances[round % 3]
            let views = [
                DashboardView(appearance: appearance, note: "note").lines(of: status, in: size),
                MultiGuestView(appearance: appearance).lines(of: [status, status], in: size),
            ]
            for line in views.joined() {
                guard line.columns <= columns, displayColumns(of: line.text) <= columns else {
                    Issue.record(
                        "seed \(random.seed): \(line.columns) columns of \(columns): \(line.text)")
                    return
                }
                guard isHarmless(line.text) else {
                    Issue.record("seed \(random.seed): \(line.text.debugDescription)")
                    return
                }
                if !appearance.usesUnicode { #expect(line.text.utf8.allSatisfy { $0 < 0x7f }) }
                if !appearance.usesColour { #expect(line.rendered == line.text) }
            }
            #expect(views.allSatisfy { $0.count <= size.rows }, "seed \(random.seed)")
        }
    }

    @Test(arguments: [
        ("plain", "plain"), ("a\u{1b}[2Jb", "a\\u{1b}[2Jb"), ("x\ry", "x\\u{d}y"),
        ("\u{202e}x", "\\u{202e}x"), ("\u{9b}1m", "\\u{9b}1m"), ("back\\slash", "back\\slash"),
    ])
    func whatActsOnATerminalIsMadeVisible(_ raw: String, _ shown: String) {
        #expect(escaped(raw) == shown)
    }

    @Test func aTextIsCutToItsColumnsAndSaysSo() {
        let cut = escaped(String(repeating: "x", count: 10_000), columnsMax: 16)
        #expect(cut == String(repeating: "x", count: 15) + "…")
        #expect(displayColumns(of: escaped("漢字漢字", columnsMax: 5)) <= 5)
        #expect(escaped(String(repeating: "x", count: 20), columnsMax: 4, isASCII: true) == "xxx~")
        #expect(displayColumns(of: "漢e\u{301}") == 3)
    }

    @Test func theHistoryHoldsAMinuteAtOneASecondAndNoMore() {
        var history = History()
        var random = SeededRandom(seed: 1)
        for _ in 0..<500 { history.append(makeSample(&random)) }
        #expect(history.receivedBytesPerSecond.count == History.samplesMax)
        #expect(history.cpuPercent.count <= History.samplesMax)
    }

    @Test func onlyChangedLinesAreDrawnAgain() {
        let view = DashboardView(appearance: Appearance())
        let size = ViewSize(columns: 100, rows: 40)
        var random = SeededRandom(seed: 7)
        let sample = makeSample(&random)
        let status = GuestStatus(name: "a", state: "connected", health: .good, sample: sample)
        var screen = Screen()
        let first = screen.frame(view.lines(of: status, in: size), size: size)
        #expect(first.utf8.count > 1000)
        #expect(screen.frame(view.lines(of: status, in: size), size: size).isEmpty)
        var other = status
        other.state = "silent"
        let second = screen.frame(view.lines(of: other, in: size), size: size)
        #expect(!second.isEmpty && second.utf8.count * 5 < first.utf8.count)
        screen.invalidate()
        let again = screen.frame(view.lines(of: other, in: size), size: size)
        #expect(again.utf8.count > 1000)
    }

    @Test func rowsForPipesHaveOneHeaderAndAsManyFieldsAsItHas() throws {
        var rows = PlainRows(appearance: Appearance(usesColour: false))
        var random = SeededRandom(seed: 3)
        var text = ""
        for name in hostileNames {
            let sample = makeSample(&random)
            text += rows.text(
                for: GuestStatus(name: name, state: "connected", health: .good, sample: sample))
        }
        let lines = text.split(separator: "\n")
        #expect(lines.count == hostileNames.count + 1)
        let fields = lines.map { $0.split(separator: " ").count }
        #expect(Set(fields) == [fields[0]], "\(text)")
        #expect(
            lines[0].hasPrefix("time") && lines.dropFirst().allSatisfy { $0.hasPrefix("2026-") })
        #expect(isHarmless(text.replacingOccurrences(of: "\n", with: "")))
    }

    @Test func theEnvironmentDecidesOnColourAndSigns() {
        func appearance(_ values: [String: String]) -> Appearance { Appearance { values[$0] } }
        let modern = appearance(["TERM": "xterm-256color", "LANG": "C.UTF-8"])
        #expect(modern.usesColour && modern.usesUnicode)
        #expect(!appearance(["TERM": "xterm", "NO_COLOR": "1"]).usesColour)
        #expect(!appearance(["TERM": "xterm", "LANG": "C"]).usesUnicode)
        #expect(!appearance(["TERM": "dumb"]).usesColour)
        #expect(!appearance(["TERM": "linux", "LANG": "C.UTF-8"]).usesUnicode)
    }
}
