// Hooks on fibers: they park in the middle of a call and go on there, by time, by descriptor, by being cancelled.
import CSluiceABI
import Foundation
import SluiceLoop
import SluiceShared
import Testing

@testable import SluicePlugins

@Suite(.serialized) struct FiberTests {
    @Test func parksAndGoesOn() throws {
        let bench = try WaitingBench(fiber: true)
        let (message, first, last) = try bench.access("/sleep")
        #expect(first == 2 && last == 0)
        #expect(message.requestHeader("x-slept") == "1")
        #expect(bench.worker.counters.calls[1] == 1 && bench.worker.counters.failures[1] == 0)
        #expect(bench.worker.counters.cpu[1].count == 2 && bench.worker.counters.parked[1].count == 1)
        #expect(Double(bench.worker.counters.parked[1].sum) > 9_000 * TickClock.measureRate())
        bench.end()
    }

    @Test func oneThatDoesNotWaitIsACall() throws {
        let bench = try WaitingBench(fiber: true)
        #expect(try bench.access("/empty").first == 0)
        #expect(bench.worker.counters.calls[1] == 1 && bench.worker.host.board.fibers.count == 0)
        bench.end()
    }

    @Test(arguments: ["/yield", "/deep", "/pipe", "/closed", "/pair", "/wrong", "/token"]) func waits(_ path: String) throws {
        let bench = try WaitingBench(fiber: true)
        let (_, first, last) = try bench.access(path)
        #expect(last == 0 && (first == 2 || path == "/wrong"))
        bench.end()
    }

    @Test func answersAndFailuresAreSettled() throws {
        let bench = try WaitingBench(fiber: true)
        let answered = try bench.access("/answer")
        #expect(answered.last == 1 && answered.message.ctx.pointee.answerStatus == 403)
        #expect(try bench.access("/fail").last == Int32(SLUICE_EFAULT))
        #expect(bench.worker.counters.failures[1] == 1)
        bench.end()
        let open = try WaitingBench(fiber: true, failOpen: true)
        #expect(try open.access("/fail").last == 0)
        open.end()
    }

    @Test func theWorkersRecordSaysWhoRuns() throws {
        let bench = try WaitingBench(fiber: true)
        let message = try bench.request("/forever")
        #expect(message.run(.access, bench.table) == 2)
        #expect(bench.worker.block.head.pointee.currentPlugin == 0)  // parked: it does not run
        #expect(bench.worker.held(.fiber) == 1 && bench.worker.state.heldSinceUs[ReferenceKind.fiber.rawValue] > 0)
        bench.worker.host.cancel(message.ctx)
        #expect(bench.worker.held(.fiber) == 0)
        bench.end()
    }

    @Test func cancelRunsTheHookToItsEnd() throws {
        let bench = try WaitingBench(fiber: true)
        let message = try bench.request("/stubborn")
        #expect(message.run(.access, bench.table) == 2)
        bench.worker.turn()
        bench.worker.host.cancel(message.ctx)
        #expect(bench.notes == ["stubborn ended"] && !PluginHost.isParked(message.ctx))
        bench.worker.turn()
        #expect(bench.worker.host.nextFinished() == nil)
        bench.end()
    }

    @Test func cancelTakesAResultThatNobodyTook() throws {
        let bench = try WaitingBench(fiber: true)
        let message = try bench.request("/sleep")
        #expect(message.run(.access, bench.table) == 2)
        bench.worker.until { message.requestHeader("x-slept") == "1" }
        #expect(PluginHost.isParked(message.ctx))
        bench.worker.host.cancel(message.ctx)
        #expect(bench.worker.host.nextFinished() == nil && !PluginHost.isParked(message.ctx))
        #expect(bench.worker.counters.failures[1] == 0)
        bench.end()
    }

    @Test func aGenerationIsCancelledByForce() throws {
        let bench = try WaitingBench(fiber: true)
        let messages = try (0..<5).map { _ in try bench.request("/forever") }
        for m in messages { #expect(m.run(.access, bench.table) == 2) }
        bench.worker.host.cancelAll(plugin: "waiting", generation: 1)
        let done = bench.worker.finished(5, seconds: 1)
        #expect(done.map(\.result) == Array(repeating: Int32(SLUICE_ECANCELED), count: 5))
        #expect(Set(done.map(\.context)) == Set(messages.map(\.ctx)))
        #expect(try bench.request("/sleep").run(.access, bench.table) == Int32(SLUICE_ECANCELED))  // it may not wait any more
        bench.end()
    }

    /// Hooks inside hooks, as when a content hook writes and filters see it: each parks on a fiber of its own, and whoever ran before it
    /// is shown as running again.
    @Test func hooksInsideHooks() throws {
        let bench = try WaitingBench(fiber: true), depth = 40, b = bench.table.bound, head = bench.worker.block.head
        let messages = try (0..<depth).map { _ in try bench.request("/sleep") }
        func nest(_ n: Int) {
            if n == depth { return }
            let ctx = messages[n].ctx
            _ = bench.worker.host.board.entered(b[0].owner, .content, ctx, b) {
                #expect(messages[n].run(.access, bench.table) == 2)
                nest(n + 1)
                #expect(head.pointee.currentContext == UInt64(UInt(bitPattern: ctx)) && head.pointee.currentPlugin == 4)
                #expect(ctx.pointee.phase == PluginPhase.content.rawValue && head.pointee.currentPhase == 5)
                return 0
            }
        }
        nest(0)
        #expect(head.pointee.currentPlugin == 0 && bench.worker.held(.fiber) == UInt64(depth))
        let done = bench.worker.finished(depth)
        #expect(done.count == depth && done.allSatisfy { $0.result == 0 && $0.phase == .access })
        bench.end()
    }

    @Test func logMayNotWait() throws {
        let bench = try WaitingBench(fiber: true)
        let message = try bench.request("/")
        #expect(message.run(.log, bench.table) == 0)
        #expect(bench.worker.counters.misuse == 2)
        bench.end()
    }

    @Test func connectsAndTalks() throws {
        let server = try PingServer()
        let bench = try WaitingBench(fiber: true)
        #expect(try bench.access("/connect/127.0.0.1:\(server.port)").last == 0)
        #expect(try bench.access("/connect/unix:\(server.path)").last == 0)
        #expect(try bench.access("/connect/127.0.0.1:1").last == Int32(SLUICE_EIO))
        #expect(try bench.access("/connect/unix:/nowhere").last == Int32(SLUICE_EIO))
        for bad in ["127.0.0.1", "127.0.0.1:0", "127.0.0.1:70000", "[::1]x", "unix:", ":80"] {
            #expect(try bench.access("/connect/\(bad)").last == Int32(SLUICE_EINVAL), "\(bad)")
        }
        bench.end()
        #expect(server.answered == 2)
    }

    @Test func tenThousandAtOnce() throws {
        let bench = try WaitingBench(fiber: true), count = 10_000
        let warm = try bench.access("/sleep")
        _ = warm
        let messages = try (0..<count).map { _ in try bench.request("/forever") }
        let before = Memory.residentBytes()
        for m in messages { #expect(m.run(.access, bench.table) == 2) }
        let each = (Memory.residentBytes() - before) / count
        print("10,000 parked calls: \(each) bytes resident each")
        #expect(each <= 12 * 1024)
        #expect(bench.worker.held(.fiber) == UInt64(count))
        for m in messages[0..<5_000] { bench.worker.host.cancel(m.ctx) }
        #expect(bench.worker.held(.fiber) == UInt64(count - 5_000))
        bench.worker.host.cancelAll(plugin: "waiting", generation: 1)
        #expect(bench.worker.finished(5_000).count == 5_000)
        for _ in 0..<2 { bench.worker.host.trim() }
        let after = Memory.residentBytes() - before
        print("afterwards: \(after) bytes more than before")
        #expect(after < count * 2048)
        bench.end()
    }

    @Test func tenThousandGoOn() throws {
        let bench = try WaitingBench(fiber: true), count = 10_000
        let messages = try (0..<count).map { _ in try bench.request("/sleep") }
        for m in messages { #expect(m.run(.access, bench.table) == 2) }
        let done = bench.worker.finished(count)
        #expect(done.count == count && done.allSatisfy { $0.result == 0 })
        #expect(messages.allSatisfy { $0.requestHeader("x-slept") == "1" })
        bench.end()
    }
}

enum Memory {
    static func residentBytes() -> Int {
        let text = String(decoding: FileHandle(forReadingAtPath: "/proc/self/statm")!.readDataToEndOfFile(), as: UTF8.self)
        return Int(text.split(separator: " ")[1])! * 4096
    }
}

/// Answers "pong" to whatever comes, on TCP and on a path, from a thread of its own.
final class PingServer: @unchecked Sendable {
    let port: UInt16, path: String
    private let sockets: [Int32]
    private(set) var answered = 0

    init() throws {
        let tcp = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0), unix = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var a = sockaddr_in()
        a.sin_family = sa_family_t(AF_INET)
        a.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let tcpBound = withUnsafeMutablePointer(to: &a) { p in
            p.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(tcp, $0, length) == 0 && getsockname(tcp, $0, &length) == 0 }
        }
        port = UInt16(bigEndian: a.sin_port)
        path = Kit.folder + "/ping-\(UUID().uuidString.prefix(8))"
        var u = sockaddr_un()
        u.sun_family = sa_family_t(AF_UNIX)
        let text = Array(path.utf8)
        withUnsafeMutableBytes(of: &u.sun_path) { $0.copyBytes(from: text) }
        let unixBound = withUnsafeMutablePointer(to: &u) { p in
            p.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(unix, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0 }
        }
        try #require(tcpBound && unixBound && listen(tcp, 8) == 0 && listen(unix, 8) == 0)
        sockets = [tcp, unix]
        Thread.detachNewThread { [self] in serve() }
    }
    private func serve() {
        var all = sockets.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        while poll(&all, 2, 20_000) > 0, all.allSatisfy({ $0.revents & Int16(POLLNVAL) == 0 }) {
            for p in all where p.revents & Int16(POLLIN) != 0 {
                let c = accept(p.fd, nil, nil)
                var bytes = [UInt8](repeating: 0, count: 16)
                if recv(c, &bytes, 16, 0) == 4 {
                    answered += 1
                    usleep(2000)
                    _ = "pong".withCString { Glibc.send(c, $0, 4, 0) }
                }
                close(c)
            }
        }
    }
    deinit { for s in sockets { close(s) } }
}
