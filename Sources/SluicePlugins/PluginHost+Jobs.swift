// Jobs of the worker itself on the same board that plugins use: what Swift's executors stand on (`SluiceWorker/LoopExecutor`). A job that
// code of a plugin gives rise to is the plugin's: it keeps its generation, and the worker's record names it while it runs.
import CSluiceABI
import Glibc
import SluiceLoop
import SluiceModel
import SluiceShared

extension PluginHost {
    /// Data and status (0; ECANCELED when its plugin goes).
    public typealias Job = @convention(c) (UnsafeMutableRawPointer?, Int32) -> Void

    /// Runs `job(data, …)` in the next turn, once. [any thread]
    public func post(_ job: Job, _ data: UnsafeMutableRawPointer?) {
        let owner = board.isWorkerThread ? board.runningOwner : board.hostOwner
        if board.post(owner, job, data) != Status.ok { _ = board.post(board.hostOwner, job, data) }
    }

    /// The same `afterMs` (at most 2^31 - 1) from now. [any thread]
    public func post(_ job: Job, _ data: UnsafeMutableRawPointer?, afterMs: UInt32) {
        if board.isWorkerThread {
            let afterMs = min(afterMs, UInt32(Limits.pluginTimerMsMax))
            if board.startTimer(board.runningOwner, afterMs, 0, job, data, nil) == Status.ok { return }
            if board.startTimer(board.hostOwner, afterMs, 0, job, data, nil) == Status.ok { return }
            return post(job, data)  // the board is full: early rather than never
        }
        let late = UnsafeMutablePointer<LateJob>.allocate(capacity: 1)
        late.initialize(to: LateJob(host: Unmanaged.passUnretained(self), job: job, data: data, afterMs: afterMs))
        post(
            { raw, _ in
                let late = raw.unsafelyUnwrapped.assumingMemoryBound(to: LateJob.self), l = late.pointee
                late.deallocate()
                l.host._withUnsafeGuaranteedRef { $0.post(l.job, l.data, afterMs: l.afterMs) }
            }, UnsafeMutableRawPointer(late))
    }
}

/// A timer on its way from another thread.
private struct LateJob {
    let host: Unmanaged<PluginHost>
    let job: PluginHost.Job
    let data: UnsafeMutableRawPointer?
    let afterMs: UInt32
}

extension TaskBoard {
    /// Whose code runs now; the host's own when no plugin's does.
    var runningOwner: Owner {
        if head.pointee.currentPlugin == 0 { return hostOwner }
        if let ctx = Context(bitPattern: UInt(head.pointee.currentContext)) { return ctx.pointee.binding?.pointee.owner ?? hostOwner }
        return callingOwner ?? hostOwner
    }

    /// An owner that is no plugin, with counters that nobody reads. Lives as long as the process.
    func startHostOwner() {
        let counters = UnsafeMutablePointer<PluginCounters>.allocate(capacity: 1)
        let shared = UnsafeMutablePointer<GenerationState>.allocate(capacity: 1)
        counters.initialize(to: PluginCounters())
        shared.initialize(to: GenerationState())
        hostOwner.initialize(to: PluginOwner(board: self, counters: counters, shared: shared, stat: 0, generation: 0))
    }
}
