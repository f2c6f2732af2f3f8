// The end of an exchange: log hooks, counters, log line; the upstream connection is kept or closed, the client waits for
// its next request, lingers or closes.
import CSluiceSys
import SluiceBytes
import SluiceHTTP
import SluiceLoop
import SluiceObserve
import SluicePlugins
import SluiceRules

extension Pipeline {
    /// Everything of the response has been handed to the kernel.
    mutating func finish(_ x: Ex) {
        let c = x.pointee.client
        record(x)
        if let u = x.pointee.upstream {
            let isClean =
                x.pointee.response.isDone && u.pointee.inputStart == u.pointee.inputEnd && u.pointee.keepAlive && !u.pointee.hangup
                && x.pointee.request.isDone
                && u.pointee.outputPending == 0 && !x.pointee.bodyRefused
            detach(x, u)
            let slot = Int(u.pointee.pool)
            if isClean && !isDraining && pools.slots[slot].snapshots > 0 && pools.slots[slot].idleCount < pools.slots[slot].idleMax {
                giveInput(u)
                giveOutput(u)
                keepIdle(u)
            } else {
                close(u)
            }
        }
        let stays = c.pointee.keepAlive && x.pointee.request.isDone && !x.pointee.aborted
        let hasUnreadBody = !x.pointee.request.isDone || x.pointee.isRefused
        giveOutput(c)
        c.pointee.exchange = nil
        // The head's buffer ends with the exchange; bytes of a next request move to its front or are in another buffer.
        if c.pointee.input != x.pointee.headBuffer { giveBuffer(x.pointee.headBuffer, isLarge: x.pointee.headBufferIsLarge) }
        endExchange(x)
        if !stays {
            if hasUnreadBody && !c.pointee.broken { startLingering(c) } else { close(c) }
            return
        }
        let left = Int(c.pointee.inputEnd &- c.pointee.inputChecked)
        if left > 0, let b = c.pointee.input {
            memmove(b, b + Int(c.pointee.inputChecked), left)
            c.pointee.inputStart = 0
            c.pointee.inputChecked = 0
            c.pointee.inputEnd = Int32(truncatingIfNeeded: left)
        } else {
            giveInput(c)
        }
        c.pointee.state = .idle
        arm(c, afterMs: settings.idleTimeoutMs)
        if left > 0 || c.pointee.readable { resumable = c }
    }

    /// The exchange cannot be completed: both connections are cut, so that a part is not taken for the whole.
    @inline(never) mutating func abort(_ x: Ex) {
        let c = x.pointee.client
        if x.pointee.isParked || x.pointee.contentRuns { stopHooks(x) }
        if !x.pointee.headSent { x.pointee.context.status = 499 }  // the client left first (nginx's number for it)
        x.pointee.aborted = true
        record(x)
        if let u = x.pointee.upstream {
            detach(x, u)
            close(u)
        }
        // Without a length or chunks only a reset tells the client that the body is cut.
        if x.pointee.headSent && (x.pointee.response.framing == .untilClose || x.pointee.requestHead.minorVersion == 0) { resetOnClose(c) }
        giveOutput(c)
        c.pointee.exchange = nil
        if c.pointee.input != x.pointee.headBuffer { giveBuffer(x.pointee.headBuffer, isLarge: x.pointee.headBufferIsLarge) }
        endExchange(x)
        close(c)
    }

    @inline(__always) mutating func endExchange(_ x: Ex) {
        x.pointee.arena.reset()
        x.pointee.chunkArena.reset()
        if x.pointee.context.body.state != .flowing || x.pointee.context.content.isStarted || x.pointee.context.isInLine { endWaits(x) }
        if x.pointee.pipe >= 0 { pipes.give(x.pointee.pipe, clean: x.pointee.piped == 0) }
        release(x.pointee.snapshot)
        dropExchange(x)
    }

    /// Memory that only requests have whose plugins gathered or made a body.
    @inline(never) func endWaits(_ x: Ex) {
        let context = address(&x.pointee.context)
        context.pointee.body.release()
        context.pointee.content.release()
        if context.pointee.isInLine { leaveLine(context) }
    }

    /// Counters, log hooks and the log line.
    @inline(__always) mutating func record(_ x: Ex) {
        let end = LoopClock.readUs()
        let duration = end &- x.pointee.startedUs
        let received = UInt64(x.pointee.requestHead.length) &+ x.pointee.request.received
        counters.requestDone(
            slot: x.pointee.route == nil ? 0 : x.pointee.route.unsafelyUnwrapped.pointee.statSlot, status: x.pointee.context.status,
            durationUs: duration, bytesIn: received, bytesOut: x.pointee.bytesSent)
        if x.pointee.chainPhases & PluginPhase.log.bit != 0 {
            x.pointee.context.bytesSent = x.pointee.bytesSent
            x.pointee.context.bytesReceived = received
            x.pointee.context.durationUs = duration
            x.pointee.context.upstreamUs = x.pointee.upstreamUs
            x.pointee.context.retries = x.pointee.retries
            for i in 0..<Int(x.pointee.chainCount) {
                var b = x.pointee.snapshot.pointee.bound + Int(x.pointee.chain.unsafelyUnwrapped[i])
                if b.pointee.isChosen {
                    guard let mine = chosen(x, i, b) else { continue }
                    b = mine
                }
                if b.pointee.phases & PluginPhase.log.bit != 0 { _ = b.pointee.run(.log, address(&x.pointee.context)) }
            }
        }
        if settings.accessLog != 0 { logAccess(x, duration) }
    }

    mutating func logAccess(_ x: Ex, _ duration: UInt64) {
        var line = AccessRecord()
        line.client = x.pointee.context.clientAddress
        line.consumer = x.pointee.context.consumer
        line.requestLine = requestLine(x)
        if x.pointee.requestHead.length > 0 {
            line.referer = x.pointee.context.request.first(id: HeaderID.referer) ?? .empty
            line.userAgent = x.pointee.context.request.first(id: HeaderID.userAgent) ?? .empty
        }
        line.status = x.pointee.context.status
        line.bytesSent = x.pointee.bytesSent - min(x.pointee.bytesSent, UInt64(x.pointee.headBytes))
        if settings.accessLog == AccessLogFormat.json.rawValue { addDetails(x, duration, &line) }
        accessLog.append(line)
        if accessLog.wantsFlush { accessLog.flush() }
    }

    /// What the combined form has no place for.
    @inline(never) private func addDetails(_ x: Ex, _ duration: UInt64, _ line: inout AccessRecord) {
        let b = x.pointee.headBuffer
        let h = x.pointee.requestHead
        if h.length > 0 {
            line.method = ByteView(b, Int(h.methodLength))
            line.target = ByteView(b + Int(h.targetOffset), Int(h.targetLength))
            line.host = ByteView(b + Int(h.authorityOffset), Int(h.authorityLength))
            line.protocolMinor = h.minorVersion
        } else {
            let method = line.requestLine.firstIndex(of: 0x20)
            if method >= 0 {
                line.method = line.requestLine.prefix(method)
                line.target = line.requestLine.dropFirst(method + 1)
                let end = line.target.firstIndex(of: 0x20)
                if end >= 0 { line.target = line.target.prefix(end) }
            }
        }
        line.bytesReceived = x.pointee.request.content
        line.durationUs = duration
        line.upstreamUs = x.pointee.upstreamUs
        line.retries = UInt8(truncatingIfNeeded: min(x.pointee.retries, 255))
        line.route = x.pointee.context.routeID
        line.cluster = x.pointee.context.clusterID
        line.targetLabel = x.pointee.context.targetLabel
        line.requestID = x.pointee.context.requestID
    }

    /// The first line as received, without its CRLF; of a refused head as much of it as there is.
    func requestLine(_ x: Ex) -> ByteView {
        let b = x.pointee.headBuffer
        if !x.pointee.isRefused {  // method SP target SP "HTTP/1.x"
            let method = Int(x.pointee.requestHead.methodLength)
            return ByteView(
                b + (Int(x.pointee.requestHead.targetOffset) &- 1 &- method), method &+ Int(x.pointee.requestHead.targetLength) &+ 10)
        }
        let line = ByteView(b, min(Int(x.pointee.client.pointee.inputEnd), 2048))
        let end = line.firstIndex(of: 13)
        return end >= 0 ? line.prefix(end) : line
    }
}
