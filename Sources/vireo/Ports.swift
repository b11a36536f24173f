import ArgumentParser
import Glibc
import Kernel
import Port
import Terminal

struct Ports: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lists the virtio ports of this machine, their names, and who holds them.",
        discussion: "Nothing is opened: opening a port would be seen by the host.")

    @Flag(name: .long, help: "One JSON array.")
    var json = false

    func run() throws {
        let tree = PortTree()
        let rows = tree.nodes().map { node in
            Row(
                path: node.path, name: node.name,
                link: node.name.flatMap { tree.links().contains($0) ? $0 : nil },
                holder: tree.holder(of: node.path), problem: tree.check(node.path, tree))
        }
        let text = json ? "[\(rows.map(\.json).joined(separator: ","))]\n" : table(rows)
        try FileDescriptor.writeAll(text, to: STDOUT_FILENO)
    }

    private struct Row {
        let path: String
        let name: String?
        let link: String?
        let holder: PortHolder?
        let problem: PortError?

        var json: String {
            let pid = holder.map { "\($0.pid)" } ?? "null"
            return """
                {"path":\(quoted(path)),"name":\(quoted(name)),"udev_link":\(link != nil),\
                "holder_pid":\(pid),"holder":\(quoted(holder?.command)),\
                "problem":\(quoted(problem.map { "\($0)" }))}
                """
        }

        private func quoted(_ text: String?) -> String {
            guard let text else { return "null" }
            return "\""
                + text.unicodeScalars.map { scalar in
                    switch scalar {
                    case "\"": return "\\\""
                    case "\\": return "\\\\"
                    case _ where scalar.value < 0x20:
                        let digits = String(scalar.value, radix: 16)
                        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                    default: return String(scalar)
                    }
                }.joined() + "\""
        }
    }

    private func table(_ rows: [Row]) -> String {
        guard !rows.isEmpty else {
            return """
                No virtio port. See what is missing: sudo vireo doctor. On the host, vireo config \
                qemu --socket PATH prints a port named \(PortName.defaults[0].text).

                """
        }
        var text = pad("NODE", 18) + pad("NAME", 34) + pad("LINK", 6) + "HELD BY\n"
        for row in rows {
            text += pad(row.path, 18) + pad(row.name ?? "(none)", 34)
            text += pad(row.link == nil ? "no" : "yes", 6)
            text +=
                row.holder.map { escaped("\($0)") }
                ?? (row.problem.map { "\($0)" } ?? "nobody seen")
            text += "\n"
        }
        return text
    }

    private func pad(_ text: String, _ columns: Int) -> String {
        let safe = escaped(text)
        return safe + String(repeating: " ", count: max(1, columns - displayColumns(of: safe)))
    }
}
