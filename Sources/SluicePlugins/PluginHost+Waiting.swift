// What the worker and the pipeline have to do with waiting: turning the board, taking results of hooks that were parked, going on with a
// hook that waited for the body or for room, ending the hooks of an exchange. Where plugins come from: `PluginHost.swift`.
import CSluiceABI
import SluiceLoop
import SluiceShared

/// A hook that was parked has ended; the pipeline goes on behind it in the chain.
public struct FinishedCall {
    public let context: UnsafeMutablePointer<MessageContext>
    public let phase: PluginPhase
    /// As of `BoundPlugin.run`: 0, 1 or negative, the failure mode applied.
    public let result: Int32
}

extension PluginHost {
    /// Level-triggered readable when descriptors or other threads have something for `turn`: the worker nests it in its own poller.
    public var descriptor: Int32 { board.poller.nestable }

    /// Milliseconds until `turn` has something to do, by the monotonic clock in ms; -1: when `descriptor` says so.
    public func waitMs(nowMs: UInt64) -> Int32 {
        let ms = board.waitMs(nowMs)
        return leaving.isEmpty || ms >= 0 && ms < 100 ? ms : 100  // those who leave are looked after
    }

    /// Nothing is under way, and unless `descriptor` was reported `turn` has nothing to do: what most workers are most of the time.
    /// Tells the board the time, which plugins may ask for.
    public func isQuiet(nowMs: UInt64) -> Bool {
        board.nowMs = nowMs
        return board.inUse == 0 && board.local.isEmpty && leaving.isEmpty
    }

    /// Once a turn of the loop, before `nextFinished`: jobs, timers, descriptors, hooks that go on. `descriptorsReady`: `descriptor` was
    /// reported (true is always right and costs a system call).
    public func turn(nowMs: UInt64, descriptorsReady: Bool = true) {
        board.turn(nowMs, descriptorsReady: descriptorsReady)
        if !leaving.isEmpty { finishLeaving(nowMs) }
    }

    /// The next parked hook that has ended. Call until nil; each call's context may be cancelled before it was taken.
    public func nextFinished() -> FinishedCall? { board.nextFinished() }

    /// Goes on with the hook that waits for `.body` or `.room`: on its fiber, where its wait returns `status`, or, without one, by
    /// calling it again. Returns as `BoundPlugin.run` does; 0 when no hook of `phase` waits for that.
    public func resume(_ ctx: UnsafeMutablePointer<MessageContext>, _ phase: PluginPhase, status: Int32) -> Int32 {
        guard let e = BoardEntry.of(phase == .content ? ctx.pointee.producer : ctx.pointee.parked) else { return 0 }
        return e.pointee.state == .waiting && e.pointee.wait != .call ? board.goOn(e, status) : 0
    }

    /// The exchange is over (client gone, route's time over, failure elsewhere): every parked hook of `ctx` gets SLUICE_ECANCELED from its
    /// wait and from all later ones and runs to its end now; results are ignored. Nothing refers to `ctx` afterwards.
    /// Not from inside a hook of the same exchange.
    public func cancel(_ ctx: UnsafeMutablePointer<MessageContext>) { board.cancel(ctx) }

    /// Is a hook of this exchange parked, or its result not taken yet?
    public static func isParked(_ ctx: UnsafeMutablePointer<MessageContext>) -> Bool {
        ctx.pointee.parked != nil || ctx.pointee.producer != nil
    }

    /// Once a second: stacks of fibers that nobody needs give their memory back, idle connections of plugins are closed in time.
    public func trim() {
        board.fibers.trim()
        board.clients.trim(board.nowMs)
    }

    /// For host functions: the hook that runs on `ctx` waits for `wait` (`.body` or `.room`). On a fiber this returns when
    /// `resume(ctx, status)` was called, with that status, or SLUICE_ECANCELED. Without one it returns SLUICE_SUSPEND at once: the host
    /// function returns it, the hook too, and the hook is called again. SLUICE_EAGAIN: no more may wait. Nothing that can dangle
    /// may be held across it: others have run meanwhile.
    public static func park(_ ctx: UnsafeMutablePointer<MessageContext>, on wait: Wait) -> Int32 {
        guard let b = ctx.pointee.binding, ctx.pointee.phase != PluginPhase.none else { return Int32(SLUICE_EPHASE) }
        if ctx.pointee.mayNotWait { return Int32(SLUICE_ECANCELED) }
        let board = b.pointee.owner.board
        if let f = board.parkable(b.pointee.owner) {
            guard let e = board.waiter(f) else { return Int32(SLUICE_EAGAIN) }
            return board.leave(f, e, wait)
        }
        return board.prepare(ctx, wait) == nil ? Int32(SLUICE_EAGAIN) : Int32(SLUICE_SUSPEND)
    }

    /// The running hook has a stack of its own, which `park` leaves and enters again.
    static func isOnFiber(_ ctx: UnsafeMutablePointer<MessageContext>) -> Bool {
        guard let b = ctx.pointee.binding else { return false }
        return b.pointee.owner.board.parkable(b.pointee.owner) != nil
    }

    /// What the parked hook of `phase` waits for: a hook that goes on by itself may wait for something else by now.
    public static func wait(_ ctx: UnsafeMutablePointer<MessageContext>, _ phase: PluginPhase) -> Wait {
        let e = BoardEntry.of(phase == .content ? ctx.pointee.producer : ctx.pointee.parked)
        return e.map { $0.pointee.state == .waiting ? $0.pointee.wait : .none } ?? .none
    }
}

extension MessageContext {
    /// The exchange is over, or the generation of the hook that runs goes by force.
    var mayNotWait: Bool { isCancelled || hookIsCancelled }
}

extension UnsafeMutablePointer where Pointee == MessageContext {
    /// Puts the request in line for the pipeline, which looks when the hook has paused.
    func wantsAttention() {
        guard !pointee.isInLine, let line = pointee.attention else { return }
        pointee.isInLine = true
        pointee.nextInLine = line.pointee
        line.pointee = self
    }
}
