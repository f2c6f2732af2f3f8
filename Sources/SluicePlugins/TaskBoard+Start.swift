// How plugins start things: jobs, timers, watches, background tasks. Statuses are the contract's (loop.h, background.h).
import CSluiceABI
import Glibc
import SluiceLoop
import SluiceModel
import SluiceShared

/// A job on its way from another thread.
private struct ForeignJob {
    var post: PostedJob  // first: the queue's node is the job
    var job: JobRing.Job
}

/// A resume on its way from another thread.
private struct ForeignResume {
    var post: PostedJob
    var board: Unmanaged<TaskBoard>
    var owner: Owner
    var token: UInt64
    var status: Int32
}

extension TaskBoard {
    /// [any thread]
    func post(_ owner: Owner, _ callback: sluice_callback?, _ data: UnsafeMutableRawPointer?) -> Int32 {
        guard let callback else { return Status.invalid }
        if owner.pointee.isClosing.load(ordering: .acquiring) { return Status.gone }
        if owner.pointee.jobs.add(1, ordering: .acquiringAndReleasing).oldValue >= Limits.pluginJobsMax && owner != hostOwner {
            owner.pointee.jobs.subtract(1, ordering: .relaxed)
            return Status.noMemory
        }
        let job = JobRing.Job(owner: owner, callback: callback, data: data)
        if isWorkerThread {
            owner.pointee.hold(.job, nowMs: nowMs)
            local.append(job)
            return Status.ok
        }
        let foreign = UnsafeMutablePointer<ForeignJob>.allocate(capacity: 1)
        foreign.initialize(
            to: ForeignJob(
                post: PostedJob(
                    argument: UnsafeMutableRawPointer(foreign),
                    run: { raw in
                        let foreign = raw.unsafelyUnwrapped.assumingMemoryBound(to: ForeignJob.self), job = foreign.pointee.job
                        foreign.deallocate()
                        job.owner.pointee.hold(.job, nowMs: job.owner.board.nowMs)
                        job.owner.board.run(job)
                    }), job: job))
        jobs.post(UnsafeMutableRawPointer(foreign).assumingMemoryBound(to: PostedJob.self))
        return Status.ok
    }

    /// sluice_suspend_v1.resume. [any thread]
    func resume(_ owner: Owner, _ token: UInt64, _ status: Int32) -> Int32 {
        if isWorkerThread { return resumeHere(owner, token, status) }
        if owner.pointee.isClosing.load(ordering: .acquiring) { return Status.gone }
        owner.pointee.jobs.add(1, ordering: .acquiringAndReleasing)  // the generation stays until it has come
        let foreign = UnsafeMutablePointer<ForeignResume>.allocate(capacity: 1)
        foreign.initialize(
            to: ForeignResume(
                post: PostedJob(
                    argument: UnsafeMutableRawPointer(foreign),
                    run: { raw in
                        let foreign = raw.unsafelyUnwrapped.assumingMemoryBound(to: ForeignResume.self), r = foreign.pointee
                        foreign.deallocate()
                        r.owner.pointee.jobs.subtract(1, ordering: .releasing)
                        _ = r.board._withUnsafeGuaranteedRef { $0.resumeHere(r.owner, r.token, r.status) }
                    }), board: Unmanaged.passUnretained(self), owner: owner, token: token, status: status))
        jobs.post(UnsafeMutableRawPointer(foreign).assumingMemoryBound(to: PostedJob.self))
        return Status.ok
    }

    private func resumeHere(_ owner: Owner, _ token: UInt64, _ status: Int32) -> Int32 {
        guard let e = find(token, owner), e.pointee.kind == .hook, e.pointee.fiber == nil, e.pointee.wait == .call, !e.pointee.hasEnded,
            e.pointee.state != .finished
        else { return Status.gone }
        e.pointee.hasEnded = true
        if BoardEntry.of(e.pointee.context?.pointee.pending) == e || e.pointee.state == .idle {  // the hook still runs
            stopWaiting(e)
            e.pointee.status = status
        } else {
            complete(e, status)
        }
        return Status.ok
    }

    func startTimer(
        _ owner: Owner, _ afterMs: UInt32, _ everyMs: UInt32, _ callback: sluice_callback?, _ data: UnsafeMutableRawPointer?,
        _ task: UnsafeMutablePointer<UInt64>?
    ) -> Int32 {
        guard let callback, afterMs <= Limits.pluginTimerMsMax, everyMs <= Limits.pluginTimerMsMax else { return Status.invalid }
        guard let e = take(.timer, .timer, owner) else { return refusal(owner) }
        (e.pointee.callback, e.pointee.data, e.pointee.everyMs) = (callback, data, everyMs)
        task?.pointee = e.pointee.id
        arm(e, afterMs: afterMs, status: Status.ok)
        return Status.ok
    }

    func startWatch(
        _ owner: Owner, _ fd: Int32, _ events: UInt32, _ timeoutMs: UInt32, _ callback: sluice_callback?, _ data: UnsafeMutableRawPointer?,
        _ task: UnsafeMutablePointer<UInt64>?
    ) -> Int32 {
        guard let callback, timeoutMs <= Limits.pluginTimerMsMax else { return Status.invalid }
        guard let e = take(.watch, .socket, owner) else { return refusal(owner) }
        (e.pointee.callback, e.pointee.data) = (callback, data)
        let status = watch(e, fd, events)
        if status < 0 {
            release(e)
            return status
        }
        task?.pointee = e.pointee.id
        if timeoutMs > 0 { arm(e, afterMs: timeoutMs, status: Int32(SLUICE_ETIMEDOUT)) }
        return Status.ok
    }

    func startBackground(
        _ owner: Owner, _ afterMs: UInt32, _ everyMs: UInt32, _ work: sluice_work?, _ data: UnsafeMutableRawPointer?,
        _ task: UnsafeMutablePointer<UInt64>?
    ) -> Int32 {
        guard let work, afterMs <= Limits.pluginTimerMsMax, everyMs <= Limits.pluginTimerMsMax else { return Status.invalid }
        guard let e = take(.background, .background, owner) else { return refusal(owner) }
        (e.pointee.work, e.pointee.data, e.pointee.everyMs) = (work, data, everyMs)
        task?.pointee = e.pointee.id
        arm(e, afterMs: afterMs, status: Status.ok)
        return Status.ok
    }

    /// Why `take` gave nothing.
    func refusal(_ owner: Owner) -> Int32 { owner.pointee.isClosing.load(ordering: .relaxed) ? Status.gone : Status.limit }

    /// A background task starts, or goes on after a wait.
    func goOnBackground(_ e: BoardEntry.Ref) {
        let owner = e.pointee.owner.unsafelyUnwrapped
        if let f = e.pointee.fiber {
            owner.pointee.counters.pointee.parked[Int(PluginPhase.background.rawValue)].add(TickClock.now &- e.pointee.parkedTick)
            return enterBackground(e, f, owner, e.pointee.status)
        }
        guard let f = fibers.take() else { return arm(e, afterMs: 100, status: Status.ok) }  // every stack is in use: a little later
        (f.pointee.owner, f.pointee.context, f.pointee.binding) = (UnsafeMutableRawPointer(owner), nil, nil)
        f.pointee.task = UnsafeMutableRawPointer(e)
        f.pointee.phase = PluginPhase.background.rawValue
        e.pointee.fiber = f
        owner.pointee.counters.pointee.calls[Int(PluginPhase.background.rawValue)] &+= 1
        f.start { raw in
            let e = BoardEntry.of(Fiber.of(raw).pointee.task).unsafelyUnwrapped
            e.pointee.work.unsafelyUnwrapped(e.pointee.data)
        }
        enterBackground(e, f, owner, 0)
    }

    func enterBackground(_ e: BoardEntry.Ref, _ f: Fiber.Ref, _ owner: Owner, _ status: Int32) {
        stopWaiting(e)
        _ = entered(owner, .background, nil, nil) {
            fibers.enter(f, status)
            return 0
        }
        guard f.isFinished else { return }
        let again = e.pointee.everyMs > 0 && !f.pointee.isCancelled && !owner.pointee.isClosing.load(ordering: .relaxed)
        fibers.give(f)
        e.pointee.fiber = nil
        if again { arm(e, afterMs: e.pointee.everyMs, status: Status.ok) } else { release(e) }
    }
}
