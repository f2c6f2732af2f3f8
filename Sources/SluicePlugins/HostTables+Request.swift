// "sluice.request/1": reading the request. Every phase may.
import CSluiceABI
import SluiceBytes
import SluiceHTTP

/// Attributes by number and name; the numbers are SLUICE_ATTRIBUTE_….
enum Attribute {
    static let names: [StaticString] = [
        "", "request.method", "request.path", "request.url_path", "request.query", "request.host", "request.scheme", "request.protocol",
        "request.id",
        "source.address", "source.port", "route.id", "cluster.id", "upstream.target", "consumer.name",
    ]

    static func number(_ name: ByteView) -> UInt32 {
        for (i, n) in names.enumerated() where i > 0 && ByteView(n).equals(name) { return UInt32(i) }
        return 0
    }

    /// nil: unknown number.
    static func value(_ number: UInt32, _ ctx: Context) -> ByteView? {
        switch Int(number) {
        case SLUICE_ATTRIBUTE_METHOD: return ctx.pointee.methodToken
        case SLUICE_ATTRIBUTE_PATH: return ctx.pointee.pathAndQuery
        case SLUICE_ATTRIBUTE_URL_PATH: return QueryString.split(ctx.pointee.pathAndQuery).path
        case SLUICE_ATTRIBUTE_QUERY: return QueryString.split(ctx.pointee.pathAndQuery).query ?? .empty
        case SLUICE_ATTRIBUTE_HOST: return ctx.pointee.authority
        case SLUICE_ATTRIBUTE_SCHEME: return ctx.pointee.scheme
        case SLUICE_ATTRIBUTE_PROTOCOL:
            return ctx.pointee.requestHead?.pointee.minorVersion == 0 ? ByteView("HTTP/1.0") : ByteView("HTTP/1.1")
        case SLUICE_ATTRIBUTE_REQUEST_ID: return ctx.pointee.requestID
        case SLUICE_ATTRIBUTE_SOURCE_ADDRESS: return ctx.pointee.clientAddress
        case SLUICE_ATTRIBUTE_SOURCE_PORT: return decimal(ctx.pointee.clientPort, ctx)
        case SLUICE_ATTRIBUTE_ROUTE_ID: return ctx.pointee.routeID
        case SLUICE_ATTRIBUTE_CLUSTER_ID: return ctx.pointee.clusterID
        case SLUICE_ATTRIBUTE_TARGET: return ctx.pointee.targetLabel
        case SLUICE_ATTRIBUTE_CONSUMER: return ctx.pointee.consumer
        default: return nil
        }
    }

    private static func decimal(_ n: UInt16, _ ctx: Context) -> ByteView {
        guard let p = ctx.pointee.arena.pointee.allocate(5) else { return .empty }
        var i = 5
        var rest = n
        repeat {
            i -= 1
            p[i] = 0x30 + UInt8(rest % 10)
            rest /= 10
        } while rest > 0
        return ByteView(p + i, 5 - i)
    }
}

/// First field called `name` in `map`.
@inline(__always) func header(_ map: borrowing HeaderMap, _ name: sluice_view, _ out: UnsafeMutablePointer<sluice_view>?) -> Int32 {
    guard let name = bytes(name), let out else { return Status.invalid }
    guard let value = map.first(name) else { return Status.notFound }
    out.pointee = value.view
    return Status.ok
}

/// All fields of `map`, at most `room`.
func headers(
    _ map: borrowing HeaderMap, _ out: UnsafeMutablePointer<sluice_header>?, _ room: UInt32, _ count: UnsafeMutablePointer<UInt32>?
) -> Int32 {
    guard let count, out != nil || room == 0 else { return Status.invalid }
    var cursor = 0
    var n: UInt32 = 0
    while let (name, value) = map.next(&cursor) {
        if n < room { out![Int(n)] = sluice_header(name: name.view, value: value.view) }
        n += 1
    }
    count.pointee = n
    return n > room ? Status.limit : Status.ok
}

extension HostTables {
    nonisolated(unsafe) static let request = make(
        sluice_request_v1(
            size: UInt32(MemoryLayout<sluice_request_v1>.size), attribute_count: UInt32(Attribute.names.count),
            attribute: { handle, number, out in
                guard let ctx = reading(handle), let out else { return Status.invalid }
                guard let value = Attribute.value(number, ctx) else { return Status.notFound }
                out.pointee = value.view
                return Status.ok
            },
            attribute_number: { name in bytes(name).map(Attribute.number) ?? 0 },
            attribute_name: { number in
                number < UInt32(Attribute.names.count) ? ByteView(Attribute.names[Int(number)]).view : ByteView.empty.view
            },
            header: { handle, name, out in
                guard let ctx = reading(handle) else { return Status.invalid }
                return SluicePlugins.header(ctx.pointee.request, name, out)
            },
            headers: { handle, out, room, count in
                guard let ctx = reading(handle) else { return Status.invalid }
                return SluicePlugins.headers(ctx.pointee.request, out, room, count)
            },
            query: { handle, name, out in
                guard let ctx = reading(handle), let name = bytes(name), let out else { return Status.invalid }
                return QueryString.first(name, ctx, out)
            }))
}
