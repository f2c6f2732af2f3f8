// The request's body in rewrite and access. Bodies flow by unless a plugin gathers them; then the hook sees the whole body, up to the
// limit of the route.
import CSluiceABI

public struct RequestBody: ~Copyable {
    let slot: Slot
    init(_ slot: Slot) { self.slot = slot }

    /// Waits until the body is complete (a request without one has an empty one). In asynchronous hooks.
    public mutating func gather() async throws(HostError) {
        while true {
            let status = gatherStatus()
            if status == 0 { return }
            guard status == Int32(SLUICE_SUSPEND), let call = slot.pointee.call else { throw HostError(min(status, -1)) }
            try check(await call.takeUnretainedValue().untilCalledAgain())
        }
    }

    /// In synchronous hooks: true when the body is complete. False: return `.again`, and the hook is called again when it is. On a
    /// fiber (manifest: "concurrency": "fiber") it waits itself and is never false.
    public mutating func gatherNow() throws(HostError) -> Bool {
        let status = gatherStatus()
        try check(status)
        return status == 0
    }
    private func ask(_ ask: (OpaquePointer) -> Int32) -> Int32 {
        guard let request = slot.pointee.request else { return Int32(SLUICE_GONE) }
        return ask(request)
    }
    private func gatherStatus() -> Int32 { ask { Tables.requestBody?.pointee.gather($0) ?? missing } }

    /// Bytes of the gathered body; of one that was not gathered what Content-Length says; nil when unknown.
    public var length: Int? {
        guard let handle = slot.pointee.request, let table = Tables.requestBody else { return nil }
        let n = table.pointee.length(handle)
        return n < 0 ? nil : Int(n)
    }

    /// The gathered body piece by piece, without a copy; nothing before it was gathered.
    public func forEachPiece(_ body: (Bytes) throws -> Void) throws {
        guard let handle = slot.pointee.request, let table = Tables.requestBody else { return }
        var count: UInt32 = 0
        _ = table.pointee.pieces(handle, nil, 0, &count)
        if count == 0 { return }
        try withUnsafeTemporaryAllocation(of: sluice_view.self, capacity: Int(count)) { pieces in
            try check(table.pointee.pieces(handle, pieces.baseAddress, count, &count))
            for i in 0..<min(Int(count), pieces.count) { try body(Bytes(pieces[i])) }
        }
    }
    /// A copy of the gathered body. Allocates.
    public func array() throws -> [UInt8] {
        var all: [UInt8] = []
        all.reserveCapacity(length ?? 0)
        try forEachPiece { all += $0.buffer }
        return all
    }
    /// A body decoded from JSON. Allocates.
    public func decode<T: Decodable>(_ type: T.Type) throws -> T {
        try array().withBytes { try ConfigDecoder.decode(type, from: $0, strict: false) }
    }

    /// These bytes instead of the gathered body; copied, sent with their own Content-Length.
    public mutating func replace(_ bytes: Bytes) throws(HostError) {
        try check(ask { Tables.requestBody?.pointee.replace($0, bytes.view) ?? missing })
    }
    /// Changes piece `index` of the gathered body in place.
    public mutating func changePiece(_ index: Int, _ body: (UnsafeMutableBufferPointer<UInt8>) -> Void) throws(HostError) {
        var data: UnsafeMutablePointer<UInt8>?
        var size: UInt64 = 0
        try check(ask { Tables.requestBody?.pointee.writable($0, UInt32(clamping: index), &data, &size) ?? missing })
        body(UnsafeMutableBufferPointer(start: data, count: Int(size)))
    }
}
