// The response head before it leaves, in header_filter.
import CSluiceABI

public struct Response: ~Copyable {
    let slot: Slot
    /// The request this is the response to.
    public let request: RequestFacts
    public var headers: ResponseHeaders
    init(_ slot: Slot) {
        self.slot = slot
        request = RequestFacts(slot)
        headers = ResponseHeaders(slot)
    }

    /// 200…599. A status without a body cannot become one with a body, nor the other way round.
    public var status: Int {
        get { slot.pointee.handle.map { Int(Tables.response.pointee.status($0)) } ?? 0 }
        set { headers.lastStatus = slot.ask { Tables.response.pointee.set_status($0, UInt32(clamping: newValue)) } }
    }
    /// Every header field in order, until `body` returns false.
    public func forEachHeader(_ body: (_ name: Bytes, _ value: Bytes) -> Bool) {
        guard let response = slot.pointee.handle else { return }
        eachHeader(body) { Tables.response.pointee.headers(response, $0, $1, $2) }
    }
}
