// Walking a phase's hooks, and going on where a hook had begun to wait. A walk is left in the middle when a hook parks and is entered
// again at the same place: `Exchange.hookPhase` and `hookIndex` are all there is to remember. Content hooks run beside filters of the
// same request, so their place is kept apart (`Pipeline+Content`).
import SluiceBytes
import SluiceLoop
import SluicePlugins
import SluiceRules

extension Pipeline {
    /// Runs a phase's hooks in chain order, from a place in the chain on, until one answers, fails or waits.
    /// After `.parked` the exchange may be over already: touch nothing of it.
    mutating func run(_ phase: PluginPhase, _ x: Ex, from: Int = 0) -> Verdict {
        let bound = x.pointee.snapshot.pointee.bound
        let context = address(&x.pointee.context)
        var i = from
        while i < Int(x.pointee.chainCount) {
            let b = bound + Int(x.pointee.chain.unsafelyUnwrapped[i])
            if b.pointee.phases & phase.bit != 0 {
                let r = b.pointee.run(phase, context)
                if r != 0 { return paused(x, phase, i, b, r) }
            }
            i &+= 1
        }
        return .next
    }

    /// A hook did not say "go on": it waits, answered or failed.
    @inline(never) mutating func paused(_ x: Ex, _ phase: PluginPhase, _ i: Int, _ b: UnsafeMutablePointer<BoundPlugin>, _ r: Int32) -> Verdict {
        if r != BoundPlugin.parked {
            if r < 0 { pluginFault(x, Int(x.pointee.chain.unsafelyUnwrapped[i]), phase, r) }
            return r > 0 ? .answered : .failed
        }
        let call = address(&x.pointee.context).call(of: phase)
        call.pointee.binding = b
        if phase == .content {
            x.pointee.contentRuns = true
            x.pointee.contentIndex = Int32(truncatingIfNeeded: i)
            return .parked
        }
        x.pointee.isParked = true
        x.pointee.hookPhase = phase
        x.pointee.hookIndex = Int32(truncatingIfNeeded: i)
        // Its own waits have deadlines; together they may take as long as an upstream may take to answer.
        arm(x.pointee.client, afterMs: responseTimeoutMs(x))
        if call.pointee.wait == .body { gather(x) }
        return .parked
    }

    /// A parked hook of the walk ended (or waits again) with `r`, as `BoundPlugin.run` says it: the walk goes on behind it.
    mutating func hookEnded(_ x: Ex, _ r: Int32) {
        let phase = x.pointee.hookPhase, i = Int(x.pointee.hookIndex)
        let b = x.pointee.snapshot.pointee.bound + Int(x.pointee.chain.unsafelyUnwrapped[i])
        x.pointee.isParked = false
        loop.timers.cancel(timer(x.pointee.client))
        let verdict = r == 0 ? run(phase, x, from: i + 1) : paused(x, phase, i, b, r)
        if verdict == .parked { return }
        switch phase {
        case .rewrite: rewritten(x, verdict)
        case .access: accessed(x, verdict)
        case .headerFilter: headFiltered(x, verdict)
        case .bodyFilter: bodyFiltered(x, verdict)
        default: break
        }
    }

    /// What the walk's hook waited for from the pipeline is there: it goes on.
    mutating func goOn(_ x: Ex, _ phase: PluginPhase) -> Int32 {
        let context = address(&x.pointee.context)
        let call = context.call(of: phase)
        guard let b = call.pointee.binding else { return 0 }
        if call.pointee.reference != 0 { return host.resume(context, phase) }
        call.pointee = ParkedCall()
        let r = b.pointee.run(phase, context)
        if r == BoundPlugin.parked { call.pointee.binding = b }
        return r
    }

    /// Nothing of the request may wait any more: hooks get SLUICE_ECANCELED and run to their end, which nobody asks for.
    @inline(never) mutating func stopHooks(_ x: Ex) {
        let context = address(&x.pointee.context)
        if x.pointee.isParked {
            x.pointee.isParked = false
            loop.timers.cancel(timer(x.pointee.client))
            host.cancel(context, x.pointee.hookPhase)
        }
        if x.pointee.contentRuns {
            x.pointee.contentRuns = false
            context.pointee.content.isCancelled = true
            if context.pointee.contentCall.reference == 0, let b = context.pointee.contentCall.binding {
                context.pointee.contentCall = ParkedCall()
                _ = b.pointee.run(.content, context)  // a last time, so that it can give back what it holds
            } else {
                host.cancel(context, .content)
            }
        }
    }

    /// Once a turn of the loop, and when the host says so: what plugins have under way moves on, and requests with it.
    public mutating func serveHooks() {
        host.turn(nowMs: loop.clock.nowMs)
        while let done = host.nextFinished() {
            guard let owner = done.context.pointee.owner else { continue }
            let x = owner.assumingMemoryBound(to: Exchange.self)
            if done.phase == .content { contentEnded(x, done.result) } else { hookEnded(x, done.result) }
        }
        while let context = written.pointee {
            unlist(context)
            if let owner = context.pointee.owner { pumpContent(owner.assumingMemoryBound(to: Exchange.self)) }
        }
        resume()
    }

    /// Off the list of those that wrote.
    func unlist(_ context: UnsafeMutablePointer<MessageContext>) {
        var at = written
        while let here = at.pointee {
            if here == context {
                at.pointee = here.pointee.content.next
                here.pointee.content.isListed = false
                return
            }
            at = address(&here.pointee.content.next)
        }
    }
}
