// The master: opens what the house needs, starts the children, and then only listens: to signals, to its children's frames
// and to the clock. It serves no request and runs no plugin, so that nothing a request does can hurt it.
// Read next: `Master+Start.swift` (in order of the start), `Master+Children.swift`, `Master+Frames.swift`, `Master+Signals.swift`;
// the decisions are in `ChangeHub`, `ShutdownPlan` and `RespawnPolicy`, which do no I/O.
import SluiceChannel
import SluiceModel
import SluiceObserve
import SluiceShared
import SluiceSystem

public final class Master {
    /// The image that successors of dead workers start with.
    var image: MasterImage
    var imageFd: Int32
    /// The image of the change that is being prepared.
    var prepared: (image: MasterImage, fd: Int32)?
    var listeners: ListenerTable
    var logs: LogFiles
    let shared: SharedMemory
    let pidFile: PidFile?
    let signals: SignalDescriptor
    let executable: String
    /// One place a worker; a recycled one leaves its place to its successor.
    var workers: [Child]
    /// Replaced, and finishing what they have.
    var leaving: [Child] = []
    /// On its way to take the place of the worker with its index.
    var successor: Child?
    var recycle: RecyclePlan
    /// The block of shared memory that no process uses.
    var freeBlock: Int
    /// By counter slot.
    var pluginNames: [UInt64: String] = [:]
    /// When the workers were last looked at; monotonic milliseconds.
    var lookedAt: UInt64 = 0
    let control = Child(.control)
    var hub: ChangeHub
    var shutdown = ShutdownPlan()
    /// Some worker has been serving: from then on a failure is repaired instead of reported.
    var hasServed = false
    /// Why the first start failed as a whole.
    var startFailure: String?
    var children: [Child] { workerProcesses + [control] }
    var workerProcesses: [Child] { workers + leaving + (successor.map { [$0] } ?? []) }

    init(
        image: MasterImage, imageFd: Int32, listeners: ListenerTable, logs: LogFiles, shared: SharedMemory, pidFile: PidFile?,
        signals: SignalDescriptor, executable: String, workers: Int
    ) {
        self.image = image
        self.imageFd = imageFd
        self.listeners = listeners
        self.logs = logs
        self.shared = shared
        self.pidFile = pidFile
        self.signals = signals
        self.executable = executable
        self.workers = (0..<workers).map { Child(.worker($0), block: $0) }
        hub = ChangeHub(workers: workers, committed: image.revision)
        recycle = RecyclePlan(workers: workers)
        freeBlock = workers
        learnNames(image)
    }

    /// Runs the master to its end.
    /// - Parameter imageFd: a sealed memory file with the first image; taken over.
    /// - Returns: the exit status: 0 after a stop that was asked for, 1 when the house could not start.
    public static func run(imageFd: Int32) -> Int32 {
        ErrorLog.start(role: "master", level: .notice)
        do {
            return try Master(imageFd: imageFd).run()
        } catch {
            let text = "cannot start: \(error)"
            ErrorLog.write(.error, text)
            if ErrorLog.fd != 2 {  // also for the person at the terminal
                ErrorLog.redirect(to: 2)
                ErrorLog.write(.error, text)
            }
            return 1
        }
    }

    func run() throws -> Int32 {
        for worker in workers { start(worker) }
        var polls = PollSet()
        while !isOver {
            let all = children
            polls.removeAll()
            polls.add(signals.fd)
            for child in all { polls.add(child.channel?.fd ?? -1, writing: child.hasQueue) }
            try polls.wait(timeoutMs: timeout())
            for (i, child) in all.enumerated() {
                if polls.isWritable(i + 1) { child.sendQueue() }
                if polls.isReadable(i + 1) { readFrames(of: child) }
            }
            while let s = signals.next() { handle(signal: s.signal, from: s.sender) }
            reap()
            passTime()
            goOnRecycling()
        }
        return finish()
    }

    var isOver: Bool { shutdown.phase != .running && !children.contains(where: \.isAlive) }

    /// Until the next thing that is due by the clock.
    func timeout() -> Int32 {
        var next = shutdown.deadline
        for child in children {
            next = min(next, child.startAt ?? .max, child.isAlive ? child.killAt : .max)
        }
        let now = SystemClock.monotonicMs()
        next = min(next, nextLook(now))
        if next == .max { return -1 }
        return next <= now ? 0 : Int32(min(next - now, 60_000))
    }

    func passTime() {
        let now = SystemClock.monotonicMs()
        for child in children {
            if child.isAlive && child.killAt <= now {
                child.killAt = .max
                ErrorLog.write(.warn, "\(child.role) (pid \(child.pid)) does not answer or leave; killed")
                ChildProcess.kill(child.pid, SIGKILL)
            }
            if let at = child.startAt, at <= now, shutdown.phase == .running { start(child) }
        }
        if nextLook(now) <= now { look(now) }
        carryOut(shutdown.timePassed(now: now))
    }

    func finish() -> Int32 {
        listeners.closeSurplus([])
        pidFile?.remove()
        if let startFailure {
            ErrorLog.write(.error, "cannot start: \(startFailure)")
            if !image.settings.errorLogPath.isEmpty {
                ErrorLog.redirect(to: 2)
                ErrorLog.write(.error, "cannot start: \(startFailure)")
            }
            return 1
        }
        ErrorLog.write(.notice, "stopped")
        return 0
    }
}
