// "sluice.suspend/1": tokens for code with callbacks. What a token names is an entry of the board.
import CSluiceABI
import SluiceModel

extension HostTables {
    nonisolated(unsafe) static let suspend = make(
        sluice_suspend_v1(
            size: UInt32(MemoryLayout<sluice_suspend_v1>.size), reserved: 0,
            prepare: { handle, timeoutMs, token in prepare(handle, timeoutMs, nil, nil, token) },
            prepare_with: { handle, timeoutMs, then, data, token in
                then == nil ? Status.invalid : prepare(handle, timeoutMs, then, data, token)
            },
            resume: { host, token, status in
                guard let owner = owner(host) else { return Status.invalid }
                return owner.board.resume(owner, token, status)
            }))

    private static func prepare(
        _ handle: UnsafeMutableRawPointer?, _ timeoutMs: UInt32, _ then: sluice_continuation?, _ data: UnsafeMutableRawPointer?,
        _ token: UnsafeMutablePointer<sluice_token>?
    ) -> Int32 {
        guard let ctx = reading(handle.map { OpaquePointer($0) }), let token, timeoutMs > 0, timeoutMs <= Limits.pluginWaitMsMax else {
            return Status.invalid
        }
        guard let phase = PluginPhase(rawValue: ctx.pointee.phase), phase.mayPark, let b = ctx.pointee.binding else {
            misused(ctx)
            return Status.phase
        }
        if ctx.pointee.mayNotWait { return Status.canceled }
        let board = b.pointee.owner.board
        guard let e = board.prepare(ctx, .call) else { return board.refusal(b.pointee.owner) }
        (e.pointee.then, e.pointee.data) = (then, data)
        token.pointee = e.pointee.id
        board.armToken(e, timeoutMs)
        return Status.ok
    }
}
