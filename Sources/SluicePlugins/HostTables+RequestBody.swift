// "sluice.request-body/1": the request's body in rewrite and access, gathered on demand. The bytes are in `RequestBody`; the
// pipeline fills it while the hook waits.
import CSluiceABI
import SluiceBytes

extension HostTables {
    nonisolated(unsafe) static let requestBody = make(
        sluice_request_body_v1(
            size: UInt32(MemoryLayout<sluice_request_body_v1>.size), reserved: 0,
            gather: { handle in
                guard let ctx = editable(handle) else { return handle == nil ? Status.invalid : Status.phase }
                return gatherBody(ctx)
            },
            pieces: { handle, pieces, room, count in
                guard let ctx = reading(handle), let count else { return Status.invalid }
                let body = ctx.pointee.body
                count.pointee = body.state == .complete && body.count > 0 ? 1 : 0
                if count.pointee == 0 { return Status.ok }
                guard room > 0 else { return Status.limit }
                guard let pieces else { return Status.invalid }
                pieces.pointee = body.view.view
                return Status.ok
            },
            length: { handle in
                guard let ctx = reading(handle) else { return -1 }
                return ctx.pointee.body.state == .complete ? Int64(ctx.pointee.body.count) : ctx.pointee.body.declared
            },
            replace: { handle, bytes in
                guard let ctx = editable(handle) else { return handle == nil ? Status.invalid : Status.phase }
                guard let view = SluicePlugins.bytes(bytes) else { return Status.invalid }
                guard ctx.pointee.body.state == .complete else { return Status.phase }
                guard UInt64(view.count) <= ctx.pointee.body.limit else { return Status.limit }
                return ctx.pointee.body.replace(view) ? Status.ok : Status.noMemory
            },
            writable: { handle, index, data, size in
                guard let ctx = editable(handle) else { return handle == nil ? Status.invalid : Status.phase }
                guard let data, let size else { return Status.invalid }
                guard ctx.pointee.body.state == .complete, index == 0, let start = ctx.pointee.body.data else { return Status.notFound }
                data.pointee = start
                size.pointee = UInt64(ctx.pointee.body.count)
                return Status.ok
            }))
}

/// Complete, or the hook waits: on its fiber here, elsewhere by returning SLUICE_SUSPEND.
private func gatherBody(_ ctx: Context) -> Int32 {
    if ctx.pointee.body.state == .complete { return Status.ok }
    ctx.wantsAttention()
    return PluginHost.park(ctx, on: .body)
}
