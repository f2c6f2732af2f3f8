// The worker's loop as the SDK needs it: an executor for work that belongs to no request, jobs from anywhere, and single waits with
// cancellation. What authors use of it is in `Waiting.swift`, `HTTPClient.swift` and `Background.swift`.
import CSluiceABI

enum Loop {
    /// On the worker's own thread?
    static var isHere: Bool { Tables.loop.map { $0.pointee.is_worker_thread(Tables.host) != 0 } ?? true }

    /// Runs `body` with `object` on the worker's thread soon; at once when the host takes no more because the plugin is being destroyed.
    static func post<T: AnyObject & Sendable>(_ object: T, _ body: @escaping @Sendable (T) -> Void) {
        let job = Posted { body(object) }
        let data = Unmanaged.passRetained(job)
        let status = Tables.loop.map { $0.pointee.post(Tables.host, runPosted, data.toOpaque()) } ?? missing
        if status < 0 {
            data.release()
            job.body()
        }
    }
    private final class Posted {
        let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
    }
    private static let runPosted: sluice_callback = { data, _ in
        Unmanaged<Posted>.fromOpaque(data.unsafelyUnwrapped).takeRetainedValue().body()
    }
}

/// Runs its jobs on the worker's loop, between requests.
final class LoopExecutor: TaskExecutor {
    static let shared = LoopExecutor()
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        // A job is one pointer; so nothing is allocated here.
        let data = unsafeBitCast(job, to: UnsafeMutableRawPointer.self)
        let status = Tables.loop.map { $0.pointee.post(Tables.host, Self.run, data) } ?? missing
        if status < 0 { job.runSynchronously(on: asUnownedTaskExecutor()) }
    }
    private static let run: sluice_callback = { data, _ in
        unsafeBitCast(data.unsafelyUnwrapped, to: UnownedJob.self).runSynchronously(on: LoopExecutor.shared.asUnownedTaskExecutor())
    }
}

/// One wait of a task for one callback of the host. Ends once: by the callback or by cancellation, whichever comes first.
class Wait: @unchecked Sendable {  // on the worker's thread only, but for `cancel`, which goes there
    private var continuation: UnsafeContinuation<Int32, Never>?
    private var isCancelled = false
    /// What `sluice_loop_v1.cancel` ends.
    var task: sluice_task = 0

    /// Starts what is waited for by `start`, which gets the `data` for its callback, and waits. Returns a status, maybe SLUICE_ECANCELED.
    final func run(_ start: (Wait, UnsafeMutableRawPointer) -> Int32) async -> Int32 {
        if Task.isCancelled { return Int32(SLUICE_ECANCELED) }
        return await withTaskCancellationHandler {
            await withUnsafeContinuation { (c: UnsafeContinuation<Int32, Never>) in
                if isCancelled { return c.resume(returning: Int32(SLUICE_ECANCELED)) }
                continuation = c
                let data = Unmanaged.passRetained(self)
                let status = start(self, data.toOpaque())
                if status < 0 {
                    data.release()
                    continuation = nil
                    c.resume(returning: status)
                }
            }
        } onCancel: {
            if Loop.isHere { cancel() } else { Loop.post(self) { $0.cancel() } }
        }
    }

    private final func cancel() {
        isCancelled = true
        guard let c = continuation else { return }
        // The callback will not come when cancel says so; else it is under way and ends the wait itself.
        guard let loop = Tables.loop, loop.pointee.cancel(Tables.host, task) == 0 else { return }
        continuation = nil
        Unmanaged.passUnretained(self).release()
        c.resume(returning: Int32(SLUICE_ECANCELED))
    }

    /// In the callback, with its `data`.
    static func end(_ data: UnsafeMutableRawPointer?, _ status: Int32, _ with: (Wait) -> Void = { _ in }) {
        let wait = Unmanaged<Wait>.fromOpaque(data.unsafelyUnwrapped).takeRetainedValue()
        with(wait)
        let c = wait.continuation
        wait.continuation = nil
        c?.resume(returning: status)
    }
}
