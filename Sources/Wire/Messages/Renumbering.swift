/// A frame of ours with another number: after a snapshot was restored, everything kept goes into a
/// new epoch. Source: protocol, "Session", rolled back.
extension Numbering {
    /// Bytes that a frame grows by at most: a longer number, and `,"forked_from":"` with an epoch.
    public static let renumberingBytesMax = 19 + 49

    /// Copies `frame`, written by this library with the number `old`, with this number in its
    /// place and the epoch that it comes from behind it.
    ///
    /// - Returns: `nil` when the frame does not have the number `old`.
    public func replacing(_ old: Numbering, in frame: ArraySlice<UInt8>) -> [UInt8]? {
        let sought = Array("\"epoch\":\"\(old.epoch)\",\"seq\":\(old.sequence)".utf8)
        // A quote inside a string is written as \\", so this can only be the member itself; and
        // our messages have it before anything that another program wrote.
        guard let start = frame.firstRange(of: sought) else { return nil }
        var rest = frame[start.upperBound...]
        guard rest.first.map({ $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "}") }) == true else {
            return nil
        }
        let fork = Array(",\"forked_from\":\"".utf8)
        if rest.starts(with: fork) { rest = rest.dropFirst(fork.count + 33) }
        var bytes = Array(frame[..<start.lowerBound])
        bytes.reserveCapacity(frame.count + Self.renumberingBytesMax)
        bytes += "\"epoch\":\"\(epoch)\",\"seq\":\(sequence)".utf8
        bytes += ",\"forked_from\":\"\(old.epoch)\"".utf8
        bytes += rest
        return bytes
    }
}
