// Tables about waiting: tokens, the loop, the HTTP client. What they start is in `World.swift`.
import CSluiceABI
import SluicePlugin

extension FakeHost {
    static let suspend = sluice_suspend_v1(
        size: size(sluice_suspend_v1.self), reserved: 0,
        prepare: { h, timeout, token in prepare(h, timeout, nil, nil, token) },
        prepare_with: { h, timeout, then, data, token in prepare(h, timeout, then, data, token) },
        resume: { _, token, status in
            if shared.isHere { return shared.world.resume(token, status) }
            shared.post { _ = shared.world.resume(token, status) }
            return ok
        })

    private static func prepare(
        _ h: UnsafeMutableRawPointer?, _ timeoutMs: UInt32, _ then: sluice_continuation?, _ data: UnsafeMutableRawPointer?,
        _ token: UnsafeMutablePointer<sluice_token>?
    ) -> Int32 {
        guard let e = exchange(h.map { OpaquePointer($0) }, .rewrite, .access, .content, .headerFilter, .bodyFilter) else {
            return wrongPhase
        }
        guard (1...3_600_000).contains(timeoutMs), let token else { return invalid }
        if e.isCancelled { return cancelled }
        token.pointee = World.nextID()
        e.world.tokens[token.pointee] = World.Token(exchange: e, dueMs: e.world.nowMs + UInt64(timeoutMs), then: then, data: data)
        e.prepared = .token(token.pointee)
        return ok
    }

    static let loop = sluice_loop_v1(
        size: size(sluice_loop_v1.self), reserved: 0,
        is_worker_thread: { _ in shared.isHere ? 1 : 0 },
        post: { _, callback, data in
            guard let callback else { return invalid }
            nonisolated(unsafe) let data = data
            shared.post { callback(data, ok) }
            return ok
        },
        start_timer: { _, after, every, callback, data, task in
            guard shared.isHere, let callback, after <= UInt32(Int32.max) else { return invalid }
            let world = shared.world, id = World.nextID()
            world.timers.append(
                World.Timer(id: id, dueMs: world.nowMs + UInt64(after), everyMs: UInt64(every), run: { callback(data, $0) }))
            task?.pointee = id
            return ok
        },
        watch: { _, fd, events, timeout, callback, data, task in
            guard shared.isHere, let callback, fd >= 0, events & ~5 == 0, events != 0 else { return invalid }
            let world = shared.world, id = World.nextID()
            world.watches.append(
                World.Watch(
                    id: id, descriptor: fd, events: Int16(events), dueMs: timeout == 0 ? nil : world.nowMs + UInt64(timeout),
                    run: { callback(data, $0) }))
            task?.pointee = id
            return ok
        },
        cancel: { _, task in shared.world.cancel(task) },
        now_ms: { _ in shared.world.nowMs })

    static let httpClient = sluice_http_client_v1(
        size: size(sluice_http_client_v1.self), reserved: 0,
        request: { _, _, _ in Int32(SLUICE_EAGAIN) },  // no fibers here
        start: { _, request, done, data, task in
            guard let r = request?.pointee, let done else { return invalid }
            guard r.header_count <= 64, r.url.string.hasPrefix("http://"), (1...3_600_000).contains(r.timeout_ms) else { return invalid }
            let world = shared.world, id = World.nextID()
            let asked = HTTPRequest(
                method: r.method.size == 0 ? "GET" : r.method.string, url: r.url.string,
                headers: (0..<Int(r.header_count)).map { HTTPField(name: r.headers[$0].name.string, value: r.headers[$0].value.string) },
                body: r.body.array, timeoutMs: Int(r.timeout_ms), bodyMaxBytes: Int(r.body_max))
            // An answer takes a millisecond, so that a test can see the hook wait.
            world.timers.append(
                World.Timer(id: id, dueMs: world.nowMs + 1, everyMs: 0) { [unowned world] _ in
                    guard let answer = world.httpService?(asked) else { return done(data, Int32(SLUICE_EIO), nil) }
                    guard answer.body.count <= max(asked.bodyMaxBytes, 1) else { return done(data, limit, nil) }
                    lend(answer) { done(data, ok, $0) }
                })
            task?.pointee = id
            return ok
        })

    /// The answer as the contract wants it, for the time of `body`.
    private static func lend(_ answer: HTTPResponse, _ body: (UnsafePointer<sluice_http_response>) -> Void) {
        let owner = FakeExchange()  // its memory holds the texts
        let fields = answer.headers.map { sluice_header(name: owner.lend($0.name), value: owner.lend($0.value)) }
        fields.withUnsafeBufferPointer {
            var r = sluice_http_response()
            r.size = size(sluice_http_response.self)
            r.status = UInt32(answer.status)
            r.headers = $0.baseAddress
            r.header_count = UInt32($0.count)
            r.body = owner.lend(answer.body)
            body(&r)
        }
    }
}
