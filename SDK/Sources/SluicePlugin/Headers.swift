// Header fields of a request or a response. `headers["x"]` reads the first field of a name, assigning replaces all of that name,
// assigning nil removes them; `headers[text: "x"]` does the same with strings. A write that the host refuses (a framing field, a control
// character) shows in `lastStatus`. Several fields in one call: `HeaderBatch.swift`.
import CSluiceABI

public struct RequestHeaders: ~Copyable {
    let slot: Slot
    /// Result of the last write: 0 or a negative SLUICE_E….
    public internal(set) var lastStatus: Int32 = 0
    init(_ slot: Slot) { self.slot = slot }

    public subscript(_ name: Bytes) -> Bytes? {
        get { slot.view(slot.pointee.request) { Tables.request.pointee.header($0, name.view, $1) } }
        set {
            lastStatus = slot.ask {
                guard let newValue else { return Tables.requestEdit.pointee.remove_header($0, name.view) }
                return Tables.requestEdit.pointee.set_header($0, name.view, newValue.view)
            }
        }
    }
    /// The same with copies. Allocates.
    public subscript(text name: String) -> String? {
        get { name.withBytes { self[$0]?.string } }
        set {
            name.withBytes { name in
                if let newValue { newValue.withBytes { self[name] = $0 } } else { self[name] = nil }
            }
        }
    }
    /// A field more, behind those that are there.
    public mutating func add(_ name: Bytes, _ value: Bytes) {
        lastStatus = slot.ask { Tables.requestEdit.pointee.add_header($0, name.view, value.view) }
    }
}

public struct ResponseHeaders: ~Copyable {
    let slot: Slot
    /// Result of the last write: 0 or a negative SLUICE_E….
    public internal(set) var lastStatus: Int32 = 0
    init(_ slot: Slot) { self.slot = slot }

    public subscript(_ name: Bytes) -> Bytes? {
        get { slot.view(slot.pointee.handle) { Tables.response.pointee.header($0, name.view, $1) } }
        set {
            lastStatus = slot.ask {
                guard let newValue else { return Tables.response.pointee.remove_header($0, name.view) }
                return Tables.response.pointee.set_header($0, name.view, newValue.view)
            }
        }
    }
    /// The same with copies. Allocates.
    public subscript(text name: String) -> String? {
        get { name.withBytes { self[$0]?.string } }
        set {
            name.withBytes { name in
                if let newValue { newValue.withBytes { self[name] = $0 } } else { self[name] = nil }
            }
        }
    }
    /// A field more, behind those that are there.
    public mutating func add(_ name: Bytes, _ value: Bytes) {
        lastStatus = slot.ask { Tables.response.pointee.add_header($0, name.view, value.view) }
    }
}
