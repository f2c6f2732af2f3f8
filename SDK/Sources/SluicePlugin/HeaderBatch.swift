// Many header fields in one call of the host, for plugins that look at several on every request.
import CSluiceABI

/// Edits of header fields, made in order, all or none. Reuse one per instance: nothing is allocated once it has grown.
public struct HeaderEdits: ~Copyable {
    /// How many fit into one call.
    public static var countMax: Int { 64 }
    var edits: [sluice_header_edit] = []
    public init() { edits.reserveCapacity(8) }

    public mutating func removeAll() { edits.removeAll(keepingCapacity: true) }
    public mutating func set(_ name: Bytes, _ value: Bytes) { append(SLUICE_EDIT_SET, name, value) }
    public mutating func add(_ name: Bytes, _ value: Bytes) { append(SLUICE_EDIT_ADD, name, value) }
    /// Removing what is not there is no error.
    public mutating func remove(_ name: Bytes) { append(SLUICE_EDIT_REMOVE, name, "") }
    private mutating func append(_ operation: Int, _ name: Bytes, _ value: Bytes) {
        edits.append(sluice_header_edit(operation: UInt32(operation), reserved: 0, name: name.view, value: value.view))
    }
}

extension RequestHeaders {
    /// Makes all edits or none; `lastStatus` tells. Above `HeaderEdits.countMax`: SLUICE_ELIMIT.
    public mutating func apply(_ batch: borrowing HeaderEdits) {
        let edits = batch.edits
        lastStatus = slot.ask { h in
            guard let table = Tables.headerBatch else { return missing }
            return edits.withUnsafeBufferPointer { table.pointee.edit_request(h, $0.baseAddress, UInt32(clamping: $0.count)) }
        }
    }
    /// The first field of each name, nil where there is none, for at most 64 names. Allocates the array that it returns.
    public func values(_ names: [Bytes]) -> [Bytes?] {
        guard let request = slot.pointee.request, let table = Tables.headerBatch else { return names.map { self[$0] } }
        return batch(names) { table.pointee.request_headers(request, $0, $1, $2) }
    }
}

extension ResponseHeaders {
    /// Makes all edits or none; `lastStatus` tells. Above `HeaderEdits.countMax`: SLUICE_ELIMIT.
    public mutating func apply(_ batch: borrowing HeaderEdits) {
        let edits = batch.edits
        lastStatus = slot.ask { h in
            guard let table = Tables.headerBatch else { return missing }
            return edits.withUnsafeBufferPointer { table.pointee.edit_response(h, $0.baseAddress, UInt32(clamping: $0.count)) }
        }
    }
    /// The first field of each name, nil where there is none, for at most 64 names. Allocates the array that it returns.
    public func values(_ names: [Bytes]) -> [Bytes?] {
        guard let response = slot.pointee.handle, let table = Tables.headerBatch else { return names.map { self[$0] } }
        return batch(names) { table.pointee.response_headers(response, $0, $1, $2) }
    }
}

private func batch(
    _ names: [Bytes], _ ask: (UnsafePointer<sluice_view>, UnsafeMutablePointer<sluice_view>, UInt32) -> Int32
) -> [Bytes?] {
    withUnsafeTemporaryAllocation(of: sluice_view.self, capacity: 2 * names.count + 1) { views in
        guard let keys = views.baseAddress else { return [] }
        views.initialize(repeating: sluice_view())
        for (i, name) in names.enumerated() { keys[i] = name.view }
        let values = keys + names.count
        _ = ask(keys, values, UInt32(clamping: names.count))
        return names.indices.map { values[$0].data == nil ? nil : Bytes(values[$0]) }
    }
}
