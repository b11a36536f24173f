import Glibc
import Kernel

/// The program `vireo-freeze`. Source of the exit codes: sysexits(3).
public enum FreezeCommand {
    private static let usage = """
        usage: vireo-freeze freeze --holder NAME --deadline SECONDS [-- MOUNT-POINT...]
               vireo-freeze thaw [--holder NAME]
               vireo-freeze hold NAME

        """

    /// Runs with the program's arguments, its own name left out; the exit code.
    public static func run(_ arguments: [String]) -> Int32 {
        var options = arguments.dropFirst()
        switch arguments.first {
        case "hold" where arguments.count == 2: return hold(arguments[1])
        case "thaw" where options.isEmpty: return thawAll()
        case "thaw":
            guard let name = value("--holder", &options), options.isEmpty else { return misuse() }
            return ask(name, FreezeRequest(deadlineSeconds: nil))
        case "freeze":
            guard let name = value("--holder", &options),
                let seconds = value("--deadline", &options).flatMap({ Int64($0) }),
                (1...FreezeLimits.deadlineSecondsMax).contains(seconds),
                options.isEmpty || options.popFirst() == "--"
            else { return misuse() }
            return ask(
                name, FreezeRequest(deadlineSeconds: seconds, points: Array(options)))
        default: return misuse()
        }
    }

    private static func value(_ name: String, _ options: inout ArraySlice<String>) -> String? {
        guard options.first == name, options.count >= 2 else { return nil }
        options.removeFirst()
        return options.removeFirst()
    }

    /// The life line is descriptor 3, which whoever starts a holder has to give it.
    private static func hold(_ name: String) -> Int32 {
        guard FileDescriptor.isOpen(3) else { return misuse() }
        do throws(Errno) {
            let holder = try FreezeHolder(name: name, lifeLine: FileDescriptor(owning: 3))
            holder.run()
            return 0
        } catch {
            return fail("\(name): \(error)", EX_OSERR)
        }
    }

    private static func ask(_ holder: String, _ request: FreezeRequest) -> Int32 {
        do throws(Errno) {
            let answer = try FreezeClient.ask(holder, request)
            try FileDescriptor.writeAll(answer, to: 1)
            return answer.hasSuffix("done\n") ? 0 : EX_UNAVAILABLE
        } catch {
            return fail("holder \(holder): \(error)", EX_UNAVAILABLE)
        }
    }

    private static func thawAll() -> Int32 {
        do throws(Errno) {
            let lines = FrozenFileSystems.thawAll(try MountTableFile.ordered(points: []))
            try FileDescriptor.writeAll((lines + ["done\n"]).joined(separator: "\n"), to: 1)
            return 0
        } catch {
            return fail("/proc/self/mountinfo: \(error)", EX_OSERR)
        }
    }

    private static func misuse() -> Int32 { fail(usage, EX_USAGE) }

    private static func fail(_ text: String, _ code: Int32) -> Int32 {
        try? FileDescriptor.writeAll("vireo-freeze: \(text)\n", to: 2)
        return code
    }
}
