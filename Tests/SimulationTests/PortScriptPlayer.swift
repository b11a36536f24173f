/// Plays a script on the model. It has no time to pass: whatever QEMU will do is done at once.
struct PortScriptPlayer {
    struct Observation: Equatable {
        /// A number, or a word: OK, bits of poll, what the kernel answers.
        var number: Int?
        var word: String?
        /// The bytes of a read.
        var text: String?

        static func number(_ number: Int) -> Observation { Observation(number: number) }
        static func word(_ word: String) -> Observation { Observation(word: word) }
        static let ok = Observation.word("OK")
    }

    struct Mismatch: Error, CustomStringConvertible {
        var description: String
    }

    private(set) var port = SimulatedPort()
    private var descriptors: [String: SimulatedPort.Descriptor] = [:]
    private var known: [String: Int] = [:]

    /// - Throws: `Mismatch` at the first step that sees something else.
    mutating func play(_ steps: [PortScript.Step]) throws {
        for (index, step) in steps.enumerated() {
            guard step.verb != "repeat" else {
                for _ in 0..<step.times! { try play(step.steps!) }
                continue
            }
            let seen = try observe(step)
            guard fits(seen, step) else {
                throw Mismatch(description: "step \(index), \(step): the model saw \(seen)")
            }
            if let name = step.name { known[name] = seen.number }
        }
    }

    private func fits(_ seen: Observation, _ step: PortScript.Step) -> Bool {
        if let text = seen.text, let expected = step.text, text != expected { return false }
        switch step.gives {
        case .exactly(let number): return seen.number == number
        case .within(let range): return seen.number.map(range.contains) ?? false
        case .word(let word): return seen.word == word
        case .same(let name, let less): return seen.number == known[name].map { $0 - less }
        case nil: return true
        }
    }

    private mutating func observe(_ step: PortScript.Step) throws -> Observation {
        switch step.verb {
        case "guest.open": return open(step.fd ?? "port")
        case "guest.close":
            port.close(try descriptor(step))
            descriptors[step.fd ?? "port"] = nil
        case "guest.kill":
            for descriptor in descriptors.values { port.close(descriptor) }
            descriptors = [:]
        case "guest.write": return write(Self.bytes(0x77, step.bytes!), try descriptor(step))
        case "guest.line": return write(Self.line(step.bytes!), try descriptor(step))
        case "guest.fill": return fill(step, try descriptor(step))
        case "guest.read": return read(step.bytes ?? 1 << 16, try descriptor(step))
        case "guest.drain": return drain(try descriptor(step))
        case "guest.poll": return .word(Self.name(port.poll(try descriptor(step))))
        case "host.attach": port.hostArrives()
        case "host.leave": port.hostLeaves()
        case "host.send":
            let bytes = step.text.map { Array($0.utf8)[...] } ?? Self.bytes(0x68, step.bytes!)
            return .number(port.hostWrite(bytes))
        case "host.fill": return hostFill(Self.bytes(0x68, step.bytes!))
        case "host.read": return hostRead(step.bytes ?? .max)
        case "unplug": port.unplug()
        case "plug": port.plug()
        default: throw Mismatch(description: "no step is called \(step.verb)")
        }
        return .ok
    }

    private func descriptor(_ step: PortScript.Step) throws -> SimulatedPort.Descriptor {
        guard let descriptor = descriptors[step.fd ?? "port"] else {
            throw Mismatch(description: "\(step): nothing is open")
        }
        return descriptor
    }

    private static func bytes(_ byte: UInt8, _ count: Int) -> ArraySlice<UInt8> {
        [UInt8](repeating: byte, count: count)[...]
    }

    private static func line(_ count: Int) -> ArraySlice<UInt8> {
        bytes(0x67, count - 1) + [0x0a]
    }

    private static func name(_ bits: SimulatedPort.Readiness) -> String {
        let names = [("IN", SimulatedPort.Readiness.input), ("OUT", .output), ("HUP", .hangUp)]
        let set = names.filter { bits.contains($0.1) }.map(\.0)
        return set.isEmpty ? "none" : set.joined(separator: "+")
    }

    // MARK: The guest

    private mutating func open(_ name: String) -> Observation {
        do throws(SimulatedPort.Refusal) {
            descriptors[name] = try port.openDescriptor()
            return .ok
        } catch {
            return .word(error.rawValue)
        }
    }

    private mutating func write(
        _ bytes: ArraySlice<UInt8>, _ descriptor: SimulatedPort.Descriptor
    ) -> Observation {
        do throws(SimulatedPort.Refusal) {
            return .number(try port.write(bytes, to: descriptor))
        } catch {
            return .word(error.rawValue)
        }
    }

    /// Until EAGAIN, or so many times, or until a write that takes nothing.
    private mutating func fill(
        _ step: PortScript.Step, _ descriptor: SimulatedPort.Descriptor
    ) -> Observation {
        let line = Self.line(step.bytes!)
        var total = 0
        for _ in 0..<(step.times ?? .max) {
            let seen = write(line, descriptor)
            guard let number = seen.number else {
                return seen.word == "EAGAIN" ? .number(total) : seen
            }
            if number == 0 { break }
            total += number
        }
        return .number(total)
    }

    private mutating func read(
        _ bytesMax: Int, _ descriptor: SimulatedPort.Descriptor
    ) -> Observation {
        do throws(SimulatedPort.Refusal) {
            let piece = try port.read(min(bytesMax, SimulatedPort.readBytesMax), from: descriptor)
            return Observation(number: piece.count, text: Self.text(piece))
        } catch {
            return .word(error.rawValue)
        }
    }

    private mutating func drain(_ descriptor: SimulatedPort.Descriptor) -> Observation {
        var total = 0
        while let count = read(.max, descriptor).number, count > 0 { total += count }
        return .number(total)
    }

    // MARK: The host

    /// Faster than QEMU, until nothing is taken.
    private mutating func hostFill(_ piece: ArraySlice<UInt8>) -> Observation {
        var total = 0
        while true {
            var taken = port.hostSend(piece)
            if taken == 0 {
                port.pump()
                taken = port.hostSend(piece)
            }
            guard taken > 0 else { return .number(total) }
            total += taken
        }
    }

    private mutating func hostRead(_ bytesMax: Int) -> Observation {
        var read: ArraySlice<UInt8> = []
        while read.count < bytesMax {
            let piece = port.hostRead(bytesMax - read.count)
            if piece.isEmpty { break }
            read += piece
        }
        return Observation(number: read.count, text: Self.text(read))
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes.prefix(256), as: UTF8.self)
    }
}
