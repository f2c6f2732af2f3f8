// The whole response, made by the plugin and streamed, in content.
//
//     func content(_ response: inout Content) async throws -> Verdict {
//         try response.start(200)
//         response.addHeader("Content-Type", "text/plain")
//         for line in lines { try await response.write(text: line) }
//         return response.finish()
//     }
import CSluiceABI

public struct Content: ~Copyable {
    let slot: Slot
    public let request: RequestFacts
    /// The body of the request.
    public var requestBody: RequestBody
    init(_ slot: Slot) {
        self.slot = slot
        request = RequestFacts(slot)
        requestBody = RequestBody(slot)
    }

    /// Status 200…599 and the body's length in bytes, nil when it is not known. Nothing is sent before the first write or finish.
    public mutating func start(_ status: Int, length: Int? = nil) throws(HostError) {
        try check(slot.ask { Tables.content?.pointee.start($0, UInt32(clamping: status), Int64(length ?? -1)) ?? missing })
    }
    /// Before the first write. False: the host refuses it.
    @discardableResult public mutating func addHeader(_ name: Bytes, _ value: Bytes) -> Bool {
        slot.ask { Tables.content?.pointee.add_header($0, name.view, value.view) ?? missing } == 0
    }

    /// Bytes of the body, copied; waits while the client takes nothing. In asynchronous hooks. Throws `HostError.cancelled` when the
    /// client left.
    public mutating func write(_ bytes: Bytes) async throws(HostError) {
        let status = writeStatus(bytes)
        if status != Int32(SLUICE_EAGAIN) { return try check(status) }
        guard let call = slot.pointee.call else { throw HostError(status) }  // the bytes were taken; wait for room behind them
        try check(await call.takeUnretainedValue().untilCalledAgain())
    }
    /// The same with a text of the plugin's own.
    public mutating func write(text: String) async throws(HostError) {
        var bytes = Array(text.utf8)  // a small string has no address to lend across the wait
        try await write(bytes: &bytes)
    }
    /// The same with bytes of the plugin's own.
    public mutating func write(bytes: [UInt8]) async throws(HostError) {
        var bytes = bytes
        try await write(bytes: &bytes)
    }
    private mutating func write(bytes: inout [UInt8]) async throws(HostError) {
        let status = bytes.withBytes { writeStatus($0) }
        if status != Int32(SLUICE_EAGAIN) { return try check(status) }
        guard let call = slot.pointee.call else { throw HostError(status) }
        try check(await call.takeUnretainedValue().untilCalledAgain())
    }

    /// In synchronous hooks: true when more may be written. False: the bytes were taken; return `.again`, and the hook is called again
    /// when there is room. `state` tells it then where it was.
    public mutating func writeNow(_ bytes: Bytes) throws(HostError) -> Bool {
        let status = writeStatus(bytes)
        if status == Int32(SLUICE_EAGAIN) { return false }
        try check(status)
        return true
    }
    private func writeStatus(_ bytes: Bytes) -> Int32 { slot.ask { Tables.content?.pointee.write($0, bytes.view) ?? missing } }

    /// The response is complete; the hook returns what this returns.
    public mutating func finish() -> Verdict {
        slot.ask { Tables.content?.pointee.finish($0) ?? missing } == Int32(SLUICE_ANSWERED) ? .answered : .failed
    }

    /// A number of the plugin's own for this response, 0 at first: what a synchronous hook that is called again goes on from.
    public var state: Int {
        get { slot.pointee.handle.flatMap { h in Tables.content.map { Int(bitPattern: $0.pointee.data(h)) } } ?? 0 }
        nonmutating set {
            if let handle = slot.pointee.handle { Tables.content?.pointee.set_data(handle, UnsafeMutableRawPointer(bitPattern: newValue)) }
        }
    }
}
