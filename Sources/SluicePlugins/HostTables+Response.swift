// "sluice.response/1": the response head, in header_filter.
import CSluiceABI
import SluiceBytes
import SluiceHTTP

extension HostTables {
    nonisolated(unsafe) static let response = make(
        sluice_response_v1(
            size: UInt32(MemoryLayout<sluice_response_v1>.size), reserved: 0,
            request: { handle in handle },  // one context behind every handle
            status: { handle in responding(handle).map { UInt32($0.pointee.status) } ?? 0 },
            set_status: { handle, status in
                guard let ctx = responding(handle) else { return handle == nil ? Status.invalid : Status.phase }
                let old = UInt32(ctx.pointee.status)
                guard EditRules.isFinalStatus(status), EditRules.hasNoBody(old) == EditRules.hasNoBody(status) else {
                    return Status.invalid
                }
                ctx.pointee.status = UInt16(status)
                return Status.ok
            },
            header: { handle, name, out in
                guard let ctx = responding(handle) else { return handle == nil ? Status.invalid : Status.phase }
                return SluicePlugins.header(ctx.pointee.response, name, out)
            },
            headers: { handle, out, room, count in
                guard let ctx = responding(handle) else { return handle == nil ? Status.invalid : Status.phase }
                return SluicePlugins.headers(ctx.pointee.response, out, room, count)
            },
            set_header: { handle, name, value in
                guard let ctx = responding(handle) else { return handle == nil ? Status.invalid : Status.phase }
                return edit(&ctx.pointee.response, ctx, name, value, replacing: true)
            },
            add_header: { handle, name, value in
                guard let ctx = responding(handle) else { return handle == nil ? Status.invalid : Status.phase }
                return edit(&ctx.pointee.response, ctx, name, value, replacing: false)
            },
            remove_header: { handle, name in
                guard let ctx = responding(handle) else { return handle == nil ? Status.invalid : Status.phase }
                return remove(&ctx.pointee.response, name)
            }))
}
