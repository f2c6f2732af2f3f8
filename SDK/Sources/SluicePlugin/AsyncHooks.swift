// Hooks that wait: the same phases, with `async`. While one waits (`sleep`, `wait`, `http`, `RequestBody.gather`, `Content.write`) the worker
// serves other requests. No thread is started: a hook runs on the worker's loop, at once when it is called, and each time that what it
// waited for is there. Its handle is valid across the wait; `Bytes` that it got before are not, so keep `string`, `array` or
// `RequestFacts.keep`. When the client leaves or the route's time is over the hook's task is cancelled: waits throw `HostError.cancelled`.
// The manifest says "concurrency": "swift-async"; the package enables NonisolatedNonsendingByDefault, which saves hops. A hook that never
// waits costs a task (some 450 ns), a synchronous one a plain call.

/// Phase `rewrite`, waiting.
public protocol AsyncRewriteHook: Plugin {
    func rewrite(_ request: inout Request) async throws -> Verdict
}
/// Phase `access`, waiting.
public protocol AsyncAccessHook: Plugin {
    func access(_ request: inout Request) async throws -> Verdict
}
/// Phase `content`, waiting.
public protocol AsyncContentHook: Plugin {
    func content(_ response: inout Content) async throws -> Verdict
}
/// Phase `header_filter`, waiting.
public protocol AsyncHeaderFilterHook: Plugin {
    func headerFilter(_ response: inout Response) async throws -> Verdict
}
/// Phase `body_filter`, waiting: the response stands still meanwhile.
public protocol AsyncBodyFilterHook: Plugin {
    func bodyFilter(_ body: inout Body) async throws -> Verdict
}
