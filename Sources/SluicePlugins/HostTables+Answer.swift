// "sluice.answer/1": a plugin answers instead of the upstream, in rewrite, access and routing.
import CSluiceABI
import SluiceBytes

extension HostTables {
    nonisolated(unsafe) static let answer = make(
        sluice_answer_v1(
            size: UInt32(MemoryLayout<sluice_answer_v1>.size), reserved: 0,
            respond: { handle, status, body in
                guard let ctx = deciding(handle) else { return handle == nil ? Status.invalid : Status.phase }
                guard EditRules.isFinalStatus(status), let body = bytes(body), body.isEmpty || !EditRules.hasNoBody(status) else {
                    return Status.invalid
                }
                guard let copy = ctx.pointee.arena.pointee.copy(body) else { return Status.noMemory }
                ctx.pointee.answerStatus = UInt16(status)
                ctx.pointee.answerBody = copy
                return Status.answered
            },
            add_header: { handle, name, value in
                guard let ctx = deciding(handle) else { return handle == nil ? Status.invalid : Status.phase }
                return edit(&ctx.pointee.answerMap, ctx, name, value, replacing: false)
            }))
}
