// One call of an asynchronous hook: its task, the executor that the task and its children prefer, and the door back to the host. The hook's
// code runs only inside calls of the host for this request, where the handle is valid:
//
//     hook ──► running ──► finished                                     (never waited: a plain result)
//                │  ▲
//     nothing    ▼  │ continuation of the token (suspend.h)
//     to run   parked ── a job arrives: resume(token) ──► resuming
//                │                                          │ continuation: cancelled or out of time
//                └──────────────► detached ◄────────────────┘   the task is cancelled and runs out by itself, its handle is void
//
// Waiting for the request's body or for room in the response needs no token: the host calls the hook again (`awaiting`), by its handle.
import CSluiceABI

final class Call: TaskExecutor, @unchecked Sendable {  // on the worker's thread only; `enqueue` from elsewhere goes there first
    enum State { case running, parked, resuming, awaiting, detached }
    enum Phase { case rewrite, access, content, headerFilter, bodyFilter }

    /// Which call the host means when it calls a hook again: filters of a response run while the content hook that makes it waits.
    struct Awaiting: Hashable {
        let handle: OpaquePointer
        let phase: Phase
    }

    let slot = UnsafeMutablePointer<HandleSlot>.allocate(capacity: 1)
    private(set) var instance: AnyInstance
    private(set) var phase: Phase
    private var state = State.running
    private var task: Task<Void, Never>?
    private var token: sluice_token = 0
    private var result: Int32 = 0
    private var finished = false
    private var firstJob: UnownedJob?
    private var moreJobs: [UnownedJob] = []
    private var again: UnsafeContinuation<Int32, Never>?

    /// Jobs that run in one go before the worker gets a turn: a task that yields for ever must not hold it.
    private static let jobsMax = 32
    private static let poolMax = 64
    nonisolated(unsafe) private static var pool: [Call] = []

    private init(_ instance: AnyInstance, _ phase: Phase) {
        (self.instance, self.phase) = (instance, phase)
        slot.initialize(to: HandleSlot(nil, request: nil))
    }
    deinit { slot.deallocate() }

    /// The hook was called: starts it, or goes on with the one that waits to be called again. Returns what the hook returns.
    static func enter(_ instance: AnyInstance, _ phase: Phase, _ handle: OpaquePointer) -> Int32 {
        if !instance.awaiting.isEmpty, let call = instance.awaiting.removeValue(forKey: Awaiting(handle: handle, phase: phase)) {
            return call.calledAgain(handle)
        }
        let call: Call
        if let old = pool.popLast() {
            call = old
            (call.instance, call.phase, call.state, call.finished) = (instance, phase, .running, false)
        } else {
            call = Call(instance, phase)
        }
        call.open(handle)
        let task = Task.immediate(executorPreference: call) { await call.run() }
        if call.finished { return call.close() }
        call.task = task
        return call.proceed()
    }

    private func run() async {
        do { result = try await instance.run(self).status } catch { result = failure(error) }
        finished = true
    }

    // MARK: the handle

    private func open(_ handle: OpaquePointer) {
        let request: OpaquePointer? =
            switch phase {
            case .rewrite, .access: handle
            case .content: Tables.content?.pointee.request(handle)
            case .headerFilter: Tables.response.pointee.request(handle)
            case .bodyFilter: Tables.body.pointee.request(handle)
            }
        slot.pointee = HandleSlot(handle, request: request)
        slot.pointee.call = Unmanaged.passUnretained(self)
    }
    private func shut() { (slot.pointee.handle, slot.pointee.request) = (nil, nil) }

    // MARK: running and parking

    /// Runs what is ready; returns the hook's result, or SLUICE_SUSPEND after it arranged to go on later.
    private func proceed() -> Int32 {
        let handle = slot.pointee.handle.unsafelyUnwrapped
        runJobs()
        if finished { return close() }
        if again != nil { return awaitHost(handle) }
        guard let suspend = Tables.suspend else { return abandon(missing) }
        let data = Unmanaged.passRetained(self)
        let status = suspend.pointee.prepare_with(
            UnsafeMutableRawPointer(handle), instance.waitMaxMs, Self.continuation, data.toOpaque(), &token)
        if status < 0 {
            data.release()
            return abandon(status)
        }
        shut()
        state = .parked
        if firstJob != nil { Loop.post(self) { if $0.state == .parked { $0.wake() } } }  // soon, not in this turn
        return Int32(SLUICE_SUSPEND)
    }

    private static let continuation: sluice_continuation = { data, handle, status in
        let call = Unmanaged<Call>.fromOpaque(data.unsafelyUnwrapped).takeRetainedValue()
        if let handle { call.open(OpaquePointer(handle)) }
        call.state = .running
        return status < 0 ? call.abandon(status) : call.proceed()
    }

    /// The call is over for the host: cancels the task, lets it run as far as it goes, and leaves the rest to itself.
    private func abandon(_ status: Int32) -> Int32 {
        state = .running
        task?.cancel()
        if let again {
            self.again = nil
            again.resume(returning: Int32(SLUICE_ECANCELED))
        }
        runJobs()
        shut()
        if finished {
            _ = close()
        } else {
            state = .detached
            while let job = takeJob() { post(job) }
        }
        return status
    }

    /// Back into the pool. The task has ended, so nothing enqueues here any more.
    private func close() -> Int32 {
        shut()
        task = nil
        if state == .running, Self.pool.count < Self.poolMax { Self.pool.append(self) }
        return result
    }

    // MARK: being called again

    /// Waits until the host calls the hook again; SLUICE_OK or an error. When the request is over the hook is called once more, and
    /// what it asks for then answers SLUICE_ECANCELED.
    func untilCalledAgain() async -> Int32 {
        if Task.isCancelled || again != nil { return Int32(SLUICE_ECANCELED) }
        return await withUnsafeContinuation { again = $0 }
    }

    /// The instance goes: the host will not call this hook again.
    func forsake() { _ = abandon(Int32(SLUICE_ECANCELED)) }

    private func awaitHost(_ handle: OpaquePointer) -> Int32 {
        state = .awaiting
        while let job = takeJob() { post(job) }  // of child tasks, which have no handle
        instance.awaiting[Awaiting(handle: handle, phase: phase)] = self  // allocates now and then: one entry for each hook that waits so
        shut()
        return Int32(SLUICE_SUSPEND)
    }

    private func calledAgain(_ handle: OpaquePointer) -> Int32 {
        open(handle)
        state = .running
        let waiting = again
        again = nil
        waiting?.resume(returning: Int32(SLUICE_OK))
        return proceed()
    }

    // MARK: executor

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if Loop.isHere { accept(job) } else { post(job) }
    }

    private func accept(_ job: UnownedJob) {
        if state == .awaiting || state == .detached { return post(job) }
        if firstJob == nil { firstJob = job } else { moreJobs.append(job) }
        if state == .parked { wake() }
    }
    private func takeJob() -> UnownedJob? {
        guard let job = firstJob else { return nil }
        firstJob = moreJobs.isEmpty ? nil : moreJobs.removeFirst()
        return job
    }
    private func runJobs() {
        var left = Self.jobsMax
        while left > 0, let job = takeJob() {
            job.runSynchronously(on: asUnownedTaskExecutor())
            left -= 1
        }
    }
    private func wake() {
        state = .resuming
        if Tables.suspend.unsafelyUnwrapped.pointee.resume(Tables.host, token, Int32(SLUICE_OK)) < 0 {
            state = .detached  // the host has given the call up; its continuation has run or never will
            while let job = takeJob() { post(job) }
        }
    }

    /// Brings a job to the worker's loop, outside of any hook.
    private func post(_ job: UnownedJob) { Loop.post(Errand(self, job)) { $0.run() } }
    private final class Errand: @unchecked Sendable {
        let call: Call, job: UnownedJob
        init(_ call: Call, _ job: UnownedJob) { (self.call, self.job) = (call, job) }
        func run() {
            // A job from another thread goes where jobs of the call go; one of a call without a handle runs here.
            if call.state == .awaiting || call.state == .detached {
                job.runSynchronously(on: call.asUnownedTaskExecutor())
            } else {
                call.accept(job)
            }
        }
    }
}
