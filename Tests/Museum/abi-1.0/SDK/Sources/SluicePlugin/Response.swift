// The response head before it leaves, in header_filter.
import CSluiceABI

public struct Response: ~Copyable {
    @usableFromInline let handle: OpaquePointer
    /// The request this is the response to.
    public let request: RequestFacts
    public var headers: ResponseHeaders
    @usableFromInline init(_ handle: OpaquePointer) {
        self.handle = handle
        request = RequestFacts(handle: Tables.response.pointee.request(handle))
        headers = ResponseHeaders(handle)
    }

    /// 200…599. A status without a body cannot become one with a body, nor the other way round.
    public var status: Int {
        get { Int(Tables.response.pointee.status(handle)) }
        set { _ = Tables.response.pointee.set_status(handle, UInt32(clamping: newValue)) }
    }
}

extension RequestFacts {
    /// The request of a handle of another family, which is never NULL inside its own hook.
    init(handle: OpaquePointer?) { self.init(handle.unsafelyUnwrapped) }
}
