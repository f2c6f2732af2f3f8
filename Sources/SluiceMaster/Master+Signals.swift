// Signals and the end of the house.
//
//   TERM, QUIT  drain: finish what is in flight, then leave     INT   stop at once (also after TERM)
//   HUP         read the configuration again                    USR1  open the logs again
import SluiceChannel
import SluiceModel
import SluiceObserve
import SluiceSystem

extension Master {
    func handle(signal: Int32, from sender: pid_t) {
        let now = SystemClock.monotonicMs()
        switch signal {
        case SIGTERM, SIGQUIT:
            ErrorLog.write(.notice, "\(signal == SIGTERM ? "TERM" : "QUIT") from process \(sender)")
            carryOut(shutdown.askedToDrain(now: now, drainMs: image.settings.drainTimeoutMs))
        case SIGINT:
            ErrorLog.write(.notice, "INT from process \(sender)")
            carryOut(shutdown.askedToStop(now: now))
        case SIGHUP:
            if control.isReady {
                tell(control, Frame(.reload))
            } else {
                ErrorLog.write(
                    .warn, "the configuration cannot be read again now: the control process is not running; send HUP again later")
            }
        case SIGUSR1: reopenLogs()
        default: break  // SIGCHLD: `reap` follows each turn
        }
    }

    func carryOut(_ step: ShutdownPlan.Step) {
        switch step {
        case .none: break
        case .drain(let ms):
            ErrorLog.write(.notice, "draining for up to \(ms) ms")
            letGoOfWork()
            for w in workers { tell(w, Frame(.drain, worker: UInt32(w.workerIndex ?? 0), value: ms)) }
            if !workerProcesses.contains(where: \.isAlive) { carryOut(shutdown.workersLeft(now: SystemClock.monotonicMs())) }
        case .stop:
            letGoOfWork()
            for w in workerProcesses where w.isAlive { tell(w, Frame(.drain, worker: UInt32(w.workerIndex ?? 0), value: 0)) }
            ChildProcess.kill(control.pid, SIGTERM)
        case .kill:
            for child in children where child.isAlive {
                ErrorLog.write(.warn, "\(child.role) (pid \(child.pid)) did not leave in time; killed")
                ChildProcess.kill(child.pid, SIGKILL)
            }
        }
    }

    /// No new connection may queue up in a socket that nobody will accept from, and no successor may start.
    private func letGoOfWork() {
        listeners.closeSurplus([])
        for child in children { child.startAt = nil }
        successorEnded()
        recycle.stop()
    }

    /// Opens the logs anew and hands them out; what cannot be opened stays as it is.
    func reopenLogs() {
        do {
            try logs.reopen(image.settings)
            if !image.settings.errorLogPath.isEmpty { ErrorLog.redirect(to: try Descriptor.duplicate(logs.error, from: 3)) }
        } catch {
            return ErrorLog.write(.error, "logs stay as they are: \(error)")
        }
        for w in workerProcesses where w.isAlive {
            tell(w, Frame(.logs, worker: UInt32(w.workerIndex ?? 0), descriptors: logs.descriptors))
        }
        tell(control, Frame(.logs, descriptors: [logs.error]))
        ErrorLog.write(.notice, "logs opened again")
    }
}
