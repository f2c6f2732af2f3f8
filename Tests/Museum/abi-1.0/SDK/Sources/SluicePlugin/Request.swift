// The request, in two strengths: `RequestFacts` can be read in every phase, `Request` can also be changed and answered and
// exists in rewrite and access only, so that a call which a phase does not allow does not compile.
import CSluiceABI

/// Reading. Valid inside the hook that got it.
public struct RequestFacts: ~Copyable {
    @usableFromInline let handle: OpaquePointer
    @usableFromInline init(_ handle: OpaquePointer) { self.handle = handle }

    @usableFromInline func attribute(_ number: Int) -> Bytes {
        var value = sluice_view()
        return Tables.request.pointee.attribute(handle, UInt32(number), &value) == 0 ? Bytes(value) : ""
    }
    public var method: Bytes { attribute(SLUICE_ATTRIBUTE_METHOD) }
    /// Path and query, not decoded.
    public var path: Bytes { attribute(SLUICE_ATTRIBUTE_PATH) }
    public var urlPath: Bytes { attribute(SLUICE_ATTRIBUTE_URL_PATH) }
    public var host: Bytes { attribute(SLUICE_ATTRIBUTE_HOST) }
    public var scheme: Bytes { attribute(SLUICE_ATTRIBUTE_SCHEME) }
    public var id: Bytes { attribute(SLUICE_ATTRIBUTE_REQUEST_ID) }
    public var sourceAddress: Bytes { attribute(SLUICE_ATTRIBUTE_SOURCE_ADDRESS) }
    public var routeID: Bytes { attribute(SLUICE_ATTRIBUTE_ROUTE_ID) }
    public var consumer: Bytes { attribute(SLUICE_ATTRIBUTE_CONSUMER) }

    public func header(_ name: Bytes) -> Bytes? {
        var value = sluice_view()
        return Tables.request.pointee.header(handle, name.view, &value) == 0 ? Bytes(value) : nil
    }
    /// First query argument of this name, decoded.
    public func query(_ name: Bytes) -> Bytes? {
        var value = sluice_view()
        return Tables.request.pointee.query(handle, name.view, &value) == 0 ? Bytes(value) : nil
    }
    /// Memory that stays until the request ends, not initialised; nil when the request may have no more.
    public func allocate(_ count: Int) -> UnsafeMutablePointer<UInt8>? {
        Tables.memory.pointee.allocate(handle, UInt64(count))?.assumingMemoryBound(to: UInt8.self)
    }
}

/// Reading and changing, in rewrite and access.
public struct Request: ~Copyable {
    @usableFromInline let handle: OpaquePointer
    public let facts: RequestFacts
    public var headers: RequestHeaders
    @usableFromInline init(_ handle: OpaquePointer) {
        self.handle = handle
        facts = RequestFacts(handle)
        headers = RequestHeaders(handle)
    }

    public var method: Bytes {
        get { facts.method }
        set { _ = Tables.requestEdit.pointee.set_method(handle, newValue.view) }
    }
    /// Path and query for the upstream.
    public var path: Bytes {
        get { facts.path }
        set { _ = Tables.requestEdit.pointee.set_path(handle, newValue.view) }
    }
    public var host: Bytes {
        get { facts.host }
        set { _ = Tables.requestEdit.pointee.set_host(handle, newValue.view) }
    }
    /// Shown in the access log; sets no header.
    public var id: Bytes {
        get { facts.id }
        set { _ = Tables.requestEdit.pointee.set_request_id(handle, newValue.view) }
    }
    public var consumer: Bytes {
        get { facts.consumer }
        set { _ = Tables.requestEdit.pointee.set_consumer(handle, newValue.view) }
    }
    /// Removes every query argument of this name.
    public mutating func removeQuery(_ name: Bytes) { _ = Tables.requestEdit.pointee.remove_query(handle, name.view) }

    /// Adds a field to the answer's head.
    public mutating func addAnswerHeader(_ name: Bytes, _ value: Bytes) {
        _ = Tables.answer.pointee.add_header(handle, name.view, value.view)
    }

    /// Answers instead of the upstream; the hook returns what this returns.
    public mutating func answer(_ status: Int, _ body: Bytes = "") -> Verdict {
        Tables.answer.pointee.respond(handle, UInt32(clamping: status), body.view) == Int32(SLUICE_ANSWERED) ? .answered : .failed
    }
}
