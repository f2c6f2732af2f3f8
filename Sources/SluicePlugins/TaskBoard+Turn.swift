// One turn of the board: jobs, descriptors, timers, then whatever is ready, each a call into a plugin. What becomes ready meanwhile has
// its turn in the next one, so that no plugin keeps the worker by starting over and over.
import CSluiceABI
import SluiceLoop
import SluiceModel
import SluiceShared

extension TaskBoard {
    /// Milliseconds until there is something to do, for the worker's poller; -1: only a descriptor will tell.
    func waitMs(_ now: UInt64) -> Int32 {
        if !ready.isEmpty || !local.isEmpty || !finished.isEmpty { return 0 }
        let timer = timers.waitMs(nowMs: now), name = resolver?.waitMs ?? -1
        return timer < 0 || name >= 0 && name < timer ? name : timer
    }

    func turn(_ now: UInt64, descriptorsReady: Bool) {
        nowMs = now
        if descriptorsReady { takeEvents() }
        runJobs()
        if let resolver, resolver.pending > 0, resolver.waitMs == 0 { resolver.process() }
        while let n = timers.popExpired(nowMs: now) {
            let e = UnsafeMutableRawPointer(n).assumingMemoryBound(to: BoardEntry.self)
            complete(e, e.pointee.statusOnTime)
        }
        running.take(ready)
        while let e = running.popFirst() {
            e.pointee.state = .idle
            goOn(e)
        }
    }

    private func takeEvents() {
        let n = poller.wait(timeoutMs: 0)
        for i in 0..<n {
            let token = poller.token(i)
            if token == 0 {
                _ = jobs.drain()
                continue
            }
            if token == .max {
                resolver?.process()
                continue
            }
            guard let e = find(token), e.pointee.state == .waiting, e.pointee.fd >= 0 else { continue }
            let bits = poller.bits(i), asked = e.pointee.bits
            var seen: UInt32 = bits & Ready.hangup != 0 ? asked : 0
            if bits & Ready.read != 0 { seen |= UInt32(SLUICE_READABLE) }
            if bits & Ready.write != 0 { seen |= UInt32(SLUICE_WRITABLE) }
            if seen & asked != 0 { complete(e, Int32(seen & asked)) }
        }
    }

    private func runJobs() {
        var rest = local.count
        while rest > 0, let job = local.popFirst() {
            rest -= 1
            run(job)
        }
    }

    /// Hands a job to its plugin.
    func run(_ job: JobRing.Job) {
        let owner = job.owner
        owner.pointee.jobs.subtract(1, ordering: .releasing)
        owner.pointee.letGo(.job)
        let status = owner.pointee.isClosing.load(ordering: .relaxed) ? Int32(SLUICE_ECANCELED) : Status.ok
        call(owner) { job.callback(job.data, status) }
    }

    /// What the entry waited for has come.
    private func goOn(_ e: BoardEntry.Ref) {
        switch e.pointee.kind {
        case .free: break
        case .timer:
            let callback = e.pointee.callback.unsafelyUnwrapped, data = e.pointee.data, owner = e.pointee.owner.unsafelyUnwrapped
            let status = e.pointee.status
            if e.pointee.everyMs > 0 { arm(e, afterMs: e.pointee.everyMs, status: Status.ok) } else { release(e) }
            call(owner) { callback(data, status) }
        case .watch:
            let callback = e.pointee.callback.unsafelyUnwrapped, data = e.pointee.data, owner = e.pointee.owner.unsafelyUnwrapped
            let status = e.pointee.status
            release(e)
            call(owner) { callback(data, status) }
        case .background: goOnBackground(e)
        case .hook: goOnHook(e)
        case .exchange: e.pointee.exchange?.takeUnretainedValue().goOn(e, e.pointee.status)
        }
    }

    /// A callback of the loop: counted as phase timer.
    func call(_ owner: Owner, _ body: () -> Void) {
        owner.pointee.counters.pointee.calls[Int(PluginPhase.timer.rawValue)] &+= 1
        _ = entered(owner, .timer, nil, nil) {
            body()
            return 0
        }
    }

    /// Runs something of a plugin with the worker's record saying so; whoever ran before is running again afterwards.
    @inline(__always) func entered(
        _ owner: Owner, _ phase: PluginPhase, _ ctx: Context?, _ binding: UnsafeMutablePointer<BoundPlugin>?, _ body: () -> Int32
    ) -> Int32 {
        let outer = head.pointee.currentPlugin == 0 ? nil : OuterCall(head)
        if let ctx {
            ctx.pointee.phase = phase.rawValue
            ctx.pointee.counters = owner.pointee.counters
            ctx.pointee.binding = binding
        }
        head.pointee.currentPlugin = 0
        head.pointee.currentPhase = UInt64(phase.rawValue)
        head.pointee.currentGeneration = owner.pointee.generation
        head.pointee.currentContext = UInt64(UInt(bitPattern: ctx))
        let start = TickClock.now
        head.pointee.enteredTick = start
        head.pointee.currentPlugin = owner.pointee.stat  // last: whoever reads a plugin here finds the rest too
        let caller = callingOwner
        callingOwner = owner
        let result = body()
        callingOwner = caller
        head.pointee.currentPlugin = 0
        owner.pointee.counters.pointee.cpu[Int(phase.rawValue)].add(TickClock.now &- start)
        ctx?.pointee.phase = PluginPhase.none
        outer?.restore(head)
        return result
    }
}

/// What ran while something else of a plugin was called from inside it.
struct OuterCall {
    private let plugin: UInt64, generation: UInt64, phase: UInt64, context: UInt64, tick: UInt64
    private var counters: UnsafeMutablePointer<PluginCounters>?
    private var binding: UnsafeMutablePointer<BoundPlugin>?

    init(_ head: UnsafeMutablePointer<WorkerHead>) {
        (plugin, generation, phase) = (head.pointee.currentPlugin, head.pointee.currentGeneration, head.pointee.currentPhase)
        (context, tick) = (head.pointee.currentContext, head.pointee.enteredTick)
        guard let ctx = Context(bitPattern: UInt(context)) else { return }
        (counters, binding) = (ctx.pointee.counters, ctx.pointee.binding)
    }

    func restore(_ head: UnsafeMutablePointer<WorkerHead>) {
        if let ctx = Context(bitPattern: UInt(context)) {
            (ctx.pointee.counters, ctx.pointee.binding) = (counters, binding)
            ctx.pointee.phase = UInt8(truncatingIfNeeded: phase)
        }
        (head.pointee.currentGeneration, head.pointee.currentPhase, head.pointee.currentContext) = (generation, phase, context)
        head.pointee.enteredTick = tick
        head.pointee.currentPlugin = plugin
    }
}
