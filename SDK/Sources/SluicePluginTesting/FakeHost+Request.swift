// Tables about the request: reading, changing, answering, its body, its memory, its cluster.
import CSluiceABI
import SluicePlugin

extension FakeHost {
    private static let names = [
        "", "request.method", "request.path", "request.url_path", "request.query", "request.host", "request.scheme", "request.protocol",
        "request.id", "source.address", "source.port", "route.id", "cluster.id", "upstream.target", "consumer.name",
    ]
    nonisolated(unsafe) private static let lentNames = names.map { text in
        let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, text.utf8.count))
        _ = copy.initialize(from: text.utf8)
        return sluice_view(data: copy.baseAddress, size: UInt64(text.utf8.count))
    }

    private static func attribute(_ e: FakeExchange, _ number: UInt32) -> String? {
        let parts = e.path.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        return switch Int(number) {
        case SLUICE_ATTRIBUTE_METHOD: e.method
        case SLUICE_ATTRIBUTE_PATH: e.path
        case SLUICE_ATTRIBUTE_URL_PATH: String(parts[0])
        case SLUICE_ATTRIBUTE_QUERY: parts.count > 1 ? String(parts[1]) : ""
        case SLUICE_ATTRIBUTE_HOST: e.host
        case SLUICE_ATTRIBUTE_SCHEME: e.scheme
        case SLUICE_ATTRIBUTE_PROTOCOL: e.httpVersion
        case SLUICE_ATTRIBUTE_REQUEST_ID: e.id
        case SLUICE_ATTRIBUTE_SOURCE_ADDRESS: e.sourceAddress
        case SLUICE_ATTRIBUTE_SOURCE_PORT: e.sourcePort
        case SLUICE_ATTRIBUTE_ROUTE_ID: e.routeID
        case SLUICE_ATTRIBUTE_CLUSTER_ID: e.clusterID
        case SLUICE_ATTRIBUTE_TARGET: e.target
        case SLUICE_ATTRIBUTE_CONSUMER: e.consumer
        default: nil
        }
    }

    static let request = sluice_request_v1(
        size: size(sluice_request_v1.self), attribute_count: UInt32(SLUICE_ATTRIBUTE_COUNT),
        attribute: { h, number, value in
            guard let e = exchange(h) else { return wrongPhase }
            guard let text = attribute(e, number) else { return notFound }
            value?.pointee = e.lend(text)
            return ok
        },
        attribute_number: { name in name.size == 0 ? 0 : UInt32(names.firstIndex(of: name.string) ?? 0) },
        attribute_name: { number in Int(number) < lentNames.count ? lentNames[Int(number)] : sluice_view() },
        header: { h, name, value in
            guard let e = exchange(h) else { return wrongPhase }
            guard let field = FakeFields.find(e.requestHeaders, name) else { return notFound }
            value?.pointee = e.lend(field.value)
            return ok
        },
        headers: { h, fields, room, count in
            guard let e = exchange(h) else { return wrongPhase }
            return FakeFields.list(e, e.requestHeaders, fields, room, count)
        },
        query: { h, name, value in
            guard let e = exchange(h) else { return wrongPhase }
            guard let found = FakeFields.query(e.path, name.string) else { return notFound }
            value?.pointee = e.lend(found)
            return ok
        })

    private static func editable(_ h: OpaquePointer?) -> FakeExchange? { exchange(h, .rewrite, .access) }

    static let requestEdit = sluice_request_edit_v1(
        size: size(sluice_request_edit_v1.self), reserved: 0,
        set_header: { h, name, value in editable(h).map { FakeFields.set(&$0.requestHeaders, name, value) } ?? wrongPhase },
        add_header: { h, name, value in editable(h).map { FakeFields.add(&$0.requestHeaders, name, value) } ?? wrongPhase },
        remove_header: { h, name in editable(h).map { FakeFields.remove(&$0.requestHeaders, name) } ?? wrongPhase },
        set_path: { h, path in
            guard let e = editable(h) else { return wrongPhase }
            let bytes = path.array
            guard bytes.first == UInt8(ascii: "/"), bytes.count <= 8_192,
                bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "#") })
            else { return invalid }
            e.path = path.string
            return ok
        },
        set_method: { h, method in
            guard let e = editable(h) else { return wrongPhase }
            guard method.size <= 32, FakeFields.isToken(method.array), method.string != "CONNECT" else { return invalid }
            e.method = method.string
            return ok
        },
        set_host: { h, host in
            guard let e = editable(h) else { return wrongPhase }
            guard (1...255).contains(host.size), host.array.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "/") }) else {
                return invalid
            }
            e.host = host.string
            return ok
        },
        remove_query: { h, name in
            guard let e = editable(h) else { return wrongPhase }
            let parts = e.path.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count > 1 else { return notFound }
            let pairs = parts[1].split(separator: "&", omittingEmptySubsequences: false)
            let kept = pairs.filter { FakeFields.decode($0.prefix { $0 != "=" }) != name.array }
            if kept.count == pairs.count { return notFound }
            e.path = String(parts[0]) + (kept.isEmpty ? "" : "?" + kept.joined(separator: "&"))
            return ok
        },
        set_request_id: { h, id in
            guard let e = editable(h) else { return wrongPhase }
            guard (1...128).contains(id.size), id.array.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return invalid }
            e.id = id.string
            return ok
        },
        set_consumer: { h, name in
            guard let e = editable(h) else { return wrongPhase }
            guard (1...128).contains(name.size), name.array.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else { return invalid }
            e.consumer = name.string
            return ok
        })

    private static func answerable(_ h: OpaquePointer?) -> FakeExchange? { exchange(h, .rewrite, .access, .routing) }

    static let answer = sluice_answer_v1(
        size: size(sluice_answer_v1.self), reserved: 0,
        respond: { h, status, body in
            guard let e = answerable(h) else { return wrongPhase }
            guard (200...599).contains(status), body.size == 0 || (status != 204 && status != 304) else { return invalid }
            guard body.size <= FakeExchange.memoryBytesMax else { return noMemory }
            e.answer = FakeResponse(status: Int(status), body: body.array)
            return Int32(SLUICE_ANSWERED)
        },
        add_header: { h, name, value in answerable(h).map { FakeFields.add(&$0.answerHeaders, name, value) } ?? wrongPhase })

    static let memory = sluice_memory_v1(
        size: size(sluice_memory_v1.self), reserved: 0,
        allocate: { h, bytes in exchange(h)?.allocate(Int(clamping: bytes)) },
        duplicate: { h, bytes, copy in
            guard let e = exchange(h) else { return wrongPhase }
            guard let p = e.allocate(Int(bytes.size)) else { return noMemory }
            if let data = bytes.data { p.copyMemory(from: data, byteCount: Int(bytes.size)) }
            copy?.pointee = sluice_request_view(data: p.assumingMemoryBound(to: UInt8.self), size: bytes.size)
            return ok
        })

    static let requestBody = sluice_request_body_v1(
        size: size(sluice_request_body_v1.self), reserved: 0,
        gather: { h in
            guard let e = editable(h) else { return wrongPhase }
            if e.isCancelled { return cancelled }
            if e.bodyIsSlow {
                e.prepared = .body
                return Int32(SLUICE_SUSPEND)
            }
            guard e.body.count <= e.bodyMaxBytes else { return limit }
            e.bodyIsGathered = true
            return ok
        },
        pieces: { h, pieces, room, count in
            guard let e = exchange(h), let count else { return wrongPhase }
            // Two pieces where there can be two: code that looks at the first only should fail in a test.
            let half = e.body.count / 2
            let parts = !e.bodyIsGathered || e.body.isEmpty ? [] : half == 0 ? [e.body] : [Array(e.body[..<half]), Array(e.body[half...])]
            count.pointee = UInt32(parts.count)
            for (i, part) in parts.prefix(Int(room)).enumerated() { pieces?[i] = e.lend(part) }
            return parts.count > Int(room) ? limit : ok
        },
        length: { h in
            guard let e = exchange(h) else { return -1 }
            return e.bodyIsGathered || !e.bodyIsSlow ? Int64(e.body.count) : -1
        },
        replace: { h, bytes in
            guard let e = editable(h), e.bodyIsGathered else { return wrongPhase }
            guard Int(bytes.size) <= e.bodyMaxBytes else { return limit }
            e.body = bytes.array
            return ok
        },
        writable: { h, index, data, size in
            guard let e = editable(h), e.bodyIsGathered else { return wrongPhase }
            guard index == 0, !e.body.isEmpty, let p = e.allocate(e.body.count) else { return notFound }
            let bytes = p.initializeMemory(as: UInt8.self, from: e.body, count: e.body.count)
            e.lentBody = bytes
            data?.pointee = bytes
            size?.pointee = UInt64(e.body.count)
            return ok
        })

    static let cluster = sluice_cluster_v1(
        size: size(sluice_cluster_v1.self), reserved: 0,
        choose: { h, name in
            guard let e = exchange(h, .rewrite, .access, .routing) else { return wrongPhase }
            guard e.world.clusters.contains(name.string) else { return notFound }
            e.chosenCluster = name.string
            return ok
        },
        find: { h, name in
            guard let e = exchange(h, .rewrite, .access, .routing) else { return wrongPhase }
            return e.world.clusters.contains(name.string) ? ok : notFound
        })
}
