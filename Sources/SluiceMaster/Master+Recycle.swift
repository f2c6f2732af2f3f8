// Carrying out a recycling of the workers: starting a successor beside a worker, swapping the two, draining the old one. What comes
// next is decided in `RecyclePlan`. It gives back what only the end of a process gives back: the memory of parked Swift plugins.
import SluiceChannel
import SluiceModel
import SluiceObserve
import SluiceShared
import SluiceSystem

extension Master {
    func askedToRecycle() {
        guard shutdown.phase == .running else { return }
        if recycle.ask() {
            ErrorLog.write(.notice, "recycling \(workers.count) workers, one after the other")
        } else {
            ErrorLog.write(.warn, "asked to recycle the workers while that is under way; it goes on as it is")
        }
    }

    /// Once a turn: the next successor, when nothing else moves.
    func goOnRecycling() {
        guard shutdown.phase == .running, hub.isQuiet, leaving.isEmpty, let i = recycle.next(isQuiet: workers.allSatisfy(\.isReady)) else {
            return
        }
        let new = Child(.worker(i), block: freeBlock)
        successor = new
        start(new)
        if !new.isAlive { successorEnded() }
    }

    /// The successor serves: it takes the place, and the old one finishes what it has.
    func successorServes(_ new: Child) {
        guard let i = new.workerIndex else { return }
        let old = workers[i]
        successor = nil
        workers[i] = new
        leaving.append(old)
        recycle.served()
        ErrorLog.write(.notice, "worker \(i) recycled: pid \(new.pid) serves, pid \(old.pid) drains")
        tell(old, Frame(.drain, worker: UInt32(i), value: image.settings.drainTimeoutMs, status: 1))
        old.killAt = SystemClock.monotonicMs() + image.settings.drainTimeoutMs + UInt64(Limits.stopGraceMs)
    }

    /// It died before it served, or a change of the configuration comes first.
    func successorEnded() {
        guard let new = successor else { return }
        successor = nil
        if new.isAlive { leaving.append(new) }
        ChildProcess.kill(new.pid, SIGKILL)
        if !recycle.failed() {
            ErrorLog.write(
                .error, "\(new.role) cannot be recycled: its successor did not come to serve \(RecyclePlan.attemptsMax) times; given up")
        }
    }

    /// A process without a place is gone: one that had been replaced, or one that was to replace it.
    func left(_ old: Child, _ text: String, wasReady: Bool, now: UInt64) {
        freeBlock = old.block
        shared.worker(old.block).vacate()
        if old === successor {
            ErrorLog.write(.warn, text)
            successorEnded()
        } else {
            ErrorLog.write(.info, wasReady ? text : "the successor of \(old.role) made way before it served")
        }
        leaving.removeAll { $0 === old }
        if wasReady && recycle.left() { ErrorLog.write(.notice, "all workers recycled") }
        if shutdown.phase != .running && !workerProcesses.contains(where: \.isAlive) { carryOut(shutdown.workersLeft(now: now)) }
    }
}
