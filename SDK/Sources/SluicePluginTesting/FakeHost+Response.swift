// Tables about the response, its body, content that a hook makes, the balancer, the log, and header fields in batches.
import CSluiceABI
import SluicePlugin

extension FakeHost {
    private static func same(_ h: OpaquePointer?) -> OpaquePointer? { h }  // one exchange behind every handle
    private static func filtered(_ h: OpaquePointer?) -> FakeExchange? { exchange(h, .headerFilter) }

    static let response = sluice_response_v1(
        size: size(sluice_response_v1.self), reserved: 0,
        request: { same($0) },
        status: { h in UInt32(filtered(h)?.response.status ?? 0) },
        set_status: { h, status in
            guard let e = filtered(h) else { return wrongPhase }
            func isBare(_ s: Int) -> Bool { s == 204 || s == 304 }
            guard (200...599).contains(status), isBare(Int(status)) == isBare(e.response.status) else { return invalid }
            e.response.status = Int(status)
            return ok
        },
        header: { h, name, value in
            guard let e = filtered(h) else { return wrongPhase }
            guard let field = FakeFields.find(e.response.headers, name) else { return notFound }
            value?.pointee = e.lend(field.value)
            return ok
        },
        headers: { h, fields, room, count in
            filtered(h).map { FakeFields.list($0, $0.response.headers, fields, room, count) } ?? wrongPhase
        },
        set_header: { h, name, value in filtered(h).map { FakeFields.set(&$0.response.headers, name, value) } ?? wrongPhase },
        add_header: { h, name, value in filtered(h).map { FakeFields.add(&$0.response.headers, name, value) } ?? wrongPhase },
        remove_header: { h, name in filtered(h).map { FakeFields.remove(&$0.response.headers, name) } ?? wrongPhase })

    static let body = sluice_body_v1(
        size: size(sluice_body_v1.self), reserved: 0,
        request: { same($0) },
        chunk: { h, chunk in
            guard let e = exchange(h, .bodyFilter) else { return wrongPhase }
            chunk?.pointee = e.lend(e.chunk.result)
            return ok
        },
        is_last: { h in exchange(h, .bodyFilter)?.chunk.isLast == true ? 1 : 0 },
        writable: { h, data, size in
            guard let e = exchange(h, .bodyFilter) else { return wrongPhase }
            let bytes = e.chunk.current
            guard let p = e.allocate(bytes.count) else { return noMemory }
            e.chunk.buffer = p.initializeMemory(as: UInt8.self, from: bytes, count: bytes.count)
            data?.pointee = e.chunk.buffer
            size?.pointee = UInt64(bytes.count)
            return ok
        },
        replace: { h, bytes in
            guard let e = exchange(h, .bodyFilter) else { return wrongPhase }
            e.chunk = FakeChunk(bytes: bytes.array, isLast: e.chunk.isLast)
            return ok
        },
        append: { h, bytes in
            guard let e = exchange(h, .bodyFilter) else { return wrongPhase }
            e.chunk.appended += bytes.array
            return ok
        })

    static let content = sluice_content_v1(
        size: size(sluice_content_v1.self), reserved: 0,
        request: { same($0) },
        start: { h, status, length in
            guard let e = exchange(h, .content), !e.content.isStarted else { return wrongPhase }
            guard (200...599).contains(status), length >= -1 else { return invalid }
            e.content.isStarted = true
            e.content.length = Int(length)
            e.response = FakeResponse(status: Int(status))
            return ok
        },
        add_header: { h, name, value in
            guard let e = exchange(h, .content), !e.content.headIsOut else { return wrongPhase }
            return FakeFields.add(&e.response.headers, name, value)
        },
        write: { h, bytes in
            guard let e = exchange(h, .content) else { return wrongPhase }
            if e.isCancelled { return cancelled }
            guard e.content.isStarted, !e.content.isFinished else { return wrongPhase }
            let n = Int(bytes.size)
            if e.content.length >= 0 && e.response.body.count + n > e.content.length { return invalid }
            guard e.content.unsent + n <= 1 << 20 else { return limit }
            e.content.headIsOut = true
            e.response.body += bytes.array
            e.content.unsent += n
            guard e.content.unsent >= 64 * 1_024 else { return ok }
            e.prepared = .room
            return Int32(SLUICE_EAGAIN)
        },
        finish: { h in
            guard let e = exchange(h, .content) else { return wrongPhase }
            if e.isCancelled { return cancelled }
            guard e.content.isStarted, e.content.length < 0 || e.response.body.count == e.content.length else { return invalid }
            e.content.isFinished = true
            return Int32(SLUICE_ANSWERED)
        },
        data: { h in exchange(h, .content)?.content.state },
        set_data: { h, data in exchange(h, .content)?.content.state = data })

    static let balancer = sluice_balancer_v1(
        size: size(sluice_balancer_v1.self), reserved: 0,
        request: { same($0) },
        count: { h in UInt32(exchange(h, .balancer)?.targets.count ?? 0) },
        target: { h, index, out in
            guard let e = exchange(h, .balancer), let out else { return wrongPhase }
            guard Int(index) < e.targets.count else { return notFound }
            let t = e.targets[Int(index)]
            out.pointee.weight = UInt32(t.weight)
            out.pointee.label = e.lend(t.label)
            out.pointee.active = UInt32(t.active)
            out.pointee.tried = t.wasTried ? 1 : 0
            return ok
        },
        choose: { h, index in
            guard let e = exchange(h, .balancer) else { return wrongPhase }
            guard Int(index) < e.targets.count else { return notFound }
            e.chosenTarget = Int(index)
            return ok
        },
        set_timeouts: { h, connect, response in
            guard let e = exchange(h, .balancer) else { return wrongPhase }
            e.timeoutsMs = (Int(connect), Int(response))
            return ok
        },
        set_retries: { h, retries in
            guard let e = exchange(h, .balancer) else { return wrongPhase }
            guard retries <= 16 else { return invalid }
            e.retries = Int(retries)
            return ok
        },
        attempts: { h in UInt32(exchange(h, .balancer)?.attempts ?? 0) })

    static let exchangeLog = sluice_exchange_log_v1(
        size: size(sluice_exchange_log_v1.self), reserved: 0,
        request: { same($0) },
        facts: { h, facts in
            guard let e = exchange(h, .log), let facts else { return wrongPhase }
            let sent = e.answer ?? e.response
            facts.pointee.status = UInt32(sent.status)
            facts.pointee.bytes_sent = UInt64(sent.body.count)
            facts.pointee.bytes_received = e.bytesReceived
            facts.pointee.duration_us = e.durationUs
            facts.pointee.upstream_us = e.answer == nil ? e.upstreamUs : 0
            facts.pointee.retries = UInt32(max(0, e.attempts - 1))
            return ok
        })

    static let headerBatch = sluice_header_batch_v1(
        size: size(sluice_header_batch_v1.self), reserved: 0,
        request_headers: { h, names, values, count in
            exchange(h).map { FakeFields.batch($0, $0.requestHeaders, names, values, count) } ?? wrongPhase
        },
        response_headers: { h, names, values, count in
            filtered(h).map { FakeFields.batch($0, $0.response.headers, names, values, count) } ?? wrongPhase
        },
        edit_request: { h, edits, count in
            exchange(h, .rewrite, .access).map { FakeFields.edit(&$0.requestHeaders, edits, count) } ?? wrongPhase
        },
        edit_response: { h, edits, count in filtered(h).map { FakeFields.edit(&$0.response.headers, edits, count) } ?? wrongPhase })
}
