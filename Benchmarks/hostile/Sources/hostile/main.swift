// What a frame of 1 MiB costs that was made to cost much: CPU milliseconds, and memory that
// stays.
//
//     swift run -c release --package-path Benchmarks/hostile
//
// Exit code 1 when one of them takes 5 ms or more, or when memory grew.

import Glibc
import Kernel
import Wire

let frameBytes = WireLimits.frameBytesMax - 1

func filled(_ unit: String, from start: String = "", to end: String = "") -> [UInt8] {
    let room = frameBytes - start.utf8.count - end.utf8.count
    return Array((start + String(repeating: unit, count: room / unit.utf8.count) + end).utf8)
}

/// Members with names of one length that differ only at their ends, the last one twice.
func names(_ count: Int, width: Int) -> [UInt8] {
    let common = String(repeating: "n", count: width - 6)
    let members = (0..<count).map { "\"\(common)\(100_000 + $0)\":0" }
    return Array("{\(members.joined(separator: ",")),\"\(common)\(100_000)\":0}".utf8)
}

let frames: [(name: String, bytes: [UInt8])] = [
    ("1,048,575 of [", filled("[")),
    ("524,287 of 1,", filled("1,", from: "[", to: "1]")),
    ("{\"a\":{\"a\":...", filled("{\"a\":")),
    ("60,000 names", names(60_000, width: 10)),
    ("30,000 names that collide", names(30_000, width: 28)),
    ("a string of \\u0000", filled("\\u0000", from: "\"", to: "\"")),
    ("a string of \\\"", filled("\\\"", from: "\"", to: "\"")),
    ("a string of \\ud800", filled("\\ud800", from: "\"", to: "\"")),
    ("a string without an end", filled("x", from: "\"")),
    ("a number of 1 MB", filled("9")),
    ("a fraction of 1 MB", filled("0", from: "1.", to: "1")),
    ("an exponent of 1 MB", filled("9", from: "1e")),
    ("numbers between two doubles", filled("9007199254740993.0000000001,", from: "[", to: "1]")),
    ("blanks", filled(" ")),
    ("65,000 empty arrays", Array(("[" + String(repeating: "[],", count: 32_000) + "1]").utf8)),
    ("invalid UTF-8 at the end", filled("x", from: "\"").dropLast(2) + [0xFF, 0x22]),
]

func residentKiB() -> Int {
    var reader = FileReader()
    guard let text = try? reader.read("/proc/self/statm") else { return 0 }
    let fields = text.repairedText.split(separator: " ")
    return fields.count > 1 ? (Int(fields[1]) ?? 0) * 4 : 0
}

/// Milliseconds of CPU time of this thread: others may be busy on this machine.
func milliseconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e3 + Double(time.tv_nsec) / 1e6
}

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

var parser = try JSONParser()
let small = Array(#"{"type":"Metrics","id":"7"}"#.utf8)
var isFine = true
print("frame                          ms median   ms worst  verdict")
try parser.parse(RawSpan(_elements: small.span))
// The first round touches memory that every later one finds.
var residentBefore = 0
for round in 0..<2 {
    for (name, bytes) in frames {
        var times: [Double] = []
        var verdict = "read, and no message"
        for _ in 0..<15 {
            let start = milliseconds()
            do throws(JSONError) {
                try parser.parse(RawSpan(_elements: bytes.span))
                _ = HostMessage(parser.root)
            } catch {
                verdict = "\(error)".prefix { $0 != ":" }.description
            }
            times.append(milliseconds() - start)
            try parser.parse(RawSpan(_elements: small.span))
        }
        guard round == 1 else { continue }
        let isFast = median(times) < 5
        isFine = isFine && isFast
        let cells = [median(times), times.max() ?? 0].map { "\(($0 * 1000).rounded() / 1000)" }
        let row = name.padded(to: 30) + cells[0].aligned(to: 10) + cells[1].aligned(to: 11)
        print(row + "  " + verdict + (isFast ? "" : "  TOO SLOW"))
    }
    if round == 0 { residentBefore = residentKiB() }
}
let grown = residentKiB() - residentBefore
print("resident memory grew by \(grown) KiB over \(frames.count * 15) frames")
isFine = isFine && grown < 512
exit(isFine ? 0 : 1)

extension String {
    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }

    func aligned(to width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }
}
