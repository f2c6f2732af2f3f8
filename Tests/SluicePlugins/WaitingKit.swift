// Hooks that wait, for tests: the fixture waiting.c, and a loop that turns the host as a worker does, in real time.
import CSluiceABI
import Foundation
import SluiceLoop
import SluiceShared
import Testing

@testable import SluicePlugins

extension Kit {
    /// waiting.c, as one that runs on fibers or one with tokens. `quiet`: without hooks of the worker, so without a timer.
    static func waiting(fiber: Bool, quiet: Bool = true) throws -> String {
        let path = folder + "/waiting-\(UUID().uuidString).so"
        let flags = (fiber ? ["-DFIBER"] : []) + (quiet ? ["-DQUIET"] : [])
        try run(
            compiler + ["-std=gnu17", "-O1", "-fPIC", "-shared", "-fvisibility=hidden", "-Wall", "-pthread", "-I\(include)"] + flags
                + [root + "/Tests/Kit/plugins/waiting.c", "-o", path, "-Wl,--version-script=\(root)/SDK/sluice-plugin.map"])
        return path
    }
}

extension TestWorker {
    var counters: PluginCounters { block.plugins[3] }
    var state: GenerationState { block.generations[0] }
    func held(_ kind: ReferenceKind) -> UInt64 { state.held[kind.rawValue] }
    func turn() { host.turn(nowMs: LoopClock.readUs() / 1000) }

    /// Turns until `count` hooks have ended; at most `seconds`.
    func finished(_ count: Int, seconds: Double = 10) -> [FinishedCall] {
        var all: [FinishedCall] = []
        until(seconds: seconds) {
            while let f = host.nextFinished() { all.append(f) }
            return all.count >= count
        }
        return all
    }

    /// Turns until `condition`, at most `seconds`; whether it came true.
    @discardableResult func until(seconds: Double = 10, _ condition: () -> Bool) -> Bool {
        let end = LoopClock.readUs() + UInt64(seconds * 1_000_000)
        while !condition() {
            if LoopClock.readUs() > end { return false }
            var p = pollfd(fd: host.descriptor, events: Int16(POLLIN), revents: 0)
            let wait = host.waitMs(nowMs: LoopClock.readUs() / 1000)
            poll(&p, 1, wait < 0 ? 50 : min(wait, 50))
            turn()
        }
        return true
    }
}

/// One fixture loaded in one worker, its requests, and what it complained about.
final class WaitingBench {
    let worker = TestWorker()
    let table: PluginTable
    let path: String
    init(fiber: Bool, quiet: Bool = true, failOpen: Bool = false) throws {
        path = try Kit.waiting(fiber: fiber, quiet: quiet)
        table = try worker.load(path, name: "waiting", failOpen: failOpen)
    }
    func request(_ path: String) throws -> TestMessage { try TestMessage("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n") }
    /// Runs access for `path`; when it parks, until it has ended.
    func access(_ path: String) throws -> (message: TestMessage, first: Int32, last: Int32) {
        let message = try request(path), first = message.run(.access, table)
        if first != 2 { return (message, first, first) }
        #expect(message.ctx.pointee.wait == .call && PluginHost.isParked(message.ctx))
        let done = worker.finished(1)
        try #require(done.count == 1, "\(path) never ended")
        #expect(done[0].context == message.ctx && done[0].phase == .access)
        #expect(!PluginHost.isParked(message.ctx) && message.ctx.pointee.phase == PluginPhase.none)
        return (message, first, done[0].result)
    }
    /// Unloads; everything must be gone.
    func end() {
        worker.host.retire(table)
        worker.until(seconds: 1) { worker.host.leaving.isEmpty }
        #expect(worker.complaints.isEmpty, "\(worker.complaints)")
        #expect(worker.states.isEmpty && worker.host.board.fibers.count == 0 && worker.host.board.watchCount == 0)
        #expect(worker.block.head.pointee.currentPlugin == 0)
    }
    var notes: [String] { worker.lines.all.filter { $0.hasPrefix("1 ") }.map { $0.replacing("1 plugin waiting@1: ", with: "") } }
}
