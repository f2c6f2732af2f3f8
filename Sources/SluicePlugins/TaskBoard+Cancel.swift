// Ending things before their time: one task by its plugin, everything of a request, everything of a generation. A parked hook or task is
// not torn away: its wait ends with SLUICE_ECANCELED, so does every later one, and it runs to its end.
import CSluiceABI
import SluiceLoop
import SluiceModel

extension TaskBoard {
    /// sluice_loop_v1.cancel
    func cancel(_ owner: Owner, _ task: UInt64) -> Int32 {
        guard let e = find(task, owner), e.pointee.kind != .hook else { return Status.gone }
        guard e.pointee.kind == .background, let f = e.pointee.fiber else {
            if e.pointee.kind == .exchange { e.pointee.exchange?.takeUnretainedValue().abandon() }
            release(e)
            return Status.ok
        }
        f.pointee.isCancelled = true
        if fibers.current != f && e.pointee.state == .waiting { complete(e, Int32(SLUICE_ECANCELED)) }
        return Status.ok
    }

    /// The exchange is over: its parked hooks run to their ends, their results are ignored, nothing refers to `ctx` afterwards.
    func cancel(_ ctx: Context) {
        ctx.pointee.isCancelled = true
        // A hook may leave another token behind when it ends: bounded, then those are just dropped.
        for round in 0..<8 {
            guard let e = BoardEntry.of(ctx.pointee.parked) ?? BoardEntry.of(ctx.pointee.producer) else { return }
            abandon(e, ctx, callsNothing: round == 7)
        }
    }

    private func abandon(_ e: BoardEntry.Ref, _ ctx: Context, callsNothing: Bool) {
        if e.pointee.fiber == nil && (callsNothing || e.pointee.state == .finished || e.pointee.wait == .call && e.pointee.then == nil) {
            forget(e, ctx)
            return release(e)
        }
        e.pointee.fiber?.pointee.isCancelled = true
        _ = goOn(e, Int32(SLUICE_ECANCELED))
    }

    /// Ends everything of a generation and lets it start nothing more. Parked hooks leave their results for the pipeline; callbacks get
    /// SLUICE_ECANCELED. Afterwards the owner is idle.
    func cancelAll(_ owner: Owner) {
        owner.pointee.isClosing.store(true, ordering: .sequentiallyConsistent)
        while let e = owner.pointee.first { end(e, owner) }
        flushJobs(owner)
    }

    /// Everything that would never end by itself: what repeats, and watches without a time.
    func cancelEndless(_ owner: Owner) {
        var e = owner.pointee.first
        while let this = e {
            e = this.pointee.ownerNext
            let isEndlessWatch = this.pointee.kind == .watch && this.pointee.timer.deadlineMs == 0 && this.pointee.state == .waiting
            if isEndlessWatch || this.pointee.kind == .timer && this.pointee.everyMs > 0 {
                end(this, owner)
                e = owner.pointee.first  // the callback may have changed the list
            } else if this.pointee.kind == .background && this.pointee.everyMs > 0 {
                this.pointee.everyMs = 0
                if this.pointee.fiber == nil { release(this) }
            }
        }
    }

    private func end(_ e: BoardEntry.Ref, _ owner: Owner) {
        let canceled = Int32(SLUICE_ECANCELED)
        switch e.pointee.kind {
        case .timer, .watch:
            let callback = e.pointee.callback, data = e.pointee.data
            release(e)
            if let callback { call(owner) { callback(data, canceled) } }
        case .background:
            guard let f = e.pointee.fiber else { return release(e) }
            f.pointee.isCancelled = true
            enterBackground(e, f, owner, canceled)
        case .hook: endHook(e)
        case .exchange: e.pointee.exchange?.takeUnretainedValue().finish(canceled)
        case .free: disown(e)
        }
    }

    private func endHook(_ e: BoardEntry.Ref) {
        if e.pointee.state == .idle { return disown(e) }  // prepared by a hook that runs now
        e.pointee.fiber?.pointee.isCancelled = true
        e.pointee.status = Int32(SLUICE_ECANCELED)
        // One that waits for the body or for room is called again, a last time: gather, write and finish say SLUICE_ECANCELED to it, and
        // it gives back what it kept with set_data. Others are busy with the same request only by calls inside this one.
        let ctx = e.pointee.context.unsafelyUnwrapped, outer = ctx.pointee.hookIsCancelled
        ctx.pointee.hookIsCancelled = true
        goOnHook(e)
        ctx.pointee.hookIsCancelled = outer
    }

    /// Runs what the plugin has posted, on any thread so far.
    func flushJobs(_ owner: Owner) {
        _ = jobs.drain()
        var rest = local.count
        while rest > 0, let job = local.popFirst() {
            rest -= 1
            if job.owner == owner { run(job) } else { local.append(job) }
        }
    }
}
