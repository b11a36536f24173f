// SwiftNIO on the same work: LineBasedFrameDecoder on one event loop.
//
//   nio-peer receive --listen PATH [--connections N]
//   nio-peer echo    --listen PATH
//   nio-peer ping    --connect PATH --bytes B --rounds N

import Glibc
import NIOCore
import NIOExtras
import NIOPosix

func option(_ name: String) -> String? {
    guard let place = CommandLine.arguments.firstIndex(of: name) else { return nil }
    return CommandLine.arguments.dropFirst(place + 1).first
}

func seconds(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

func row(_ command: String, frames: Int, bytes: Int, from start: (Double, Double)) -> String {
    let wall = seconds(CLOCK_MONOTONIC) - start.0
    let cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - start.1
    return """
        {"command":"\(command)","frames":\(frames),"bytes":\(bytes),"seconds":\(wall),\
        "frames_per_second":\(Double(frames) / wall),"bytes_per_second":\(Double(bytes) / wall),\
        "cpu_seconds":\(cpu),"engine":"nio"
        """
}

func now() -> (Double, Double) { (seconds(CLOCK_MONOTONIC), seconds(CLOCK_PROCESS_CPUTIME_ID)) }

/// Counts the frames of all connections; they share one event loop.
final class Count: @unchecked Sendable {
    let connections: Int
    var accepted = 0
    var ended = 0
    var frames = 0
    var bytes = 0
    var start = (0.0, 0.0)

    init(connections: Int) { self.connections = connections }
}

final class CountHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    let count: Count

    init(_ count: Count) { self.count = count }

    func channelActive(context: ChannelHandlerContext) {
        count.accepted += 1
        if count.accepted == count.connections, count.frames == 0 { count.start = now() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // With thousands of connections it reads from the first while it accepts the others.
        if count.frames == 0, count.accepted < count.connections { count.start = now() }
        count.frames += 1
        count.bytes += unwrapInboundIn(data).readableBytes + 1
    }

    func channelInactive(context: ChannelHandlerContext) {
        count.ended += 1
        guard count.ended == count.connections else { return }
        print(row("receive", frames: count.frames, bytes: count.bytes, from: count.start) + "}")
        exit(0)
    }
}

final class EchoHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var line = unwrapInboundIn(data)
        line.writeInteger(UInt8(ascii: "\n"))
        context.write(wrapOutboundOut(line), promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) { context.flush() }
}

final class PingHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    let bytes: Int
    let rounds: Int
    let warmUp: Int
    var times: [Double] = []
    var sentAt = 0.0
    var start = (0.0, 0.0)
    var round = 0

    init(bytes: Int, rounds: Int) {
        self.bytes = bytes
        self.rounds = rounds
        warmUp = min(1000, rounds / 10)
        times.reserveCapacity(rounds)
    }

    func channelActive(context: ChannelHandlerContext) { send(context) }

    private func send(_ context: ChannelHandlerContext) {
        var line = context.channel.allocator.buffer(capacity: bytes)
        line.writeRepeatingByte(UInt8(ascii: "x"), count: bytes - 1)
        line.writeInteger(UInt8(ascii: "\n"))
        sentAt = seconds(CLOCK_MONOTONIC)
        context.writeAndFlush(wrapOutboundOut(line), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if round >= warmUp { times.append((seconds(CLOCK_MONOTONIC) - sentAt) * 1e6) }
        round += 1
        if round == warmUp { start = now() }
        guard round == rounds + warmUp else { return send(context) }
        let text = row("ping", frames: rounds, bytes: rounds * bytes, from: start)
        times.sort()
        print(
            text + """
                ,"p50_us":\(times[rounds / 2]),"p99_us":\(times[rounds * 99 / 100]),\
                "p999_us":\(times[rounds * 999 / 1000])}
                """)
        exit(0)
    }
}

let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
let count = Count(connections: option("--connections").flatMap { Int($0) } ?? 1)
let isEcho = CommandLine.arguments.dropFirst().first == "echo"

if let path = option("--listen") {
    let channel = try ServerBootstrap(group: group)
        .serverChannelOption(.backlog, value: 1024)
        .childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                let line = ByteToMessageHandler(LineBasedFrameDecoder())
                try channel.pipeline.syncOperations.addHandler(line)
                try channel.pipeline.syncOperations.addHandler(
                    isEcho ? EchoHandler() : CountHandler(count))
            }
        }
        .bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).wait()
    try channel.closeFuture.wait()
} else if let path = option("--connect") {
    let bytes = option("--bytes").flatMap { Int($0) } ?? 256
    let rounds = option("--rounds").flatMap { Int($0) } ?? 100_000
    for _ in 0..<100 {
        let channel = try? ClientBootstrap(group: group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let line = ByteToMessageHandler(LineBasedFrameDecoder())
                    try channel.pipeline.syncOperations.addHandler(line)
                    try channel.pipeline.syncOperations.addHandler(
                        PingHandler(bytes: bytes, rounds: rounds))
                }
            }
            .connect(unixDomainSocketPath: path).wait()
        if let channel {
            try channel.closeFuture.wait()
            break
        }
        usleep(10_000)
    }
}
