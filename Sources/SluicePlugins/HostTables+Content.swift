// "sluice.content/1": the response that a hook makes itself. What it writes waits in `ContentStream`; the pipeline takes it from there.
import CSluiceABI
import SluiceBytes

extension HostTables {
    nonisolated(unsafe) static let content = make(
        sluice_content_v1(
            size: UInt32(MemoryLayout<sluice_content_v1>.size), reserved: 0,
            request: { handle in handle },  // one context behind every handle
            start: { handle, status, length in
                guard let ctx = making(handle) else { return handle == nil ? Status.invalid : Status.phase }
                guard !ctx.pointee.content.isStarted else { return Status.phase }
                guard EditRules.isFinalStatus(status), length >= -1, length <= 0 || !EditRules.hasNoBody(status) else {
                    return Status.invalid
                }
                ctx.pointee.content.isStarted = true
                ctx.pointee.content.status = UInt16(status)
                ctx.pointee.content.length = EditRules.hasNoBody(status) ? 0 : length
                return Status.ok
            },
            add_header: { handle, name, value in
                guard let ctx = making(handle), !ctx.pointee.content.headIsFixed else {
                    return handle == nil ? Status.invalid : Status.phase
                }
                return edit(&ctx.pointee.answerMap, ctx, name, value, replacing: false)
            },
            write: { handle, view in
                guard let ctx = making(handle) else { return handle == nil ? Status.invalid : Status.phase }
                guard let view = bytes(view) else { return Status.invalid }
                return write(ctx, view)
            },
            finish: { handle in
                guard let ctx = making(handle) else { return handle == nil ? Status.invalid : Status.phase }
                let content = ctx.pointee.content
                if ctx.pointee.mayNotWait { return Status.canceled }
                guard content.isStarted, content.length < 0 || content.written == content.length else { return Status.invalid }
                ctx.pointee.content.isFinished = true
                return Status.answered
            },
            data: { handle in making(handle)?.pointee.content.data },
            set_data: { handle, data in making(handle)?.pointee.content.data = data }))

    private static func write(_ ctx: Context, _ view: ByteView) -> Int32 {
        let content = ctx.pointee.content
        if ctx.pointee.mayNotWait { return Status.canceled }  // the hook is called or woken a last time
        guard content.isStarted, !content.isFinished else { return Status.phase }
        if content.length >= 0 && content.written + Int64(view.count) > content.length { return Status.invalid }
        // Without a fiber nobody waits here: all of it is taken, and the caller is asked to come back later.
        let parks = PluginHost.isOnFiber(ctx)
        if !parks && content.count + view.count > ContentStream.bytesMax { return Status.limit }
        var left = view
        while true {
            let n = ctx.pointee.content.append(left, limit: parks ? ContentStream.highWater : ContentStream.bytesMax)
            if n < 0 { return Status.noMemory }
            ctx.pointee.content.written += Int64(n)
            left = left.dropFirst(n)
            ctx.wantsAttention()
            if left.isEmpty && ctx.pointee.content.count < ContentStream.highWater { return Status.ok }
            if !parks {
                return PluginHost.park(ctx, on: .room) == Int32(SLUICE_SUSPEND) ? Status.again : Status.limit
            }
            let status = PluginHost.park(ctx, on: .room)
            if status != Status.ok || left.isEmpty { return status }
        }
    }
}

@inline(__always) private func making(_ handle: OpaquePointer?) -> Context? { inside(handle, .content, .content) }
