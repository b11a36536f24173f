import Terminal
import Testing

@Suite struct FindingsViewTests {
    private let rows = [
        FindingsView.Row(.good, "driver", "virtio_console is loaded"),
        FindingsView.Row(
            .problem, "a-title-that-is-far-too-long", "what was seen, in some more words",
            remedy: "sudo modprobe virtio_console, and then something that takes a second line"),
        FindingsView.Row(.note, "port", "hostile \u{1b}[2J\u{202e}name\nwith lines"),
    ]

    @Test(arguments: [1, 20, 43, 60, 200])
    func textsAreBrokenBetweenWordsAndNothingIsLost(_ columns: Int) {
        for appearance in [Appearance(), Appearance(usesColour: false, usesUnicode: false)] {
            let lines = FindingsView(appearance: appearance).lines(of: rows, columns: columns)
            // Where there is room for words at all, no line is wider than the terminal.
            if columns >= 60 { #expect(lines.allSatisfy { $0.columns <= columns }) }
            let words = lines.map(\.text).joined(separator: " ").split(separator: " ")
            for word in "sudo modprobe virtio_console, and then takes a second line".split(
                separator: " ")
            {
                #expect(words.contains(word))
            }
            for line in lines {
                #expect(!line.text.contains("\u{1b}") && !line.text.contains("\u{202e}"))
                #expect(!line.text.contains { $0.isNewline })
                if !appearance.usesUnicode { #expect(line.text.utf8.allSatisfy { $0 < 0x7f }) }
            }
        }
    }

    @Test func withoutAWidthEachTextIsOneLineToSearchIn() {
        let appearance = Appearance(usesColour: false, usesUnicode: false)
        let lines = FindingsView(appearance: appearance).lines(of: rows, columns: nil)
        #expect(lines.count == 4)
        #expect(lines[0].text == "ok      driver         virtio_console is loaded")
        #expect(lines[1].text.hasPrefix("PROBLEM a-title-that-~ what was seen"))
        #expect(
            lines[2].text.hasSuffix(
                "> sudo modprobe virtio_console, and then something that takes a second line"))
        #expect(lines.allSatisfy { $0.rendered == $0.text })
    }
}
