// What the master says while the worker serves: changes in two steps, new listeners, new logs, the end.
import CSluiceSys
import SluiceBytes
import SluiceChannel
import SluiceModel
import SluiceObserve
import SluicePipeline
import SluiceRules
import SluiceSystem

extension Worker {
    mutating func takeFrames() {
        do {
            while let f = try channel.receiveNow() { handle(f) }
        } catch {
            // Without a master nobody would restart or reload this worker: it leaves, and with it its requests.
            ErrorLog.write(.error, "the channel to the master ended (\(error)); leaving")
            pipeline.accessLog.flush()
            exit(2)
        }
    }

    mutating func handle(_ f: Frame) {
        switch f.kind {
        case .prepare: prepare(f)
        case .commit: commit(f)
        case .abort:
            forget()
            // Sockets that came for the change: kept, they would take connections that nobody accepts.
            for i in listeners.indices where listeners[i].descriptor >= 0 && !listeners[i].isWatched { dropListener(i) }
        case .listener: addListener(f)
        case .logs:
            // What the runtime and plugins print follows too.
            do { try Descriptor.replace(2, with: f.descriptors[0]) } catch { ErrorLog.write(.error, "\(error)") }
            ErrorLog.redirect(to: f.descriptors[0])
            pipeline.accessLog.flush()
            pipeline.accessLog.reopen(f.descriptors.count > 1 ? f.descriptors[1] : -1)
        case .drain: startDrain(f.value, isPatient: f.status == 1)
        case .cancelGeneration: pipeline.host.cancelAll(plugin: f.text, generation: f.value)
        default: f.descriptors.forEach(Descriptor.close)
        }
    }

    mutating func answer(_ kind: FrameKind, _ revision: UInt64, status: Int32 = 0, text: String = "") {
        do { try channel.send(Frame(kind, worker: UInt32(index), revision: revision, status: status, text: text)) } catch {
            ErrorLog.write(.error, "\(kind) of revision \(revision) could not be sent: \(error)")
        }
    }

    mutating func prepare(_ f: Frame) {
        forget()
        defer { f.descriptors.forEach(Descriptor.close) }
        do {
            prepared = try pipeline.prepare(descriptor: f.descriptors[0], isChecked: f.status == Frame.imageIsChecked)
            answer(.prepared, f.revision)
        } catch {
            ErrorLog.write(.warn, "revision \(f.revision) refused: \(error)")
            answer(.prepared, f.revision, status: 1, text: "\(error)")
        }
    }

    mutating func commit(_ f: Frame) {
        guard let p = prepared, p.pointee.revision == f.revision else {
            return answer(.committed, f.revision, status: 1, text: "revision \(f.revision) was not prepared")
        }
        prepared = nil
        pipeline.commit(p)
        pipeline.counters.block.head.pointee.revision = f.revision
        do { try watchListeners() } catch { ErrorLog.write(.error, "\(error)") }
        let settings = p.pointee.image.settings.pointee
        if let form = AccessLog.Form(rawValue: settings.accessLog) { pipeline.accessLog.form = form }
        if let level = LogLevel(rawValue: Int(settings.errorLevel)) { ErrorLog.level = level }
        answer(.committed, f.revision)
    }

    mutating func forget() {
        if let p = prepared { pipeline.release(p) }
        prepared = nil
    }

    // MARK: listeners

    mutating func addListener(_ f: Frame) {
        if let i = listeners.firstIndex(where: { $0.descriptor < 0 }) {
            listeners[i] = ListeningPlace(label: f.text, descriptor: f.descriptors[0])
        } else {
            listeners.append(ListeningPlace(label: f.text, descriptor: f.descriptors[0]))
        }
    }

    /// Accepts from exactly the listeners that the current image names.
    mutating func watchListeners() throws {
        guard let s = pipeline.current else { return }
        var named: Set<String> = []
        for l in s.pointee.image.listeners {
            let label = s.pointee.image.text(l.label).string
            named.insert(label)
            guard let i = listeners.firstIndex(where: { $0.label == label && $0.descriptor >= 0 }) else {
                throw WorkerError("no socket came for the listener \(label)")
            }
            if listeners[i].isWatched { continue }
            try Descriptor.setNonBlocking(listeners[i].descriptor)
            if l.address.family != UInt32(AF_UNIX) { Socket.setNoDelay(listeners[i].descriptor) }
            if withUnsafePointer(to: l.address.bytes, { Socket.isLoopback(family: Int32(l.address.family), address: $0) }) {
                Socket.setUnpaced(listeners[i].descriptor)
            }
            pipeline.setPort(UInt16(l.address.bytes[2]) << 8 | UInt16(l.address.bytes[3]), ofListener: i)
            guard pipeline.loop.poller.addLevel(listeners[i].descriptor, token: Token.firstListener + UInt64(i)) else {
                throw WorkerError("the listener \(label) cannot be watched")
            }
            listeners[i].isWatched = true
        }
        for i in listeners.indices where listeners[i].descriptor >= 0 && !named.contains(listeners[i].label) { dropListener(i) }
    }

    /// The master keeps a socket of its own, so what still queues there is not lost by closing this one.
    mutating func dropListener(_ i: Int) {
        if listeners[i].isWatched { pipeline.loop.poller.remove(listeners[i].descriptor) }
        Descriptor.close(listeners[i].descriptor)
        listeners[i] = ListeningPlace(label: "", descriptor: -1)
    }

    // MARK: the end

    /// - Parameter isPatient: a successor serves already: idle connections get time to send the request that may be on its way.
    mutating func startDrain(_ afterMs: UInt64, isPatient: Bool) {
        if drainDeadlineMs != 0 {  // asked again: less time, never more
            drainDeadlineMs = min(drainDeadlineMs, pipeline.loop.clock.nowMs + max(1, afterMs))
            if !isPatient { pipeline.drain() }
            return
        }
        for i in listeners.indices where listeners[i].isWatched {
            pipeline.accept(listener: listeners[i].descriptor, index: UInt16(truncatingIfNeeded: i))
        }
        if isPatient {
            pipeline.beginDrain()
            idleUntilMs = pipeline.loop.clock.nowMs + UInt64(Limits.drainIdleGraceMs)
        } else {
            pipeline.drain()
        }
        for i in listeners.indices where listeners[i].descriptor >= 0 { dropListener(i) }
        drainDeadlineMs = pipeline.loop.clock.nowMs + max(1, afterMs)
    }

    mutating func leaveWhenDrained() {
        if idleUntilMs != 0 && pipeline.loop.clock.nowMs >= idleUntilMs {
            idleUntilMs = 0
            pipeline.drain()
        }
        if pipeline.connectionCount > 0 && pipeline.loop.clock.nowMs < drainDeadlineMs { return }
        if pipeline.connectionCount > 0 {
            ErrorLog.write(.warn, "\(pipeline.connectionCount) connections were cut at the end of the drain")
        }
        pipeline.host.leave()
        pipeline.accessLog.flush()
        exit(0)
    }
}
