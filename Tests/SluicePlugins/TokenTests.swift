// Hooks that return SLUICE_SUSPEND, and what goes on without a request: tokens, timers, jobs, watches, background tasks.
import CSluiceABI
import Foundation
import SluiceShared
import Testing

@testable import SluicePlugins

@Suite(.serialized) struct TokenTests {
    @Test(arguments: ["/resume", "/double", "/thread"]) func resumes(_ path: String) throws {
        let bench = try WaitingBench(fiber: false)
        let (_, first, last) = try bench.access(path)
        #expect(first == 2 && last == 0)
        #expect(bench.worker.counters.calls[1] == 1 && bench.worker.counters.parked[1].count == 1)
        #expect(try bench.access("/last").last == 0)  // its token is stale
        bench.end()
    }

    @Test func resumedBeforeItWasSuspended() throws {
        let bench = try WaitingBench(fiber: false)
        #expect(try bench.access("/early").first == 0)
        bench.end()
    }

    @Test func timeIsUp() throws {
        let bench = try WaitingBench(fiber: false)
        #expect(try bench.access("/late").last == Int32(SLUICE_ETIMEDOUT))
        #expect(bench.worker.counters.failures[1] == 1)
        #expect(try bench.access("/then-late").last == 0)
        #expect(bench.notes == ["then timed out"])
        bench.end()
    }

    @Test func suspendedWithoutAToken() throws {
        let bench = try WaitingBench(fiber: false)
        #expect(try bench.access("/nothing").first == Int32(SLUICE_EINVAL))
        bench.end()
    }

    @Test func aTokenThatWasNotUsedIsVoid() throws {
        let bench = try WaitingBench(fiber: false)
        #expect(try bench.access("/void").first == 0)
        #expect(bench.worker.until { bench.notes == ["stale"] })
        bench.end()
    }

    @Test func aContinuationMayAnswer() throws {
        let bench = try WaitingBench(fiber: false)
        let (message, first, last) = try bench.access("/then")
        #expect(first == 2 && last == 1)
        #expect(message.ctx.pointee.answerStatus == 418 && message.requestHeader("x-then") == "1")
        bench.end()
    }

    @Test func cancelMakesTokensStale() throws {
        let bench = try WaitingBench(fiber: false)
        let plain = try bench.request("/parked"), then = try bench.request("/then-long")
        #expect(plain.run(.access, bench.table) == 2 && bench.worker.held(.fiber) == 1)
        bench.worker.host.cancel(plain.ctx)
        #expect(try bench.access("/last").last == 0)
        #expect(then.run(.access, bench.table) == 2)
        bench.worker.host.cancel(then.ctx)
        #expect(try bench.access("/last").last == 0)
        #expect(bench.notes == ["then cancelled"] && bench.worker.held(.fiber) == 0)
        #expect(bench.worker.counters.failures[1] == 0)
        bench.end()
    }

    @Test func ioNeedsAFiber() throws {
        let bench = try WaitingBench(fiber: false)
        #expect(try bench.access("/io").first == 0)
        #expect(bench.worker.counters.misuse == 2)
        bench.end()
    }

    @Test func jobsComeInOrderFromAnyThread() throws {
        let bench = try WaitingBench(fiber: false)
        #expect(try bench.access("/post").first == 0)
        #expect(bench.worker.until { bench.notes.count == 2 } && Set(bench.notes) == ["posted here", "posted there"])
        bench.end()
    }

    @Test func timersRepeatUntilTheyAreCancelled() throws {
        let bench = try WaitingBench(fiber: false, quiet: false)
        #expect(bench.worker.held(.timer) == 1)
        bench.worker.until(seconds: 0.1) { false }
        #expect(try bench.access("/stop").first == 0)
        bench.worker.until(seconds: 0.05) { false }
        #expect(try bench.access("/stopped").first == 0)
        #expect(bench.worker.counters.calls[8] > 1)
        bench.end()
        #expect(bench.notes == ["exit", "destroyed"])
    }

    @Test func whatRepeatsEndsWithTheLastTable() throws {
        let bench = try WaitingBench(fiber: false, quiet: false)
        bench.end()
        #expect(bench.notes == ["exit", "tick cancelled", "destroyed"])
    }

    @Test func backgroundTasksKeepTheGeneration() throws {
        let bench = try WaitingBench(fiber: false)
        #expect(try bench.access("/tasks").first == 0)
        #expect(bench.worker.until { bench.notes.filter { $0 == "again" }.count > 2 } && bench.notes.contains("task ran"))
        #expect(bench.worker.held(.background) == 2)
        bench.worker.host.retire(bench.table)
        bench.worker.until(seconds: 0.1) { false }
        #expect(bench.worker.states == [GenerationPhase.draining.rawValue], "the long task still sleeps")
        bench.worker.host.cancelAll(plugin: "waiting", generation: 1)
        #expect(Array(bench.notes.suffix(2)) == ["long task cancelled", "destroyed"])
        bench.end()
    }

    @Test func watchesAndTimersAreCancelledAtUnload() throws {
        let bench = try WaitingBench(fiber: false)
        #expect(try bench.access("/watch").first == 0)
        #expect(bench.worker.held(.socket) == 1 && bench.worker.held(.timer) == 1)
        bench.worker.host.retire(bench.table)
        #expect(bench.notes == ["job cancelled"] && bench.worker.held(.socket) == 0, "a watch without a time never ends by itself")
        #expect(bench.worker.states == [GenerationPhase.draining.rawValue])
        let late = bench.worker.host.board.nowMs + 31_000
        bench.worker.host.turn(nowMs: late)
        #expect(bench.worker.states.isEmpty && bench.notes.last == "destroyed")
        #expect(bench.worker.complaints.count == 1 && bench.worker.complaints[0].contains("1 timer cancelled"))
    }

    // MARK: forced unload

    /// A hook without a fiber is called a last time, and frees what it keeps.
    @Test func hooksThatWaitForTheBodyAreToldOfTheEnd() throws {
        let bench = try WaitingBench(fiber: false), message = try bench.request("/body")
        #expect(message.run(.access, bench.table) == 2 && message.ctx.pointee.wait == .body)
        bench.worker.host.cancelAll(plugin: "waiting", generation: 1)
        let done = bench.worker.finished(1)
        #expect(done.map(\.result) == [Int32(SLUICE_ECANCELED)] && bench.notes == ["body cancelled"])
        #expect(!PluginHost.isParked(message.ctx) && bench.worker.counters.calls[1] == 1 && bench.worker.counters.failures[1] == 1)
        bench.end()
    }

    @Test func hooksThatWaitForRoomAreToldOfTheEnd() throws {
        let bench = try WaitingBench(fiber: false), message = try bench.request("/")
        #expect(message.run(.content, bench.table) == 2 && message.ctx.pointee.wait == .room)
        let kept = message.ctx.pointee.content.data
        #expect(kept != nil)
        bench.worker.host.cancelAll(plugin: "waiting", generation: 1)
        let done = bench.worker.finished(1)
        #expect(done.map(\.result) == [Int32(SLUICE_ECANCELED)] && bench.notes == ["content cancelled"])
        #expect(message.ctx.pointee.content.data == nil && !message.ctx.pointee.content.isFinished)
        message.ctx.pointee.content.release()
        bench.end()
    }

    // MARK: what `sluice plugin bench` measures

    @Test(arguments: [false, true]) func everyHookIsMeasured(fiber: Bool) throws {
        var shape = PluginBenchShape()
        func rows(_ target: String) throws -> [String: PluginBench.Row] {
            shape.target = target
            let all = try PluginBench.run(path: try Kit.waiting(fiber: fiber), config: "{}", shape: shape, requests: 220)
            return Dictionary(uniqueKeysWithValues: all.map { ($0.phase, $0) })
        }
        let first = try rows(fiber ? "/sleep" : "/resume")
        let access = try #require(first["access"]), content = try #require(first["content"]), balancer = try #require(first["balancer"])
        #expect(access.note == "goes on" && access.median > 0 && access.waitedMs > (fiber ? 9 : 0.5) && access.waitedMs < 500)
        #expect(content.note == "answers 200, 2097152 bytes" && content.median > 0 && content.waitedMs > 0)
        #expect(balancer.note == "chooses target 2 of 3" && balancer.median > 0 && balancer.waitedMs == 0)
        #expect(first["log"]?.waitedMs == 0)
        if fiber {
            #expect(try rows("/empty")["access"]?.waitedMs == 0)
        } else {
            shape.method = "POST"
            #expect(try rows("/body")["access"]?.note == "goes on")
        }
    }
}
