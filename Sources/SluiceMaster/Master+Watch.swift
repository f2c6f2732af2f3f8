// The watch over workers that run plugins, and the entry in the ring of crashes for one that died or was killed. What is too long is
// decided in `HoldWatch`; what is made of an entry (symbols, report, quarantine) is the control process's business.
import SluiceChannel
import SluiceModel
import SluiceObserve
import SluiceShared
import SluiceSystem

extension Master {
    private var watched: [Child] { workerProcesses.filter(\.isAlive) }

    /// Until the next look at the workers; max when nothing has to be watched.
    func nextLook(_ now: UInt64) -> UInt64 {
        guard !pluginNames.isEmpty else { return .max }
        let usual = image.settings.hold.lookMs
        if usual == .max { return .max }
        let wanted = watched.compactMap(\.watch.nextLookMs).min() ?? usual
        return max(lookedAt + min(usual, wanted), now)
    }

    func look(_ now: UInt64) {
        guard !pluginNames.isEmpty else { return }
        lookedAt = now
        for child in watched {
            let block = shared.worker(child.block), head = block.head.pointee
            let sight = HoldWatch.Sight(
                plugin: head.currentPlugin, enteredTick: head.enteredTick, phase: head.currentPhase, samples: block.sample.pointee.serial)
            switch child.watch.look(sight, nowMs: now, bounds: image.settings.hold) {
            case .none: break
            case .sample: ChildProcess.kill(child.pid, FaultHandler.sampleSignal)
            case .warn(let ms):
                ErrorLog.write(
                    .warn,
                    "\(child.role) (pid \(child.pid)) is held by \(plugin(head)) in \(PhaseName.text(head.currentPhase)) for \(ms) ms")
                tellCrash(child, .slow, status: 0)
            case .kill(let ms):
                ErrorLog.write(
                    .error,
                    "\(child.role) (pid \(child.pid)): \(plugin(head)) did not come back from \(PhaseName.text(head.currentPhase)) "
                        + "within \(ms) ms; the worker is replaced")
                child.isHung = true
                ChildProcess.kill(child.pid, SIGKILL)
            }
        }
    }

    /// "plugin geo@3"
    private func plugin(_ head: WorkerHead) -> String {
        "plugin \(pluginNames[head.currentPlugin &- 1] ?? "#\(head.currentPlugin &- 1)")@\(head.currentGeneration)"
    }

    /// After the death of a worker: what it left behind goes into the ring, and its words are clean for the next one.
    func buryRecord(of child: Child, _ reason: ExitReason) {
        let block = shared.worker(child.block)
        let left = block.fault.pointee.serial != 0
        let ran = block.head.pointee.currentPlugin != 0
        let wasKilled = reason == .signalled(SIGKILL) || reason == .signalled(SIGTERM)
        if child.isHung {
            tellCrash(child, .hang, status: reason.waitStatus)
        } else if left {
            tellCrash(child, .crash, status: reason.waitStatus)
        } else if ran && !wasKilled {  // who is killed from outside is not to blame
            tellCrash(child, reason == .exited(0) || isExit(reason) ? .exit : .crash, status: reason.waitStatus)
        }
        block.fault.pointee.serial = 0
        block.sample.pointee.serial = 0
        block.head.pointee.currentPlugin = 0
        child.isHung = false
        child.watch = HoldWatch()
    }

    private func isExit(_ reason: ExitReason) -> Bool {
        if case .exited = reason { return true }
        return false
    }

    private func tellCrash(_ child: Child, _ kind: CrashKind, status: Int32) {
        let block = shared.worker(child.block), head = block.head.pointee
        let record = kind == .crash ? block.fault : block.sample
        // A worker that has been killed cannot go on; one that is slow can: the record then says what ran.
        let hasRecord = record.pointee.serial != 0 && (kind == .crash || record.pointee.entered_tick == head.enteredTick)
        let rate = max(shared.header.pointee.ticksPerUs, 0.001)
        let number = shared.crashes.append { entry in
            entry.pointee.pid = UInt64(child.pid)
            entry.pointee.unixMs = SystemClock.realtimeMs()
            entry.pointee.worker = UInt32(child.workerIndex ?? 0)
            entry.pointee.kind = kind.rawValue
            entry.pointee.waitStatus = status
            entry.pointee.plugin = hasRecord ? record.pointee.plugin : head.currentPlugin
            entry.pointee.generation = hasRecord ? record.pointee.generation : head.currentGeneration
            entry.pointee.phase = hasRecord ? record.pointee.phase : head.currentPhase
            let entered = hasRecord ? record.pointee.entered_tick : head.enteredTick
            let left = kind == .crash && hasRecord ? record.pointee.tick : TickClock.now
            if entry.pointee.plugin != 0 { entry.pointee.heldUs = left > entered ? UInt64(Double(left - entered) / rate) : 0 }
            if let name = pluginNames[entry.pointee.plugin &- 1] { entry.pointee.setName(name) }
            if hasRecord { entry.pointee.record = record.pointee }
        }
        tell(control, Frame(.crashed, worker: UInt32(child.workerIndex ?? 0), value: number))
    }

    /// Names by counter slot of every image that workers have or are to have; one that is gone stays until its slot is used again.
    func learnNames(_ image: MasterImage) {
        for plugin in image.plugins { pluginNames[plugin.slot] = plugin.name }
    }
}
