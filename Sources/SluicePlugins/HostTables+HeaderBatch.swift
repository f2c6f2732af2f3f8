// "sluice.header-batch/1": many header fields in one call. Edits are checked first and applied only when all of them can be, so that
// none of them is applied alone.
import CSluiceABI
import SluiceBytes
import SluiceHTTP
import SluiceModel

/// values[i] = first field named names[i].
private func lookUp(
    _ map: borrowing HeaderMap, _ names: UnsafePointer<sluice_view>?, _ values: UnsafeMutablePointer<sluice_view>?, _ count: UInt32
) -> Int32 {
    if count == 0 { return 0 }
    guard count <= Limits.headerBatchMax else { return Status.limit }
    guard let names, let values else { return Status.invalid }
    var found: Int32 = 0
    for i in 0..<Int(count) {
        guard let name = bytes(names[i]) else { return Status.invalid }
        if let value = map.first(name) {
            values[i] = value.view
            found += 1
        } else {
            values[i] = sluice_view(data: nil, size: 0)
        }
    }
    return found
}

private func apply(_ map: inout HeaderMap, _ ctx: Context, _ edits: UnsafePointer<sluice_header_edit>?, _ count: UInt32) -> Int32 {
    if count == 0 { return Status.ok }
    guard count <= Limits.headerBatchMax else { return Status.limit }
    guard let edits else { return Status.invalid }
    var needed = 0  // bytes of the arena
    var added = 0
    for i in 0..<Int(count) {
        let edit = edits[i]
        guard let name = bytes(edit.name), !EditRules.isHostOwned(name) else { return Status.invalid }
        if edit.operation == UInt32(SLUICE_EDIT_REMOVE) { continue }
        guard edit.operation == UInt32(SLUICE_EDIT_SET) || edit.operation == UInt32(SLUICE_EDIT_ADD), let value = bytes(edit.value),
            HeaderMap.mayWrite(name, value)
        else { return Status.invalid }
        needed += ((name.count + 15) & ~15) + ((value.count + 15) & ~15)
        added += 1
    }
    let arena = ctx.pointee.arena
    guard map.reserve(added, arena: arena) else {
        return arena.pointee.used + EditRules.editBytes > Arena.bytesMax ? Status.noMemory : Status.limit
    }
    if arena.pointee.used + needed > Arena.bytesMax { return Status.noMemory }
    for i in 0..<Int(count) {  // nothing of this can fail any more
        let edit = edits[i]
        let name = bytes(edit.name).unsafelyUnwrapped  // looked at above
        if edit.operation == UInt32(SLUICE_EDIT_REMOVE) {
            _ = map.remove(name)
            continue
        }
        let value = bytes(edit.value).unsafelyUnwrapped
        let isSet = edit.operation == UInt32(SLUICE_EDIT_SET)
        let done = isSet ? map.set(name, value, arena: arena) : map.add(name, value, arena: arena)
        precondition(done, "a header edit that was checked failed")
    }
    return Status.ok
}

extension HostTables {
    nonisolated(unsafe) static let headerBatch = make(
        sluice_header_batch_v1(
            size: UInt32(MemoryLayout<sluice_header_batch_v1>.size), reserved: 0,
            request_headers: { handle, names, values, count in
                guard let ctx = reading(handle) else { return Status.invalid }
                return lookUp(ctx.pointee.request, names, values, count)
            },
            response_headers: { handle, names, values, count in
                guard let ctx = responding(handle) else { return handle == nil ? Status.invalid : Status.phase }
                return lookUp(ctx.pointee.response, names, values, count)
            },
            edit_request: { handle, edits, count in
                guard let ctx = editable(handle) else { return handle == nil ? Status.invalid : Status.phase }
                return apply(&ctx.pointee.request, ctx, edits, count)
            },
            edit_response: { handle, edits, count in
                guard let ctx = responding(handle) else { return handle == nil ? Status.invalid : Status.phase }
                return apply(&ctx.pointee.response, ctx, edits, count)
            }))
}
