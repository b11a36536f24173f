import Kernel
import Session

/// Puts the files of one epoch together again, in their order. Pure: bytes in, frames out.
///
/// What follows a bad byte is given up with it, up to a file that was begun anew and has all that
/// was kept. A record that a power cut tore was never sent: nobody misses it.
public struct SpoolEpochReader: Sendable {
    public enum Verdict: Equatable, Sendable {
        case taken
        /// Of another machine or generation.
        case foreign
        /// Not even the header is as it was written.
        case damaged
    }

    /// `nil` while no file was taken.
    public private(set) var frames: SpooledFrames?
    public private(set) var bytesCutOff = 0
    /// Messages behind a bad byte, in files that are good.
    public private(set) var messagesGivenUp = 0
    private let owner: SpoolOwner
    private let ordinal: UInt64
    private var isCutOff = false

    public init(owner: SpoolOwner, ordinal: UInt64 = 0) {
        self.owner = owner
        self.ordinal = ordinal
    }

    public mutating func take(_ file: [UInt8]) -> Verdict {
        guard let contents = SpoolFormat.parse(RawSpan(_elements: file.span)) else {
            bytesCutOff += file.count
            isCutOff = true
            return .damaged
        }
        guard contents.header.owner == owner else { return .foreign }
        if contents.header.begins { isCutOff = false }
        let isOther = frames.map { $0.epoch != contents.header.epoch } ?? false
        guard !isCutOff, !isOther else {
            messagesGivenUp += contents.records.count
            return .taken
        }
        var frames = frames ?? SpooledFrames(contents.header.epoch, ordinal: ordinal)
        self.frames = nil
        frames.take(contents, file)
        frames.nextIndex = contents.header.index + 1
        self.frames = frames
        bytesCutOff += contents.badBytes
        isCutOff = contents.badBytes > 0
        return .taken
    }
}
