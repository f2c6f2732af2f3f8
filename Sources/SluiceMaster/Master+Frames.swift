// Frames from children: what each kind means to the master, and the effects of a change carried out. A frame that its
// sender has no business to send is logged and dropped.
import SluiceChannel
import SluiceModel
import SluiceObserve
import SluiceSystem

extension Master {
    /// Everything that is there now. A closed channel with a living process behind it gets a short time to leave.
    func readFrames(of child: Child) {
        while let channel = child.channel {
            do throws(ChannelError) {
                switch try channel.tryReceive() {
                case .frame(let frame): take(frame, from: child)
                case .nothing: return
                case .closed:
                    child.closeChannel()
                    child.killAt = min(child.killAt, SystemClock.monotonicMs() + UInt64(Limits.stopGraceMs))
                }
            } catch {
                ErrorLog.write(.error, "\(child.role) (pid \(child.pid)): \(error)")
                if case .malformed = error { continue }
                child.closeChannel()
                child.killAt = min(child.killAt, SystemClock.monotonicMs())
            }
        }
    }

    func take(_ frame: Frame, from child: Child) {
        if let i = child.workerIndex { takeFromWorker(frame, child, i) } else { takeFromControl(frame) }
    }

    // MARK: workers

    private func takeFromWorker(_ frame: Frame, _ child: Child, _ i: Int) {
        if workers[i] !== child, frame.kind == .prepared || frame.kind == .committed { return }  // it has left its place
        switch frame.kind {
        case .ready: ready(frame, child)
        case .prepared: carryOut(hub.prepared(i, frame.revision, status: frame.status, text: frame.text))
        case .committed:
            if frame.status != 0 { ErrorLog.write(.error, "worker \(i) cannot swap to revision \(frame.revision): \(frame.text)") }
            carryOut(hub.committed(i, frame.revision, status: frame.status, text: frame.text))
        case .released:
            var handed = frame
            handed.worker = UInt32(i)
            tell(control, handed)
        default: unexpected(frame, child)
        }
    }

    private func ready(_ frame: Frame, _ child: Child) {
        if frame.status != 0 {
            child.complaint = frame.text
            child.killAt = min(child.killAt, SystemClock.monotonicMs() + UInt64(Limits.stopGraceMs))
            ErrorLog.write(.error, "\(child.role) (pid \(child.pid)) cannot serve: \(frame.text)")
            return
        }
        child.isReady = true
        child.killAt = .max
        if child === successor {
            guard let i = child.workerIndex, workers[i].isReady else { return successorEnded() }  // that one is new itself
            successorServes(child)
        }
        announce(child)
        tell(control, workerState(child, status: 0, value: UInt64(child.pid)))
        if hasServed || shutdown.phase != .running { return }
        firstServed()
        let addresses = image.listeners.map(\.label).joined(separator: ", ")
        ErrorLog.write(.notice, "serving revision \(image.revision) on \(addresses) with \(workers.count) workers")
    }

    private func unexpected(_ frame: Frame, _ child: Child) {
        frame.closeDescriptors()
        ErrorLog.write(.warn, "\(child.role) (pid \(child.pid)) sent a \(frame.kind) frame, which is not its business; dropped")
    }

    // MARK: control

    private func takeFromControl(_ frame: Frame) {
        switch frame.kind {
        case .prepare: prepare(frame)
        case .commit: carryOut(hub.commit(frame.revision))
        case .abort: carryOut(hub.abort(frame.revision, nowMs: SystemClock.monotonicMs()))
        case .cancelGeneration:
            for i in workers.indices { tell(workers[i], Frame(.cancelGeneration, worker: UInt32(i), value: frame.value, text: frame.text)) }
        case .reloaded:
            if frame.status == 0 {
                ErrorLog.write(.notice, "configuration read again: \(frame.text.isEmpty ? "revision \(frame.revision)" : frame.text)")
            } else {
                ErrorLog.write(.error, "configuration not read again, revision \(image.revision) stays: \(frame.text)")
            }
        case .recycle: askedToRecycle()
        case .shutdown:
            ErrorLog.write(.notice, "the control process asks for \(frame.status == 0 ? "a graceful" : "an immediate") stop")
            let now = SystemClock.monotonicMs()
            carryOut(
                frame.status == 0 ? shutdown.askedToDrain(now: now, drainMs: image.settings.drainTimeoutMs) : shutdown.askedToStop(now: now)
            )
        default: unexpected(frame, control)
        }
    }

    /// Step one of a change. Whatever fails here is told to the control process, and nothing has changed.
    private func prepare(_ frame: Frame) {
        let fd = frame.descriptors[0]  // `Channel` let exactly one through
        do {
            if shutdown.phase != .running { throw MasterError.text("the house is being stopped") }
            let next = try MasterImage(fd: fd)
            guard next.revision == frame.revision else {
                throw MasterError.text("the frame says revision \(frame.revision), the image \(next.revision)")
            }
            if let objection = hub.objection(next.revision) { throw MasterError.text(objection) }
            carryOut(hub.letGoForNewer())
            successorEnded()
            try Master.raiseLimits(next.settings, listeners: next.listeners.count, workers: workers.count)
            try listeners.openMissing(next.listeners)
            prepared = (next, fd)
            learnNames(next)
            carryOut(hub.prepare(next.revision, nowMs: SystemClock.monotonicMs()))
        } catch {
            Descriptor.close(fd)
            ErrorLog.write(.error, "revision \(frame.revision) refused: \(error)")
            tell(control, Frame(.prepared, revision: frame.revision, status: 1, text: "\(error)"))
        }
    }

    // MARK: effects

    func carryOut(_ effects: [ChangeHub.Effect]) {
        for effect in effects {
            switch effect {
            case .tellWorker(let i, let kind, let revision): tellWorker(i, kind, revision)
            case .answer(let kind, let worker, let revision, let status, let text):
                tell(control, Frame(kind, worker: UInt32(worker), revision: revision, status: status, text: text))
            case .adopt(let revision): adopt(revision)
            case .forget:
                if let p = prepared { Descriptor.close(p.fd) }
                prepared = nil
                listeners.closeSurplus(image.listeners)
            case .retire: retire()
            case .replaceWorker(let i):
                ErrorLog.write(.error, "worker \(i) (pid \(workers[i].pid)) did not do what a change asked of it; it is replaced")
                ChildProcess.kill(workers[i].pid, SIGKILL)
            }
        }
    }

    private func tellWorker(_ i: Int, _ kind: FrameKind, _ revision: UInt64) {
        let child = workers[i]
        guard kind == .prepare else { return tell(child, Frame(kind, worker: UInt32(i), revision: revision)) }
        guard let p = prepared else { return }
        tellListeners(child, i, p.image, ListenerTable.missing(image.listeners, p.image.listeners))
        tell(
            child,
            Frame(.prepare, worker: UInt32(i), revision: revision, status: Frame.imageIsChecked, descriptors: [p.fd]))  // by `MasterImage`
    }

    /// The prepared image becomes the current one.
    private func adopt(_ revision: UInt64) {
        guard let p = prepared, p.image.revision == revision else { return }
        prepared = nil
        let restart = image.settings.needsRestart(p.image.settings)
        Descriptor.close(imageFd)
        (image, imageFd) = (p.image, p.fd)
        ErrorLog.level = image.settings.errorLevel
        ErrorLog.write(.notice, "revision \(revision) is current")
        if !restart.isEmpty {
            ErrorLog.write(.warn, "changed in revision \(revision) but kept until sluiced is restarted: \(restart.joined(separator: ", "))")
        }
        if logs.differs(from: image.settings) { reopenLogs() }
    }

    /// Nobody uses the listeners of the revision before any more, unless a change is on its way that names them.
    private func retire() {
        let wanted = image.listeners + (prepared?.image.listeners ?? [])
        for spec in listeners.closeSurplus(wanted) { ErrorLog.write(.notice, "no longer listening on \(spec.label)") }
    }
}
