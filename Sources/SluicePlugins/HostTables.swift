// The host's side of the contract: which tables a plugin can ask for by name, and how their functions get from an opaque handle
// to the request. The functions themselves are in `HostTables+….swift`, one file a table, in the order of the headers.
// Tables are made once per process and never freed. Functions run on the request path: no allocation but the arena's.
import CSluiceABI
import Glibc
import SluiceBytes
import SluiceModel

typealias Context = UnsafeMutablePointer<MessageContext>

enum HostTables {
    /// Every extension of the host, for `get_extension`, the "needs" of manifests and listings.
    nonisolated(unsafe) static let all: [(id: String, table: UnsafeRawPointer)] = [
        (SLUICE_REQUEST_1, UnsafeRawPointer(request)),
        (SLUICE_REQUEST_EDIT_1, UnsafeRawPointer(requestEdit)),
        (SLUICE_ANSWER_1, UnsafeRawPointer(answer)),
        (SLUICE_RESPONSE_1, UnsafeRawPointer(response)),
        (SLUICE_BODY_1, UnsafeRawPointer(body)),
        (SLUICE_EXCHANGE_LOG_1, UnsafeRawPointer(exchangeLog)),
        (SLUICE_MEMORY_1, UnsafeRawPointer(memory)),
        (SLUICE_REQUEST_BODY_1, UnsafeRawPointer(requestBody)),
        (SLUICE_CONTENT_1, UnsafeRawPointer(content)),
        (SLUICE_CLUSTER_1, UnsafeRawPointer(cluster)),
        (SLUICE_BALANCER_1, UnsafeRawPointer(balancer)),
        (SLUICE_SUSPEND_1, UnsafeRawPointer(suspend)),
        (SLUICE_LOOP_1, UnsafeRawPointer(loop)),
        (SLUICE_IO_1, UnsafeRawPointer(io)),
        (SLUICE_BACKGROUND_1, UnsafeRawPointer(background)),
        (SLUICE_HTTP_CLIENT_1, UnsafeRawPointer(httpClient)),
        (SLUICE_HEADER_BATCH_1, UnsafeRawPointer(headerBatch)),
        (SLUICE_VARIABLES_1, UnsafeRawPointer(variables)),
        (SLUICE_METRICS_1, UnsafeRawPointer(metrics)),
        (SLUICE_CRYPTO_1, UnsafeRawPointer(crypto)),
    ]

    static func find(_ id: UnsafePointer<CChar>) -> UnsafeRawPointer? {
        for e in all where e.id.withCString({ strcmp($0, id) }) == 0 { return e.table }
        return nil
    }

    /// A table that lives as long as the process.
    static func make<T>(_ value: T) -> UnsafeMutablePointer<T> {
        let p = UnsafeMutablePointer<T>.allocate(capacity: 1)
        p.initialize(to: value)
        return p
    }
}

// MARK: handles and views

/// The request behind a handle, for reading in any phase; nil only for a NULL handle.
@inline(__always) func reading(_ handle: OpaquePointer?) -> Context? { handle.map { Context($0) } }

/// The request behind a handle, if one of two phases runs; otherwise the call is counted as misuse.
@inline(__always) func inside(_ handle: OpaquePointer?, _ a: PluginPhase, _ b: PluginPhase) -> Context? {
    guard let ctx = reading(handle) else { return nil }
    let phase = ctx.pointee.phase
    if phase == a.rawValue || phase == b.rawValue { return ctx }
    misused(ctx)
    return nil
}
@inline(__always) func editable(_ handle: OpaquePointer?) -> Context? { inside(handle, .rewrite, .access) }
/// Before a target is chosen: rewrite, access or routing.
@inline(__always) func deciding(_ handle: OpaquePointer?) -> Context? {
    guard let ctx = reading(handle) else { return nil }
    return ctx.pointee.phase == PluginPhase.routing.rawValue ? ctx : editable(handle)
}
@inline(__always) func responding(_ handle: OpaquePointer?) -> Context? { inside(handle, .headerFilter, .headerFilter) }
@inline(__always) func filtering(_ handle: OpaquePointer?) -> Context? { inside(handle, .bodyFilter, .bodyFilter) }
@inline(__always) func logging(_ handle: OpaquePointer?) -> Context? { inside(handle, .log, .log) }

@inline(never) func misused(_ ctx: Context) {
    if let counters = ctx.pointee.counters { counters.pointee.misuse &+= 1 }
}

/// The bytes of a view from a plugin; nil when it is malformed.
@inline(__always) func bytes(_ v: sluice_view) -> ByteView? {
    if v.size == 0 { return .empty }
    guard let data = v.data, v.size <= UInt64(UInt32.max) else { return nil }
    return ByteView(data, Int(v.size))
}

extension ByteView {
    @inline(__always) var view: sluice_view { sluice_view(data: start, size: UInt64(count)) }
}

/// Statuses of the contract as hooks return them.
enum Status {
    static let ok = Int32(SLUICE_OK)
    static let answered = Int32(SLUICE_ANSWERED)
    static let invalid = Int32(SLUICE_EINVAL)
    static let notFound = Int32(SLUICE_ENOTFOUND)
    static let phase = Int32(SLUICE_EPHASE)
    static let noMemory = Int32(SLUICE_ENOMEM)
    static let limit = Int32(SLUICE_ELIMIT)
    static let fault = Int32(SLUICE_EFAULT)
    static let canceled = Int32(SLUICE_ECANCELED)
    static let gone = Int32(SLUICE_GONE)
    static let timedOut = Int32(SLUICE_ETIMEDOUT)
    static let failed = Int32(SLUICE_EIO)
    static let again = Int32(SLUICE_EAGAIN)
}
