// The request, in strengths: `RequestFacts` can be read in every phase, `Request` can also be changed and answered and exists in
// rewrite and access only, `RoutingRequest` chooses the cluster; so a call which a phase does not allow does not compile.
import CSluiceABI

/// Reading. Valid inside the hook that got it.
public struct RequestFacts: ~Copyable {
    let slot: Slot
    init(_ slot: Slot) { self.slot = slot }

    func attribute(_ number: Int) -> Bytes {
        slot.view(slot.pointee.request) { Tables.request.pointee.attribute($0, UInt32(number), $1) } ?? ""
    }
    public var method: Bytes { attribute(SLUICE_ATTRIBUTE_METHOD) }
    /// Path and query, not decoded.
    public var path: Bytes { attribute(SLUICE_ATTRIBUTE_PATH) }
    public var urlPath: Bytes { attribute(SLUICE_ATTRIBUTE_URL_PATH) }
    /// Behind the first '?', not decoded; may be empty.
    public var queryString: Bytes { attribute(SLUICE_ATTRIBUTE_QUERY) }
    public var host: Bytes { attribute(SLUICE_ATTRIBUTE_HOST) }
    public var scheme: Bytes { attribute(SLUICE_ATTRIBUTE_SCHEME) }
    /// "HTTP/1.0", "HTTP/1.1".
    public var httpVersion: Bytes { attribute(SLUICE_ATTRIBUTE_PROTOCOL) }
    /// Empty until a plugin set it.
    public var id: Bytes { attribute(SLUICE_ATTRIBUTE_REQUEST_ID) }
    public var sourceAddress: Bytes { attribute(SLUICE_ATTRIBUTE_SOURCE_ADDRESS) }
    /// Decimal.
    public var sourcePort: Bytes { attribute(SLUICE_ATTRIBUTE_SOURCE_PORT) }
    public var routeID: Bytes { attribute(SLUICE_ATTRIBUTE_ROUTE_ID) }
    /// Empty when the route has none.
    public var clusterID: Bytes { attribute(SLUICE_ATTRIBUTE_CLUSTER_ID) }
    /// Empty before a target was chosen.
    public var target: Bytes { attribute(SLUICE_ATTRIBUTE_TARGET) }
    /// Empty until a plugin set it.
    public var consumer: Bytes { attribute(SLUICE_ATTRIBUTE_CONSUMER) }

    public func header(_ name: Bytes) -> Bytes? {
        slot.view(slot.pointee.request) { Tables.request.pointee.header($0, name.view, $1) }
    }
    /// First query argument of this name, decoded.
    public func query(_ name: Bytes) -> Bytes? {
        slot.view(slot.pointee.request) { Tables.request.pointee.query($0, name.view, $1) }
    }
    /// Every header field in order, until `body` returns false.
    public func forEachHeader(_ body: (_ name: Bytes, _ value: Bytes) -> Bool) {
        guard let request = slot.pointee.request else { return }
        eachHeader(body) { Tables.request.pointee.headers(request, $0, $1, $2) }
    }
    /// Memory that stays until the request ends, not initialised; nil when the request may have no more.
    public func allocate(_ count: Int) -> UnsafeMutablePointer<UInt8>? {
        guard let request = slot.pointee.request, count >= 0 else { return nil }
        return Tables.memory.pointee.allocate(request, UInt64(count))?.assumingMemoryBound(to: UInt8.self)
    }
    /// A copy that stays valid and unchanged until the request ends; nil when the request may have no more.
    public func keep(_ bytes: Bytes) -> Bytes? {
        guard let request = slot.pointee.request else { return nil }
        var copy = sluice_request_view()
        guard Tables.memory.pointee.duplicate(request, bytes.view, &copy) == 0 else { return nil }
        return copy.data.map { Bytes($0, Int(copy.size)) } ?? ""
    }
}

/// At most 128 fields: the host takes no longer heads.
func eachHeader(
    _ body: (Bytes, Bytes) -> Bool, _ ask: (UnsafeMutablePointer<sluice_header>?, UInt32, UnsafeMutablePointer<UInt32>) -> Int32
) {
    withUnsafeTemporaryAllocation(of: sluice_header.self, capacity: 128) { fields in
        var count: UInt32 = 0
        _ = ask(fields.baseAddress, 128, &count)
        for i in 0..<min(Int(count), 128) where !body(Bytes(fields[i].name), Bytes(fields[i].value)) { return }
    }
}

/// Reading and changing, in rewrite and access. Gathering the body: `RequestBody.swift`.
public struct Request: ~Copyable {
    let slot: Slot
    public let facts: RequestFacts
    public var headers: RequestHeaders
    public var body: RequestBody
    init(_ slot: Slot) {
        self.slot = slot
        facts = RequestFacts(slot)
        headers = RequestHeaders(slot)
        body = RequestBody(slot)
    }

    public var method: Bytes {
        get { facts.method }
        set { edit { Tables.requestEdit.pointee.set_method($0, newValue.view) } }
    }
    /// Path and query for the upstream.
    public var path: Bytes {
        get { facts.path }
        set { edit { Tables.requestEdit.pointee.set_path($0, newValue.view) } }
    }
    public var host: Bytes {
        get { facts.host }
        set { edit { Tables.requestEdit.pointee.set_host($0, newValue.view) } }
    }
    /// Shown in the access log; sets no header.
    public var id: Bytes {
        get { facts.id }
        set { edit { Tables.requestEdit.pointee.set_request_id($0, newValue.view) } }
    }
    public var consumer: Bytes {
        get { facts.consumer }
        set { edit { Tables.requestEdit.pointee.set_consumer($0, newValue.view) } }
    }
    /// Removes every query argument of this name.
    public mutating func removeQuery(_ name: Bytes) { edit { Tables.requestEdit.pointee.remove_query($0, name.view) } }

    /// Result of the last edit of the request line or an attribute: 0 or a negative SLUICE_E….
    public private(set) var lastStatus: Int32 = 0
    private mutating func edit(_ body: (OpaquePointer) -> Int32) { lastStatus = slot.ask(body) }

    /// The request goes to the cluster of this name instead of the route's. Throws when there is none.
    public mutating func chooseCluster(_ name: Bytes) throws(HostError) { try SluicePlugin.chooseCluster(slot, name) }

    /// Adds a field to the answer's head.
    public mutating func addAnswerHeader(_ name: Bytes, _ value: Bytes) {
        edit { Tables.answer.pointee.add_header($0, name.view, value.view) }
    }
    /// Answers instead of the upstream (status 200…599); the hook returns what this returns.
    public mutating func answer(_ status: Int, _ body: Bytes = "") -> Verdict {
        edit { Tables.answer.pointee.respond($0, UInt32(clamping: status), body.view) }
        return lastStatus == Int32(SLUICE_ANSWERED) ? .answered : .failed
    }
    /// The same with a text of the plugin's own.
    public mutating func answer(_ status: Int, text: String) -> Verdict { text.withBytes { answer(status, $0) } }
    /// The same with bytes of the plugin's own.
    public mutating func answer(_ status: Int, bytes: [UInt8]) -> Verdict { bytes.withBytes { answer(status, $0) } }
}

/// Reading, answering, and choosing the cluster, in routing.
public struct RoutingRequest: ~Copyable {
    let slot: Slot
    public let facts: RequestFacts
    init(_ slot: Slot) {
        self.slot = slot
        facts = RequestFacts(slot)
    }
    /// The request goes to the cluster of this name instead of the route's. Throws when there is none.
    public mutating func chooseCluster(_ name: Bytes) throws(HostError) { try SluicePlugin.chooseCluster(slot, name) }
    /// Is there a cluster of this name in the configuration in force?
    public func hasCluster(_ name: Bytes) -> Bool {
        slot.ask { Tables.cluster?.pointee.find($0, name.view) ?? missing } == 0
    }
}

private func chooseCluster(_ slot: Slot, _ name: Bytes) throws(HostError) {
    try check(slot.ask { Tables.cluster?.pointee.choose($0, name.view) ?? missing })
}
