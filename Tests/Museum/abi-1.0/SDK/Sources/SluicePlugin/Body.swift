// One piece of the response body, in body_filter.
import CSluiceABI

public struct Body: ~Copyable {
    @usableFromInline let handle: OpaquePointer
    public let request: RequestFacts
    @usableFromInline init(_ handle: OpaquePointer) {
        self.handle = handle
        request = RequestFacts(handle: Tables.body.pointee.request(handle))
    }

    /// The chunk; its size says nothing.
    public var chunk: Bytes {
        var value = sluice_view()
        return Tables.body.pointee.chunk(handle, &value) == 0 ? Bytes(value) : ""
    }
    /// Nothing follows.
    public var isLast: Bool { Tables.body.pointee.is_last(handle) != 0 }

    /// These bytes instead of the chunk; none swallow it. False: the host has no room.
    @discardableResult public mutating func replace(_ bytes: Bytes) -> Bool { Tables.body.pointee.replace(handle, bytes.view) == 0 }
    @discardableResult public mutating func append(_ bytes: Bytes) -> Bool { Tables.body.pointee.append(handle, bytes.view) == 0 }

    /// Changes the chunk's bytes in place. False: the host has no room.
    @discardableResult public mutating func change(_ body: (UnsafeMutableBufferPointer<UInt8>) -> Void) -> Bool {
        var data: UnsafeMutablePointer<UInt8>?
        var size: UInt64 = 0
        guard Tables.body.pointee.writable(handle, &data, &size) == 0 else { return false }
        body(UnsafeMutableBufferPointer(start: data, count: Int(size)))
        return true
    }
}
