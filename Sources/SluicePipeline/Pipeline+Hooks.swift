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
            var b = bound + Int(x.pointee.chain.unsafelyUnwrapped[i])
            if b.pointee.isChosen {
                guard let mine = chosen(x, i, b) else {
                    i &+= 1
                    continue
                }
                b = mine
            }
            if b.pointee.phases & phase.bit != 0 {
                let r = b.pointee.run(phase, context)
                if r != 0 { return paused(x, phase, i, b, r) }
            }
            i &+= 1
        }
        return .next
    }

    /// The binding as this request uses it; nil: its condition is not true. Conditions are looked at once for a request, so that all
    /// phases of a plugin see the same requests.
    @inline(never) func chosen(_ x: Ex, _ i: Int, _ b: UnsafeMutablePointer<BoundPlugin>) -> UnsafeMutablePointer<BoundPlugin>? {
        let condition = x.pointee.snapshot.pointee.image.bindings[Int(x.pointee.chain.unsafelyUnwrapped[i])].condition
        if condition != .max {
            let bit: UInt64 = i < 64 ? 1 << UInt64(i) : 0  // behind 64 places, which only consumers reach, it is looked at each time
            if x.pointee.conditionsKnown & bit == 0 {
                x.pointee.conditionsKnown |= bit
                if !holds(x, condition) { return nil }
                x.pointee.conditionsTrue |= bit
            } else if x.pointee.conditionsTrue & bit == 0 {
                return nil
            }
        }
        return b.pointee.share == 0 ? b : shared(x, b)
    }

    /// Two generations of a plugin are active: which of them serves this request, in all of its phases alike. A client keeps its
    /// generation for as long as it asks for the same on the same connection.
    @inline(never) func shared(_ x: Ex, _ b: UnsafeMutablePointer<BoundPlugin>) -> UnsafeMutablePointer<BoundPlugin> {
        if x.pointee.shareHash == 0 {
            var h: UInt64 = 0xcbf2_9ce4_8422_2325
            for part in [x.pointee.context.clientAddress, target(x)] {
                for i in 0..<part.count { h = (h ^ UInt64(part.start[i])) &* 0x100_0000_01b3 }
            }
            h ^= UInt64(x.pointee.context.clientPort)
            h = (h ^ (h >> 33)) &* 0xff51_afd7_ed55_8ccd  // the end of MurmurHash3: every bit of the input moves every bit
            h = (h ^ (h >> 33)) &* 0xc4ce_b9fe_1a85_ec53
            x.pointee.shareHash = (h ^ (h >> 33)) | 1
        }
        return UInt32(truncatingIfNeeded: x.pointee.shareHash >> 32) < b.pointee.share ? b.pointee.alternative.unsafelyUnwrapped : b
    }

    /// The binding at a place of the chain, as this request uses it.
    @inline(__always) func binding(_ x: Ex, _ i: Int) -> UnsafeMutablePointer<BoundPlugin> {
        let b = x.pointee.snapshot.pointee.bound + Int(x.pointee.chain.unsafelyUnwrapped[i])
        return b.pointee.share == 0 ? b : shared(x, b)
    }

    /// A hook did not say "go on": it waits, answered or failed.
    @inline(never) mutating func paused(_ x: Ex, _ phase: PluginPhase, _ i: Int, _ b: UnsafeMutablePointer<BoundPlugin>, _ r: Int32)
        -> Verdict
    {
        if r != BoundPlugin.parked {
            if r < 0 { pluginFault(x, b - x.pointee.snapshot.pointee.bound, phase, r) }
            return r > 0 ? .answered : .failed
        }
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
        if x.pointee.context.wait == .body { gather(x) }
        return .parked
    }

    /// A parked hook of the walk ended (or waits again) with `r`, as `BoundPlugin.run` says it: the walk goes on behind it.
    mutating func hookEnded(_ x: Ex, _ r: Int32) {
        let phase = x.pointee.hookPhase, i = Int(x.pointee.hookIndex)
        let b = binding(x, i)
        x.pointee.isParked = false
        loop.timers.cancel(timer(x.pointee.client))
        if x.pointee.context.body.state == .gathering && r == 0 && !mayFlowAgain(x) {
            return fail(x, 503, "a plugin was unloaded while it gathered the body")
        }
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

    /// A hook that waited for the body was cancelled and its plugin fails open: the request goes on, if nothing of the body was taken yet.
    private func mayFlowAgain(_ x: Ex) -> Bool {
        if x.pointee.request.received > 0 { return false }
        x.pointee.context.body.state = .flowing
        return true
    }

    /// Nothing of the request may wait any more: hooks get SLUICE_ECANCELED and run to their end, which nobody asks for.
    @inline(never) mutating func stopHooks(_ x: Ex) {
        if x.pointee.isParked { loop.timers.cancel(timer(x.pointee.client)) }
        x.pointee.isParked = false
        x.pointee.contentRuns = false
        host.cancel(address(&x.pointee.context))
    }

    /// Once a turn of the loop, and when the host says so: what plugins have under way moves on, and requests with it.
    /// - Returns: plugins have nothing under way.
    @inline(__always) public mutating func serveHooks(descriptorsReady: Bool) -> Bool {
        if !descriptorsReady && attention.pointee == nil && host.isQuiet(nowMs: loop.clock.nowMs) { return true }
        serveBusyHooks(descriptorsReady)
        return host.isQuiet(nowMs: loop.clock.nowMs)
    }

    @inline(never) mutating func serveBusyHooks(_ descriptorsReady: Bool) {
        host.turn(nowMs: loop.clock.nowMs, descriptorsReady: descriptorsReady)
        while let done = host.nextFinished() {
            guard let owner = done.context.pointee.owner else { continue }
            let x = owner.assumingMemoryBound(to: Exchange.self)
            if done.phase == .content { contentEnded(x, done.result) } else { hookEnded(x, done.result) }
        }
        while let context = attention.pointee {
            leaveLine(context)
            if let owner = context.pointee.owner { attend(owner.assumingMemoryBound(to: Exchange.self)) }
        }
        resume()
    }

    /// A hook wrote, or began to wait for the body while it was on its own way.
    private mutating func attend(_ x: Ex) {
        if x.pointee.isParked && x.pointee.context.body.state == .flowing
            && PluginHost.wait(address(&x.pointee.context), x.pointee.hookPhase) == .body
        {
            gather(x)
        } else if x.pointee.context.content.isStarted {
            pumpContent(x)
        }
    }

    /// Out of the line of those that want attention.
    func leaveLine(_ context: UnsafeMutablePointer<MessageContext>) {
        var at = attention
        while let here = at.pointee {
            if here == context {
                at.pointee = here.pointee.nextInLine
                here.pointee.isInLine = false
                return
            }
            at = address(&here.pointee.nextInLine)
        }
    }
}
