// "sluice.request-edit/1": changing the request, in rewrite and access. What a name or value may be is checked in
// `EditRules.swift` and in HeaderMap; what is written here can neither move a message border nor add a line.
import CSluiceABI
import SluiceBytes
import SluiceHTTP
import SluiceModel

/// Adds or replaces a field of `map`, copied into the request's arena.
@inline(__always) func edit(_ map: inout HeaderMap, _ ctx: Context, _ name: sluice_view, _ value: sluice_view, replacing: Bool) -> Int32 {
    guard let name = bytes(name), let value = bytes(value), !EditRules.isHostOwned(name) else { return Status.invalid }
    let arena = ctx.pointee.arena
    if replacing ? map.set(name, value, arena: arena) : map.add(name, value, arena: arena) { return Status.ok }
    return arena.pointee.used + name.count + value.count + EditRules.editBytes > Arena.bytesMax ? Status.noMemory : Status.invalid
}

@inline(__always) func remove(_ map: inout HeaderMap, _ name: sluice_view) -> Int32 {
    guard let name = bytes(name), !EditRules.isHostOwned(name) else { return Status.invalid }
    return map.remove(name) > 0 ? Status.ok : Status.notFound
}

/// A checked copy of `value` in the arena, handed to `store`.
@inline(__always) private func copied(
    _ handle: OpaquePointer?, _ value: sluice_view, _ allowed: (ByteView) -> Bool, _ store: (Context, ByteView) -> Void
) -> Int32 {
    guard let ctx = editable(handle) else { return handle == nil ? Status.invalid : Status.phase }
    guard let value = bytes(value), allowed(value) else { return Status.invalid }
    guard let copy = ctx.pointee.arena.pointee.copy(value) else { return Status.noMemory }
    store(ctx, copy)
    return Status.ok
}

extension HostTables {
    nonisolated(unsafe) static let requestEdit = make(
        sluice_request_edit_v1(
            size: UInt32(MemoryLayout<sluice_request_edit_v1>.size), reserved: 0,
            set_header: { handle, name, value in
                guard let ctx = editable(handle) else { return handle == nil ? Status.invalid : Status.phase }
                return edit(&ctx.pointee.request, ctx, name, value, replacing: true)
            },
            add_header: { handle, name, value in
                guard let ctx = editable(handle) else { return handle == nil ? Status.invalid : Status.phase }
                return edit(&ctx.pointee.request, ctx, name, value, replacing: false)
            },
            remove_header: { handle, name in
                guard let ctx = editable(handle) else { return handle == nil ? Status.invalid : Status.phase }
                return remove(&ctx.pointee.request, name)
            },
            set_path: { handle, value in copied(handle, value, EditRules.isPath) { $0.pointee.path = $1 } },
            set_method: { handle, value in copied(handle, value, EditRules.isMethod) { $0.pointee.method = $1 } },
            set_host: { handle, value in copied(handle, value, EditRules.isHost) { $0.pointee.host = $1 } },
            remove_query: { handle, name in
                guard let ctx = editable(handle) else { return handle == nil ? Status.invalid : Status.phase }
                guard let name = bytes(name) else { return Status.invalid }
                return QueryString.remove(name, ctx)
            },
            set_request_id: { handle, value in copied(handle, value, EditRules.isRequestID) { $0.pointee.requestID = $1 } },
            set_consumer: { handle, value in copied(handle, value, EditRules.isConsumer) { $0.pointee.consumer = $1 } }))
}
