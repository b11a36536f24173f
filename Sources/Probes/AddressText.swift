/// Internet addresses as people write them.
enum AddressText {
    /// `192.0.2.2`.
    static func ipv4(_ address: UInt32) -> String {
        "\(address >> 24).\(address >> 16 & 0xFF).\(address >> 8 & 0xFF).\(address & 0xFF)"
    }

    /// 32 hexadecimal digits in the order of the address.
    static func ipv6(_ digits: borrowing Fields) throws(Malformed) -> String {
        guard digits.byteCount == 32 else { throw digits.malformed("an IPv6 address") }
        var groups: [UInt16] = []
        for start in stride(from: 0, to: 32, by: 4) {
            groups.append(UInt16(truncatingIfNeeded: try digits.hexadecimal(at: start, digits: 4)))
        }
        return ipv6(groups)
    }

    /// The form of RFC 5952: lower case, no leading zeros, the first of the longest runs of two or
    /// more zero groups as `::`, an embedded IPv4 address in its own form.
    static func ipv6(_ groups: [UInt16]) -> String {
        precondition(groups.count == 8)
        if groups[5] == 0xFFFF, longestZeros(groups) == 0..<5 {
            return "::ffff:" + ipv4(UInt32(groups[6]) << 16 | UInt32(groups[7]))
        }
        let zeros = longestZeros(groups)
        guard zeros.count >= 2 else { return joined(groups[...]) }
        return joined(groups[..<zeros.lowerBound]) + "::" + joined(groups[zeros.upperBound...])
    }

    private static func longestZeros(_ groups: [UInt16]) -> Range<Int> {
        var longest = 0..<0
        var start = 0
        for index in groups.indices {
            if groups[index] != 0 { start = index + 1 }
            if index + 1 - start > longest.count { longest = start..<index + 1 }
        }
        return longest
    }

    private static func joined(_ groups: ArraySlice<UInt16>) -> String {
        var text = ""
        for group in groups {
            if !text.isEmpty { text += ":" }
            text += String(group, radix: 16)
        }
        return text
    }
}
