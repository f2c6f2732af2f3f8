// Hooks that wait. A hook on a fiber leaves its stack in the middle of a call and goes on there; one without a fiber returns SLUICE_SUSPEND,
// having prepared what it waits for: a token with or without a continuation, the body, room. Every parked hook is an entry of the board,
// which its request refers to (`parked`, or `producer` for content) until its result was taken.
//
//   run ─► 0, 1, negative
//    └──► 2 ─► wait .call: the board goes on ─► finished line ─► nextFinished
//          └─► wait .body, .room: the pipeline goes on by `resume` ─► 0, 1, negative, 2
import CSluiceABI
import SluiceLoop
import SluiceShared

extension TaskBoard {
    // MARK: on fibers

    /// Runs a hook on a fiber. As `BoundPlugin.run`.
    func startHook(_ b: UnsafeMutablePointer<BoundPlugin>, _ phase: PluginPhase, _ ctx: Context) -> Int32 {
        guard let f = fibers.take() else { return b.pointee.settle(phase, ctx, Int32(SLUICE_ELIMIT)) }
        f.pointee.owner = UnsafeMutableRawPointer(b.pointee.owner)
        f.pointee.context = UnsafeMutableRawPointer(ctx)
        f.pointee.binding = UnsafeMutableRawPointer(b)
        f.pointee.phase = phase.rawValue
        f.start { raw in
            let f = Fiber.of(raw)
            let b = f.pointee.binding.unsafelyUnwrapped.assumingMemoryBound(to: BoundPlugin.self)
            f.pointee.result = b.pointee.hooks[Int(f.pointee.phase)].unsafelyUnwrapped(
                b.pointee.instance, OpaquePointer(f.pointee.context.unsafelyUnwrapped))
        }
        return enterHook(f, b, phase, ctx, 0)
    }

    /// Enters a hook's fiber: parked (2), or ended and its result settled. Its entry is released when it has ended.
    private func enterHook(
        _ f: Fiber.Ref, _ b: UnsafeMutablePointer<BoundPlugin>, _ phase: PluginPhase, _ ctx: Context, _ value: Int32
    ) -> Int32 {
        _ = entered(b.pointee.owner, phase, ctx, b) {
            fibers.enter(f, value)
            return 0
        }
        guard f.isFinished else { return Int32(SLUICE_SUSPEND) }
        let result = f.pointee.result
        if let e = entry(f) {
            forget(e, ctx)
            release(e)
        }
        fibers.give(f)
        if result == 0 && ctx.pointee.answerStatus == 0 && ctx.pointee.pending == nil { return 0 }
        return b.pointee.settle(phase, ctx, result)
    }

    private func entry(_ f: Fiber.Ref) -> BoardEntry.Ref? { f.pointee.task?.assumingMemoryBound(to: BoardEntry.self) }

    /// The fiber that the running code of `owner` may leave; nil: not on a fiber, in a call made from one that may not wait, or in a Swift
    /// Task, whose allocator is a stack of its own.
    func parkable(_ owner: Owner) -> Fiber.Ref? {
        guard let f = fibers.current, f.pointee.owner == UnsafeMutableRawPointer(owner),
            UInt64(f.pointee.phase) == head.pointee.currentPhase,
            UInt64(UInt(bitPattern: f.pointee.context)) == head.pointee.currentContext, isWorkerThread
        else { return nil }
        return TaskBoard.currentTask == home ? f : nil
    }

    /// The entry that `f` waits on, made at its first wait; nil: no more can be had.
    func waiter(_ f: Fiber.Ref) -> BoardEntry.Ref? {
        if let e = entry(f) { return e }
        let owner = f.pointee.owner.unsafelyUnwrapped.assumingMemoryBound(to: PluginOwner.self)
        guard let e = take(.hook, .fiber, owner) else { return nil }
        let ctx = f.pointee.context.unsafelyUnwrapped.assumingMemoryBound(to: MessageContext.self)
        e.pointee.fiber = f
        (e.pointee.context, e.pointee.phase) = (ctx, PluginPhase(rawValue: f.pointee.phase) ?? .rewrite)
        e.pointee.binding = f.pointee.binding.unsafelyUnwrapped.assumingMemoryBound(to: BoundPlugin.self)
        f.pointee.task = UnsafeMutableRawPointer(e)
        remember(e, ctx)
        return e
    }

    /// Leaves `f`, the current fiber, until somebody goes on with `e`. Returns the status of the wait; at once when it was cancelled.
    func leave(_ f: Fiber.Ref, _ e: BoardEntry.Ref, _ wait: Wait) -> Int32 {
        if f.pointee.isCancelled {
            stopWaiting(e)
            return Int32(SLUICE_ECANCELED)
        }
        e.pointee.wait = wait
        if e.pointee.state == .idle { e.pointee.state = .waiting }
        e.pointee.parkedTick = TickClock.now
        if let ctx = e.pointee.context {
            ctx.pointee.wait = wait
            e.pointee.pending = ctx.pointee.pending
            ctx.pointee.pending = nil
        }
        let status = fibers.leave()
        if let ctx = e.pointee.context {
            ctx.pointee.pending = e.pointee.pending
            e.pointee.pending = nil
        }
        return status
    }

    // MARK: without a fiber

    /// Prepares the wait of the hook that runs now; whatever it prepared before is void. nil: no more can be had.
    func prepare(_ ctx: Context, _ wait: Wait) -> BoardEntry.Ref? {
        guard let b = ctx.pointee.binding, let phase = PluginPhase(rawValue: ctx.pointee.phase) else { return nil }
        dropPending(ctx)
        guard let e = take(.hook, .fiber, b.pointee.owner) else { return nil }
        (e.pointee.context, e.pointee.binding, e.pointee.phase, e.pointee.wait) = (ctx, b, phase, wait)
        ctx.pointee.pending = UnsafeMutableRawPointer(e)
        return e
    }

    /// The hook has returned without SLUICE_SUSPEND: what it prepared names nothing any more.
    func dropPending(_ ctx: Context) {
        if let p = ctx.pointee.pending { release(p.assumingMemoryBound(to: BoardEntry.self)) }
        ctx.pointee.pending = nil
    }

    /// The hook has returned SLUICE_SUSPEND: parks it, unless what it waits for has come already.
    func suspend(_ b: UnsafeMutablePointer<BoundPlugin>, _ phase: PluginPhase, _ ctx: Context) -> Int32 {
        let e = ctx.pointee.pending.unsafelyUnwrapped.assumingMemoryBound(to: BoardEntry.self)
        ctx.pointee.pending = nil
        if e.pointee.hasEnded { return conclude(e) }
        e.pointee.state = .waiting
        e.pointee.parkedTick = TickClock.now
        remember(e, ctx)
        ctx.pointee.wait = e.pointee.wait
        return Int32(SLUICE_SUSPEND)
    }

    /// Ends the wait of a hook without a fiber: its continuation runs, or its status is the result. As `BoundPlugin.run`.
    private func conclude(_ e: BoardEntry.Ref) -> Int32 {
        let ctx = e.pointee.context.unsafelyUnwrapped, b = e.pointee.binding.unsafelyUnwrapped, phase = e.pointee.phase
        let status = e.pointee.status, data = e.pointee.data
        let then = e.pointee.then
        forget(e, ctx)
        release(e)
        guard let then else { return b.pointee.settle(phase, ctx, status) }
        let result = entered(b.pointee.owner, phase, ctx, b) { then(data, UnsafeMutableRawPointer(ctx), status) }
        return b.pointee.settle(phase, ctx, result)
    }

    // MARK: going on

    /// The wait of a parked hook is over; it goes on, and when it ends the pipeline is told.
    func goOnHook(_ e: BoardEntry.Ref) {
        let ctx = e.pointee.context.unsafelyUnwrapped, b = e.pointee.binding.unsafelyUnwrapped, phase = e.pointee.phase
        let result = goOn(e, e.pointee.status)
        if result != Int32(SLUICE_SUSPEND) { finish(b, phase, ctx, result) }
    }

    /// Goes on with a parked hook at once. As `BoundPlugin.run`.
    func goOn(_ e: BoardEntry.Ref, _ status: Int32) -> Int32 {
        let ctx = e.pointee.context.unsafelyUnwrapped, b = e.pointee.binding.unsafelyUnwrapped, phase = e.pointee.phase
        b.pointee.counters.pointee.parked[Int(phase.rawValue)].add(TickClock.now &- e.pointee.parkedTick)
        stopWaiting(e)
        let prepared = ctx.pointee.pending  // by a hook that is running, should there be one
        ctx.pointee.pending = nil
        defer { ctx.pointee.pending = prepared }
        if let f = e.pointee.fiber { return enterHook(f, b, phase, ctx, status) }
        e.pointee.status = status
        if e.pointee.wait == .call { return conclude(e) }
        forget(e, ctx)
        release(e)
        b.pointee.counters.pointee.calls[Int(phase.rawValue)] &-= 1  // one call of a hook, however often it is called again
        return b.pointee.run(phase, ctx)
    }

    /// Leaves a result for the pipeline.
    private func finish(_ b: UnsafeMutablePointer<BoundPlugin>, _ phase: PluginPhase, _ ctx: Context, _ result: Int32) {
        let e = takeFinished()
        (e.pointee.context, e.pointee.binding, e.pointee.phase, e.pointee.status) = (ctx, b, phase, result)
        e.pointee.state = .finished
        finished.append(e)
        remember(e, ctx)
    }

    /// The oldest result that the pipeline has not taken.
    func nextFinished() -> FinishedCall? {
        guard let e = finished.popFirst() else { return nil }
        let ctx = e.pointee.context.unsafelyUnwrapped
        let call = FinishedCall(context: ctx, phase: e.pointee.phase, result: e.pointee.status)
        e.pointee.state = .idle
        forget(e, ctx)
        release(e)
        return call
    }

    // MARK: what a request refers to

    private func remember(_ e: BoardEntry.Ref, _ ctx: Context) {
        if e.pointee.phase == .content {
            ctx.pointee.producer = UnsafeMutableRawPointer(e)
        } else {
            ctx.pointee.parked = UnsafeMutableRawPointer(e)
        }
    }
    func forget(_ e: BoardEntry.Ref, _ ctx: Context) {
        if ctx.pointee.producer == UnsafeMutableRawPointer(e) { ctx.pointee.producer = nil }
        if ctx.pointee.parked == UnsafeMutableRawPointer(e) { ctx.pointee.parked = nil }
    }
}

extension BoardEntry {
    static func of(_ raw: UnsafeMutableRawPointer?) -> Ref? { raw?.assumingMemoryBound(to: BoardEntry.self) }
}

extension TaskBoard {
    /// A token's time runs from `prepare`; when the hook still runs at its end, the outcome waits for it.
    func armToken(_ e: BoardEntry.Ref, _ timeoutMs: UInt32) {
        e.pointee.statusOnTime = Status.timedOut
        timers.arm(node(e), clockMs &+ UInt64(timeoutMs))
    }
}
