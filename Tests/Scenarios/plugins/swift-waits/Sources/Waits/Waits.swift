// Waits in every way that an asynchronous hook can; the query argument `do` says how. Only for tests.
import SluicePlugin

@section(".sluice.manifest") @used let manifest: StaticString = """
    {"name": "swift-waits", "version": "0.1.0", "abi": 1, "language": "swift", "concurrency": "swift-async",
     "phases": ["access", "content", "header_filter", "body_filter"], "capabilities": ["http_client"]}
    """
@c(sluice_swift_plugin) public func plugin() { register(Waits.self) }

final class Waits: AsyncAccessHook, AsyncContentHook, AsyncHeaderFilterHook, AsyncBodyFilterHook, WorkerHooks {
    nonisolated(unsafe) private static var ticks = 0
    private var cancelled = 0
    init(_ config: NoConfig) {}
    static func workerStarts(_ number: Int) { every(milliseconds: 20) { ticks += 1 } }

    func access(_ request: inout Request) async throws -> Verdict {
        switch request.facts.query("do")?.string ?? "" {
        case "sleep":
            let ms = Int(request.facts.query("ms")?.string ?? "") ?? 5
            do { try await sleep(milliseconds: ms) } catch {
                cancelled += 1
                throw error
            }
            return request.answer(200, text: "slept \(ms) \(request.facts.urlPath.string)")
        case "tasks":  // those of the standard library, which belong to the worker's executors
            try await Task.sleep(nanoseconds: 2_000_000)
            async let three = 3
            let four = await Task { 4 }.value
            let main = await MainActor.run { 5 }
            return request.answer(200, text: "\(await three + four + main) \(request.facts.urlPath.string)")
        case "http":
            let answer = try await http.get(request.headers[text: "x-url"] ?? "", timeoutMs: 2_000)
            return request.answer(200, text: "\(answer.status) \(answer.body.count)")
        case "body":
            try await request.body.gather()
            return request.answer(200, text: "\(try request.body.array().reduce(0) { $0 + Int($1) })")
        case "facts": return request.answer(200, text: "\(Self.ticks) \(cancelled)")
        case "yield":
            for _ in 0..<1_000 { await Task.yield() }
            return .next
        default: return .next
        }
    }
    func content(_ response: inout Content) async throws -> Verdict {
        if !response.request.path.hasPrefix("/stream") { return .next }
        let pieces = Int(response.request.query("pieces")?.string ?? "") ?? 100
        try response.start(200)
        do { for _ in 0..<pieces { try await response.write(bytes: [UInt8](repeating: 0x61, count: 40_000)) } } catch {
            cancelled += 1
            throw error
        }
        return response.finish()
    }
    func headerFilter(_ response: inout Response) async throws -> Verdict {
        try await sleep(milliseconds: 1)
        response.headers["X-Waited"] = "yes"
        return .next
    }
    func bodyFilter(_ body: inout Body) async throws -> Verdict {
        if body.isLast { try await sleep(milliseconds: 1) }
        return .next
    }
}
