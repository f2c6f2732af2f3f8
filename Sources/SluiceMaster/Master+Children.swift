// Children: starting them with exactly what they need, noticing their end, starting successors. A worker's listening
// sockets stay open here, so connections that wait in them meet the successor.
import SluiceChannel
import SluiceModel
import SluiceObserve
import SluiceSystem

extension Master {
    /// Starts the process for a place and says its first frames. A failure to start counts as a death.
    func start(_ child: Child) {
        child.startAt = nil
        let now = SystemClock.monotonicMs()
        do {
            let (ours, theirs) = try Channel.pair()
            defer { Descriptor.close(theirs) }
            do {
                try Descriptor.setNonBlocking(ours)
                child.moveIn(try spawn(child.role, channel: theirs), Channel(fd: ours), now: now)
            } catch {
                Descriptor.close(ours)
                throw error
            }
        } catch {
            ErrorLog.write(.error, "\(child.role) cannot be started: \(error)")
            if child === successor { return }  // whoever started it tries again
            if hasServed || child.workerIndex == nil {
                child.startAt = now + max(UInt64(Limits.respawnDelayMsMin), child.policy.delayAfterDeath(livedMs: 0))
            } else {
                firstStartFailed(child, "\(error)")
            }
            return
        }
        greet(child)
    }

    private func spawn(_ role: Child.Role, channel: Int32) throws -> pid_t {
        var arguments = ["sluiced"]
        switch role {
        case .worker(let i): arguments += ["--worker", "\(i)"]
        case .control: arguments += ["--control", directory(of: executable) + "/sluice", image.settings.configPath]
        }
        arguments += ["--parent", "\(getpid())"]
        if !image.settings.user.isEmpty { arguments += ["--user", image.settings.user] }
        if !image.settings.group.isEmpty { arguments += ["--group", image.settings.group] }
        let null = try Descriptor.open("/dev/null", O_RDONLY)
        defer { Descriptor.close(null) }
        // The runtime's own crash handler would hold a dying worker for seconds; whoever wants it sets the variable.
        let quick = getenv("SWIFT_BACKTRACE") == nil ? [("SWIFT_BACKTRACE", "enable=no")] : []
        return try ChildProcess.spawn(
            "/proc/self/exe", arguments, environment: quick,
            descriptors: [(null, 0), (logs.error, 2), (channel, 3)])
    }

    private func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return String(path[..<slash])
    }

    /// A child's first frames.
    private func greet(_ child: Child) {
        guard let i = child.workerIndex else {
            child.isReady = true
            tell(child, Frame(.welcome, revision: image.revision, descriptors: [shared.fd, imageFd]))
            for w in workers where w.isReady { tell(child, workerState(w, status: 0, value: UInt64(w.pid))) }
            return
        }
        child.killAt = child.startedAt + UInt64(Limits.workerStartTimeoutMs)
        shared.worker(child.block).head.pointee.occupant = UInt64(i) + 1
        tell(
            child,
            Frame(.start, worker: UInt32(i), revision: image.revision, value: UInt64(child.block), descriptors: [shared.fd, imageFd]))
        tellListeners(child, i, image, image.listeners)
        tell(child, Frame(.logs, worker: UInt32(i), descriptors: logs.descriptors))
        if child !== successor { carryOut(hub.started(i)) }
    }

    /// One `listener` frame for each of `specs`, numbered as in `image`.
    func tellListeners(_ child: Child, _ worker: Int, _ image: MasterImage, _ specs: [ListenerSpec]) {
        for (number, spec) in image.listeners.enumerated() where specs.contains(where: spec.isSame(as:)) {
            guard let open = listeners.find(spec) else { continue }
            tell(
                child,
                Frame(
                    .listener, worker: UInt32(worker), revision: image.revision, value: UInt64(number), text: spec.label,
                    descriptors: [open.socket(worker: worker)]))
        }
    }

    func tell(_ child: Child, _ frame: Frame) {
        if child.send(frame) { return }
        ErrorLog.write(.error, "\(child.role) (pid \(child.pid)) does not read its channel; killed")
        ChildProcess.kill(child.pid, SIGKILL)
    }

    func workerState(_ child: Child, status: Int32, value: UInt64) -> Frame {
        Frame(.workerState, worker: UInt32(child.workerIndex ?? 0), value: value, status: status)
    }

    // MARK: the end of a child

    func reap() {
        while let (pid, reason) = ChildProcess.reap() {
            guard let child = children.first(where: { $0.pid == pid }) else { continue }
            readFrames(of: child)  // its last words may say why
            buried(child, reason)
        }
    }

    private func buried(_ child: Child, _ reason: ExitReason) {
        let now = SystemClock.monotonicMs()
        let lived = now - child.startedAt
        let wasReady = child.isReady
        let text = "\(child.role) (pid \(child.pid)) \(reason) after \(seconds(lived))"
        let complaint = child.complaint
        if child.workerIndex != nil { buryRecord(of: child, reason) }
        child.moveOut()
        if leaving.contains(where: { $0 === child }) || child === successor {
            return left(child, text, wasReady: wasReady, now: now)
        }
        if let i = child.workerIndex {
            tell(control, workerState(child, status: 1, value: UInt64(reason.waitStatus)))
            carryOut(hub.died(i))
        } else {
            carryOut(hub.controlLost())
        }
        if shutdown.phase != .running {
            ErrorLog.write(.info, text)
            if !workerProcesses.contains(where: \.isAlive) { carryOut(shutdown.workersLeft(now: now)) }
            return
        }
        if child.workerIndex != nil && !hasServed {
            ErrorLog.write(.error, text)
            return firstStartFailed(child, complaint.isEmpty ? text : "\(child.role): \(complaint)")
        }
        succeed(child, text, wasReady: wasReady, livedMs: lived, now: now)
    }

    /// Counts the death and starts or schedules the successor.
    private func succeed(_ child: Child, _ text: String, wasReady: Bool, livedMs: UInt64, now: UInt64) {
        if child.workerIndex == nil { shared.header.pointee.controlRestarts += 1 } else { shared.header.pointee.workerRestarts += 1 }
        let delay = child.policy.delayAfterDeath(livedMs: livedMs)
        if delay > 0 {
            ErrorLog.write(.error, "\(text); \(child.policy.rapidDeaths) deaths in a row soon after the start, next start in \(delay) ms")
            child.startAt = now + delay
            return
        }
        child.obituary = (text, now)
        start(child)
        if child.workerIndex == nil { announce(child) }  // the control process does not say when it is ready
    }

    /// The line about a death, written when the successor serves.
    func announce(_ child: Child) {
        guard let (text, at) = child.obituary else { return }
        child.obituary = nil
        ErrorLog.write(.notice, "\(text); respawned in \(SystemClock.monotonicMs() - at) ms")
    }

    /// A worker ended before any worker served. When all did, the house cannot start.
    private func firstStartFailed(_ child: Child, _ why: String) {
        if startFailure == nil { startFailure = why }
        if workers.contains(where: \.isAlive) { return }
        carryOut(shutdown.askedToStop(now: SystemClock.monotonicMs()))
    }

    /// The first worker serves: who failed meanwhile is tried again, and the control process is started.
    func firstServed() {
        hasServed = true
        startFailure = nil
        let now = SystemClock.monotonicMs()
        for w in workers where !w.isAlive && w.startAt == nil { w.startAt = now + w.policy.delayAfterDeath(livedMs: 0) }
        start(control)
    }

    private func seconds(_ ms: UInt64) -> String { ms < 10_000 ? "\(ms / 1000).\(ms / 100 % 10) s" : "\(ms / 1000) s" }
}
