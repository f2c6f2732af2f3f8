// Header fields of a request or a response. `headers["x"]` reads the first field of a name, assigning replaces all of
// that name, assigning nil removes them. A write that the host refuses (a framing field, a control character) shows in `lastStatus`.
import CSluiceABI

public struct RequestHeaders: ~Copyable {
    @usableFromInline let handle: OpaquePointer
    /// Result of the last write: 0 or a negative SLUICE_E….
    public private(set) var lastStatus: Int32 = 0
    @usableFromInline init(_ handle: OpaquePointer) { self.handle = handle }

    public subscript(_ name: Bytes) -> Bytes? {
        get {
            var value = sluice_view()
            return Tables.request.pointee.header(handle, name.view, &value) == 0 ? Bytes(value) : nil
        }
        set {
            if let newValue {
                lastStatus = Tables.requestEdit.pointee.set_header(handle, name.view, newValue.view)
            } else {
                lastStatus = Tables.requestEdit.pointee.remove_header(handle, name.view)
            }
        }
    }
    /// A field more, behind those that are there.
    public mutating func add(_ name: Bytes, _ value: Bytes) {
        lastStatus = Tables.requestEdit.pointee.add_header(handle, name.view, value.view)
    }
}

public struct ResponseHeaders: ~Copyable {
    @usableFromInline let handle: OpaquePointer
    /// Result of the last write: 0 or a negative SLUICE_E….
    public private(set) var lastStatus: Int32 = 0
    @usableFromInline init(_ handle: OpaquePointer) { self.handle = handle }

    public subscript(_ name: Bytes) -> Bytes? {
        get {
            var value = sluice_view()
            return Tables.response.pointee.header(handle, name.view, &value) == 0 ? Bytes(value) : nil
        }
        set {
            if let newValue {
                lastStatus = Tables.response.pointee.set_header(handle, name.view, newValue.view)
            } else {
                lastStatus = Tables.response.pointee.remove_header(handle, name.view)
            }
        }
    }
    public mutating func add(_ name: Bytes, _ value: Bytes) {
        lastStatus = Tables.response.pointee.add_header(handle, name.view, value.view)
    }
}
