// Asynchronous hooks on the fake host: they run at once, wait, go on in the place where the handle is valid, and end when they are cancelled.
import CSluiceABI
import Glibc
import SluicePlugin
import SluicePluginTesting
import Testing

/// Does what its configuration says.
final class Waiter: AsyncRewriteHook, AsyncAccessHook, AsyncContentHook, AsyncHeaderFilterHook, AsyncBodyFilterHook {
    enum Job: String, Codable, CaseIterable { case nothing, sleep, fd, http, body, group, yield, stubborn, fail, forever }
    struct Config: Codable {
        var job: Job
        var fd: Int32?
    }
    static var waitMaxMs: Int { 5_000 }
    let config: Config
    var steps: [String] = []
    init(_ config: Config) { self.config = config }

    func rewrite(_ request: inout Request) async throws -> Verdict {
        request.headers["X-Before"] = "1"
        try await sleep(milliseconds: 1)
        request.headers["X-After"] = "2"
        return .next
    }

    func access(_ request: inout Request) async throws -> Verdict {
        steps.append("start")
        defer { steps.append("end") }
        switch config.job {
        case .nothing: break
        case .sleep:
            try await sleep(milliseconds: 100)
            try await sleep(milliseconds: 100)
        case .fd:
            let ready = try await wait(descriptor: config.fd!, for: .reading, timeoutMs: 1_000)
            #expect(ready == .reading)
        case .http:
            let r = try await http.post("http://users.test/1", body: Array("{}".utf8), contentType: "application/json", timeoutMs: 100)
            struct User: Codable { var name: String }
            request.consumer = try r.decode(User.self).name.withBytes { request.facts.keep($0) ?? "" }
        case .body:
            try await request.body.gather()
            struct Point: Codable { var x: Int }
            return request.answer(200, text: "\(try request.body.decode(Point.self).x)")
        case .group:
            let sum = await withTaskGroup(of: Int.self) { group in
                for i in 1...4 {
                    group.addTask {
                        try? await sleep(milliseconds: i)
                        return i
                    }
                }
                return await group.reduce(0, +)
            }
            return request.answer(200, text: "\(sum)")
        case .yield: for _ in 0..<100 { await Task.yield() }
        case .stubborn:
            try? await sleep(milliseconds: 60_000)
            try? await sleep(milliseconds: 60_000)
        case .fail: throw ConfigurationError("it", "is broken")
        case .forever:
            await withCheckedContinuation { (c: CheckedContinuation<Void, Never>) in kept = c }
            // Cancelled meanwhile, the handle is void: nothing of the request may be seen or changed any more.
            request.headers["X-Late"] = "1"
            steps.append("late: \(request.headers.lastStatus) [\(request.path.string)]")
        }
        request.headers["X-Done"] = "1"
        return .next
    }
    var kept: CheckedContinuation<Void, Never>?

    func content(_ response: inout Content) async throws -> Verdict {
        try response.start(200)
        for _ in 0..<8 { try await response.write(bytes: [UInt8](repeating: 0x61, count: 40_000)) }
        return response.finish()
    }
    func headerFilter(_ response: inout Response) async throws -> Verdict {
        try await sleep(milliseconds: 1)
        response.headers["X-Filtered"] = response.request.method
        return .next
    }
    func bodyFilter(_ body: inout Body) async throws -> Verdict {
        if body.chunk == "slow" { try await sleep(milliseconds: 1) }
        body.append("|")
        return .next
    }
}

@Suite struct AsyncTests {
    func make(_ job: Waiter.Job, fd: Int32 = 0) throws -> (FakePlugin<Waiter>, FakeExchange) {
        (try FakePlugin(Waiter.self, config: #"{"job": "\#(job.rawValue)", "fd": \#(fd)}"#), FakeExchange(path: "/p"))
    }

    @Test func neverWaitingIsAPlainResult() throws {
        let (p, e) = try make(.nothing)
        #expect(p.start(.access, e) == .next && e.requestHeader("x-done") == "1" && p.underWay == 0)
    }
    @Test func handlesAreValidAcrossAWait() throws {
        let (p, e) = try make(.nothing)
        #expect(p.start(.rewrite, e) == nil && e.requestHeader("x-before") == "1" && e.requestHeader("x-after") == nil)
        #expect(p.advance(milliseconds: 1, e) == .next && e.requestHeader("x-after") == "2" && e.misuses == 0 && p.underWay == 0)
        #expect(p.headerFilter(e) == .next && e.response.header("x-filtered") == "GET")
        #expect(p.bodyFilter(e, chunks: [Array("slow".utf8), Array("x".utf8)]) == .next && e.response.text == "slow|x|" && e.misuses == 0)
    }
    @Test func sleepsOnTheVirtualClock() throws {
        let (p, e) = try make(.sleep)
        let start = p.nowMs
        #expect(p.access(e) == .next && p.nowMs - start == 200 && p.plugin.steps == ["start", "end"])
    }
    @Test func waitsForADescriptor() throws {
        var fds: [Int32] = [0, 0]
        try #require(pipe(&fds) == 0)
        defer { fds.forEach { close($0) } }
        let (p, e) = try make(.fd, fd: fds[0])
        #expect(p.start(.access, e) == nil)
        #expect(write(fds[1], "x", 1) == 1 && p.advance(milliseconds: 0, e) == .next)
        let (q, f) = try make(.fd, fd: fds[1])  // a pipe's end for writing never becomes readable
        #expect(q.access(f) == .failed(Int32(SLUICE_ETIMEDOUT)) && q.underWay == 0)
    }
    @Test func asksAService() throws {
        let (p, e) = try make(.http)
        p.httpService = { request in
            #expect(request.method == "POST" && request.url == "http://users.test/1" && request.body == Array("{}".utf8))
            #expect(request.headers == [HTTPField(name: "Content-Type", value: "application/json")])
            return HTTPResponse(status: 200, body: Array(#"{"name": "ann", "age": 7}"#.utf8))
        }
        #expect(p.access(e) == .next && e.consumer == "ann")
        let (q, f) = try make(.http)
        #expect(q.access(f) == .failed(Int32(SLUICE_EIO)))
    }
    @Test(arguments: [false, true]) func gathersTheBody(slow: Bool) throws {
        let (p, e) = try make(.body)
        e.body = Array(#"{"x": 42}"#.utf8)
        e.bodyIsSlow = slow
        #expect((p.start(.access, e) == nil) == slow)
        if slow { p.advance(milliseconds: 0) }
        #expect(e.answer?.text == "42" && p.underWay == 0)
    }
    @Test func writesWaitForRoom() throws {
        let (p, e) = try make(.nothing)
        #expect(p.start(.content, e) == nil && e.response.body.count == 80_000)
        #expect(p.advance(milliseconds: 0, e) == .answered && e.response.body.count == 320_000 && p.underWay == 0)
    }
    @Test func childTasksStayOnTheLoop() throws {
        let (p, e) = try make(.group)
        #expect(p.access(e) == .answered && e.answer?.text == "10" && p.underWay == 0)
    }
    @Test func yieldingDoesNotHoldTheWorker() throws {
        let (p, e) = try make(.yield)
        #expect(p.start(.access, e) == nil)
        #expect(p.advance(milliseconds: 0, e) == .next)
    }
    @Test func errorsFailTheHookAndAreLogged() throws {
        let (p, e) = try make(.fail)
        #expect(p.access(e) == .failed(Int32(SLUICE_EFAULT)))
        #expect(p.log == [LogLine(level: .error, text: "a hook failed: it: is broken")])
    }

    // MARK: cancellation

    @Test(arguments: [Waiter.Job.sleep, .http, .group, .stubborn]) func cancelEndsEveryWait(job: Waiter.Job) throws {
        let (p, e) = try make(job)
        #expect(p.start(.access, e) == nil && p.underWay > 0)
        p.cancel(e)
        #expect(p.plugin.steps == ["start", "end"] && p.underWay == 0 && p.log == [])
    }
    @Test func cancelEndsTheWaitForBodyAndRoom() throws {
        let (p, e) = try make(.body)
        e.bodyIsSlow = true
        #expect(p.start(.access, e) == nil)
        p.cancel(e)
        #expect(p.plugin.steps == ["start", "end"] && e.answer == nil && p.underWay == 0)
        let f = FakeExchange()
        #expect(p.start(.content, f) == nil)
        p.cancel(f)
        #expect(p.underWay == 0)
    }
    @Test func aWaitHasADeadline() throws {
        let (p, e) = try make(.stubborn)
        #expect(p.access(e) == .failed(Int32(SLUICE_ETIMEDOUT)))
        #expect(p.plugin.steps == ["start", "end"] && p.underWay == 0)
    }
    @Test func whatIgnoresCancellationHasAVoidHandle() throws {
        let (p, e) = try make(.forever)
        #expect(p.start(.access, e) == nil)
        p.cancel(e)
        #expect(p.plugin.steps == ["start"])
        p.plugin.kept?.resume()  // from outside of the worker's thread, as it may come
        #expect(
            waitUntil {
                p.advance(milliseconds: 0); return p.plugin.steps.count == 3
            })
        #expect(p.plugin.steps == ["start", "late: -7 []", "end"] && e.requestHeader("x-late") == nil)
    }
    @Test func aForgottenInstanceEndsItsCalls() throws {
        var p: FakePlugin<Waiter>? = try FakePlugin(Waiter.self, config: #"{"job": "body"}"#)
        let plugin = p!.plugin, e = FakeExchange()
        e.bodyIsSlow = true
        #expect(p!.start(.access, e) == nil)
        p = nil
        #expect(plugin.steps == ["start", "end"])
    }

    private func waitUntil(_ condition: () -> Bool) -> Bool {
        for _ in 0..<1_000 {
            if condition() { return true }
            usleep(1_000)
        }
        return false
    }
}

/// Work that belongs to no request.
final class Ticker: WorkerHooks {
    nonisolated(unsafe) static var ticks: [Int] = []
    nonisolated(unsafe) static var ended = false
    init(_ config: NoConfig) {}
    static func workerStarts(_ number: Int) throws {
        if number == 13 { throw ConfigurationError("worker", "13 is refused") }
        var n = 0
        every(milliseconds: 100) {
            n += 1
            ticks.append(n)
            if n == 2 { throw ConfigurationError("tick", "2 fails") }
        }
        background {
            defer { ended = true }
            try await sleep(milliseconds: 1_000_000)
        }
    }
}

@Suite struct BackgroundTests {
    @Test func tasksAndTimersRunUntilTheGenerationGoes() throws {
        let p = try FakePlugin(Ticker.self)
        #expect(!p.workerStarts(13) && p.log == [LogLine(level: .error, text: "workerStarts: worker: 13 is refused")])
        #expect(p.workerStarts(0))
        p.advance(milliseconds: 350)
        #expect(Ticker.ticks == [1, 2, 3] && !Ticker.ended)
        #expect(p.log.last == LogLine(level: .error, text: "timer: tick: 2 fails"))
        p.workerEnds()
        #expect(Ticker.ended && p.underWay == 0)
        p.advance(milliseconds: 500)
        #expect(Ticker.ticks == [1, 2, 3])
    }
}
