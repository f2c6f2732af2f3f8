// What all plugins of a worker have under way: timers, watched descriptors, posted jobs, parked hooks, background tasks, exchanges. This
// file is the book-keeping: slots, names, owners, lines. `+Turn` moves things on, `+Start` is how plugins start them, `+Hooks` parks
// hooks and lets them go on, `+Cancel` ends things. One thread, but `jobs`.
import CSluiceABI
import Glibc
import SluiceLoop
import SluiceModel
import SluiceShared

@usableFromInline final class TaskBoard {
    let head: UnsafeMutablePointer<WorkerHead>
    let fibers = FiberPool()
    let poller = Poller()
    /// Jobs of other threads.
    let jobs = JobQueue()
    let thread = pthread_self()
    /// The Swift Task that the worker itself runs in: none, but in tests.
    let home = TaskBoard.currentTask
    var timers: TimerWheel
    /// Monotonic, of the last turn.
    var nowMs: UInt64
    /// What goes on in the next turn, what goes on in this one, what the pipeline has to take.
    let ready = EntryLine(), running = EntryLine(), finished = EntryLine()
    var local = JobRing()
    /// By descriptor: the entry that watches it.
    var watchers: [BoardEntry.Ref?] = []
    var watchCount = 0
    /// Slots that are not free: what is under way, and results that the pipeline has not taken.
    private(set) var inUse = 0
    /// Made when the first name is asked for.
    var resolver: Resolver?
    let clients = HTTPPool()
    /// The owner of what belongs to no plugin.
    let hostOwner = Owner.allocate(capacity: 1)
    /// Whose code runs now that belongs to no request.
    var callingOwner: Owner?
    private var free: BoardEntry.Ref?
    private var chunks: [BoardEntry.Ref] = []
    static let chunkEntries = 256

    init(head: UnsafeMutablePointer<WorkerHead>) {
        self.head = head
        nowMs = LoopClock.readUs() / 1000
        timers = TimerWheel(nowMs: nowMs)
        startHostOwner()
        guard poller.addLevel(jobs.descriptor, token: 0) else { preconditionFailure("a poller must take its own eventfd: errno \(errno)") }
    }
    deinit {
        for c in chunks { c.deallocate() }
        for line in [ready, running, finished] { line.free() }
    }

    var isWorkerThread: Bool { pthread_equal(pthread_self(), thread) != 0 }

    /// Which Swift Task runs now.
    static var currentTask: Int? { withUnsafeCurrentTask { $0?.hashValue } }

    // MARK: slots

    /// An entry of `owner`; nil when it has `pluginTasksMax` or is going.
    func take(_ kind: BoardEntry.Kind, _ held: ReferenceKind, _ owner: Owner) -> BoardEntry.Ref? {
        if owner.pointee.entries >= Limits.pluginTasksMax || owner.pointee.isClosing.load(ordering: .relaxed) { return nil }
        if free == nil && !grow(most: Limits.boardEntriesMax) { return nil }
        let e = pop()
        (e.pointee.kind, e.pointee.state, e.pointee.hasEnded) = (kind, .idle, false)
        (e.pointee.held, e.pointee.status, e.pointee.statusOnTime) = (held, 0, Int32(SLUICE_ETIMEDOUT))
        (e.pointee.fd, e.pointee.everyMs) = (-1, 0)
        (e.pointee.fiber, e.pointee.context, e.pointee.binding, e.pointee.pending) = (nil, nil, nil, nil)
        (e.pointee.callback, e.pointee.work, e.pointee.then, e.pointee.data, e.pointee.exchange) = (nil, nil, nil, nil, nil)
        e.pointee.wait = .call
        own(e, owner)
        return e
    }

    /// An entry of nobody, for the result of a hook; there always is one.
    func takeFinished() -> BoardEntry.Ref {
        if free == nil { _ = grow(most: .max) }
        let e = pop()
        (e.pointee.kind, e.pointee.owner, e.pointee.fiber) = (.hook, nil, nil)
        return e
    }

    private func pop() -> BoardEntry.Ref {
        let e = free.unsafelyUnwrapped
        free = e.pointee.next
        inUse += 1
        (e.pointee.next, e.pointee.previous) = (nil, nil)
        return e
    }

    private func own(_ e: BoardEntry.Ref, _ owner: Owner) {
        e.pointee.owner = owner
        (e.pointee.ownerPrevious, e.pointee.ownerNext) = (nil, owner.pointee.first)
        owner.pointee.first?.pointee.ownerPrevious = e
        owner.pointee.first = e
        owner.pointee.entries += 1
        owner.pointee.hold(e.pointee.held, nowMs: nowMs)
    }

    /// No plugin has it any more (a finished hook is the pipeline's).
    func disown(_ e: BoardEntry.Ref) {
        guard let owner = e.pointee.owner else { return }
        owner.pointee.letGo(e.pointee.held)
        owner.pointee.entries -= 1
        if let p = e.pointee.ownerPrevious { p.pointee.ownerNext = e.pointee.ownerNext } else { owner.pointee.first = e.pointee.ownerNext }
        e.pointee.ownerNext?.pointee.ownerPrevious = e.pointee.ownerPrevious
        (e.pointee.owner, e.pointee.ownerNext, e.pointee.ownerPrevious) = (nil, nil, nil)
    }

    /// Gives the slot back; its name is stale from now on.
    func release(_ e: BoardEntry.Ref) {
        stopWaiting(e)
        disown(e)
        e.pointee.exchange?.release()
        e.pointee.exchange = nil
        e.pointee.turn = e.pointee.turn == .max ? 1 : e.pointee.turn + 1
        e.pointee.kind = .free
        e.pointee.next = free
        free = e
        inUse -= 1
    }

    /// The entry that `id` names, if `owner` has it.
    func find(_ id: UInt64, _ owner: Owner) -> BoardEntry.Ref? {
        guard let e = find(id), e.pointee.owner == owner else { return nil }
        return e
    }
    func find(_ id: UInt64) -> BoardEntry.Ref? {
        let slot = Int(id & 0xffff_ffff)
        guard slot < chunks.count * TaskBoard.chunkEntries else { return nil }
        let e = chunks[slot / TaskBoard.chunkEntries] + slot % TaskBoard.chunkEntries
        return e.pointee.turn == UInt32(id >> 32) && e.pointee.kind != .free ? e : nil
    }

    @inline(never) private func grow(most: Int) -> Bool {
        if chunks.count * TaskBoard.chunkEntries >= most { return false }
        let new = BoardEntry.Ref.allocate(capacity: TaskBoard.chunkEntries)
        let first = chunks.count * TaskBoard.chunkEntries
        for i in (0..<TaskBoard.chunkEntries).reversed() {
            (new + i).initialize(to: BoardEntry(slot: UInt32(first + i)))
            new[i].next = free
            free = new + i
        }
        chunks.append(new)
        return true
    }

    // MARK: waiting

    /// Read anew: a hook before may have run for long, and no wait may end early.
    var clockMs: UInt64 { max(nowMs, LoopClock.readUs() / 1000) }

    /// Ends the wait in `afterMs` with `status`; 0: in the next turn.
    func arm(_ e: BoardEntry.Ref, afterMs: UInt32, status: Int32) {
        e.pointee.state = .waiting
        e.pointee.statusOnTime = status
        if afterMs == 0 { return complete(e, status) }
        timers.arm(node(e), clockMs &+ UInt64(afterMs))
    }

    /// Watches a descriptor once. SLUICE_OK or SLUICE_EINVAL.
    func watch(_ e: BoardEntry.Ref, _ fd: Int32, _ events: UInt32) -> Int32 {
        let asked = events & UInt32(SLUICE_READABLE | SLUICE_WRITABLE)
        guard fd >= 0, asked != 0, asked == events else { return Status.invalid }
        let bits = (asked & UInt32(SLUICE_READABLE) != 0 ? Ready.read : 0) | (asked & UInt32(SLUICE_WRITABLE) != 0 ? Ready.write : 0)
        guard poller.addOnce(fd, bits: bits, token: e.pointee.id) == 0 else { return Status.invalid }
        while watchers.count <= Int(fd) { watchers.append(nil) }
        // Who watched this number before closed it without an end of the watch: the kernel has forgotten it.
        if let old = watchers[Int(fd)] { (old.pointee.fd, watchCount) = (-1, watchCount - 1) }
        watchers[Int(fd)] = e
        watchCount += 1
        (e.pointee.fd, e.pointee.bits, e.pointee.state) = (fd, asked, .waiting)
        return Status.ok
    }

    func stopWaiting(_ e: BoardEntry.Ref) {
        timers.cancel(node(e))
        unwatch(e)
        if e.pointee.state == .ready || e.pointee.state == .finished { EntryLine.remove(e) }
        e.pointee.state = .idle
    }

    private func unwatch(_ e: BoardEntry.Ref) {
        let fd = e.pointee.fd
        if fd < 0 { return }
        poller.remove(fd)
        watchers[Int(fd)] = nil
        watchCount -= 1
        e.pointee.fd = -1
    }

    /// The wait is over; the entry goes on in the next turn.
    func complete(_ e: BoardEntry.Ref, _ status: Int32) {
        stopWaiting(e)
        e.pointee.status = status
        e.pointee.state = .ready
        ready.append(e)
    }

    @inline(__always) func node(_ e: BoardEntry.Ref) -> TimerWheel.Node {
        UnsafeMutableRawPointer(e).assumingMemoryBound(to: TimerNode.self)
    }
}
