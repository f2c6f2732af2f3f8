// The upstream's answer: read its head, run header filters, write the client's head, start the body.
import CSluiceSys
import SluiceBytes
import SluiceHTTP
import SluicePlugins
import SluiceRules
import SluiceSystem

extension Pipeline {
    /// Something happened on an upstream connection that serves an exchange.
    mutating func upstreamProgress(_ x: Ex, _ u: Conn) {
        if u.pointee.writable && (u.pointee.outputPending > 0 || !x.pointee.request.isDone || !x.pointee.upload.isEmpty)
            && !x.pointee.bodyRefused
        {
            sendRequest(x)
            if u.pointee.exchange != x || u.pointee.state != .exchange { return }
        }
        if u.pointee.readable {
            if x.pointee.stage == .responding { pumpResponse(x) } else { readResponse(x, u) }
        }
    }

    /// Something happened on a client connection whose request is in progress.
    mutating func clientProgress(_ c: Conn) {
        guard let x = c.pointee.exchange else { return close(c) }
        if c.pointee.broken || hasLeft(x, c) { return abort(x) }
        if x.pointee.answersItself { return sendAnswer(x) }
        if x.pointee.isParked || x.pointee.context.content.isStarted { return waitingProgress(x, c) }
        if x.pointee.stage == .responding && c.pointee.writable {
            pumpResponse(x)
            if c.pointee.exchange != x || c.pointee.state != .exchange { return }
        }
        if !x.pointee.request.isDone && c.pointee.readable && x.pointee.upstream?.pointee.state == .exchange { sendRequest(x) }
    }

    /// The same while a hook waits, or makes the response.
    @inline(never) mutating func waitingProgress(_ x: Ex, _ c: Conn) {
        if x.pointee.isParked {
            if x.pointee.context.body.state == .gathering && c.pointee.readable { gatherMore(x) }
        } else if c.pointee.writable && x.pointee.context.content.isStarted {
            pumpContent(x)
        }
    }

    /// The client closed its side while the upstream has not answered: nobody waits for the answer, so the upstream is spared.
    @inline(__always) func hasLeft(_ x: Ex, _ c: Conn) -> Bool {
        c.pointee.hangup && x.pointee.request.isDone && !x.pointee.headSent && c.pointee.inputEnd == c.pointee.inputChecked
            && Socket.peek(c.pointee.descriptor) == 0
    }

    mutating func readResponse(_ x: Ex, _ u: Conn) {
        if u.pointee.input == nil {
            u.pointee.input = takeLarge()
            u.pointee.inputIsLarge = true
        }
        let b = u.pointee.input.unsafelyUnwrapped
        while u.pointee.readable {
            let r = u.receive(b + Int(u.pointee.inputEnd), min(Pipeline.firstRead, largeShape.capacity &- Int(u.pointee.inputEnd)))
            if r <= 0 {
                if r == -Int(EAGAIN) {
                    if u.pointee.inputEnd == 0 { giveInput(u) }
                    return
                }
                return upstreamLost(x, u, r)
            }
            u.pointee.inputEnd &+= Int32(truncatingIfNeeded: r)
            if parseResponse(x, u, b) { return }
        }
    }

    /// True when a final head was found, or the exchange has ended.
    @inline(__always) mutating func parseResponse(_ x: Ex, _ u: Conn, _ b: Bytes) -> Bool {
        while true {
            let head = address(&x.pointee.responseHead)
            let limits = HeadLimits(
                fieldsMax: headLimits.fieldsMax, targetBytesMax: headLimits.targetBytesMax, headBytesMax: largeShape.capacity - 1)
            let n = HeadParser.response(b, count: Int(u.pointee.inputEnd), head: head, fields: fields(b), limits: limits)
            if n == 0 && Int(u.pointee.inputEnd) < largeShape.capacity { return false }
            if n <= 0 {
                badResponse(x, u, n == 0 ? "sent a head larger than the buffer" : problem(head.pointee.problem))
                return true
            }
            u.pointee.inputStart = Int32(truncatingIfNeeded: n)
            u.pointee.inputChecked = u.pointee.inputStart
            if head.pointee.status >= 200 {
                startResponse(x, u)
                return true
            }
            if !interim(x, u, b, n) { return true }
            if u.pointee.inputEnd == 0 { return false }
        }
    }

    /// A 1xx: passed on to clients that know it (RFC 9110 section 15.2); 101 becomes a tunnel. False when the exchange has moved on.
    @inline(never) mutating func interim(_ x: Ex, _ u: Conn, _ b: Bytes, _ n: Int) -> Bool {
        let status = x.pointee.responseHead.status
        if status == 101 {
            if x.pointee.isUpgrade { startTunnel(x, u) } else { badResponse(x, u, "sent 101 without a request to upgrade") }
            return false
        }
        x.pointee.interims &+= 1
        if x.pointee.interims > Pipeline.interimsMax {
            badResponse(x, u, "sent too many interim responses")
            return false
        }
        let c = x.pointee.client
        if x.pointee.requestHead.minorVersion == 1 {
            let map = HeaderMap(buffer: b, fields: fields(b), fieldCount: Int(x.pointee.responseHead.fieldCount))
            x.pointee.context.status = status
            let options = responseOptions(x, keepAlive: true, framing: .none)
            let bound = HeadWriter.responseBound(head: address(&x.pointee.responseHead), map: map, options: options)
            if bound <= smallShape.capacity && c.pointee.outputPending == 0 {
                let out = output(c, room: bound)
                c.pointee.outputStart = 0
                c.pointee.outputEnd = Int32(
                    truncatingIfNeeded: HeadWriter.response(head: address(&x.pointee.responseHead), map: map, options: options, into: out))
                let r = c.send(out, c.pointee.outputPending)
                if r > 0 { c.pointee.outputStart &+= Int32(truncatingIfNeeded: r) }
                if c.pointee.outputPending == 0 { giveOutput(c) }
            }
        }
        let left = Int(u.pointee.inputEnd) - n
        memmove(b, b + n, left)
        u.pointee.inputStart = 0
        u.pointee.inputChecked = 0
        u.pointee.inputEnd = Int32(truncatingIfNeeded: left)
        return true
    }

    /// Interim responses of one request that are passed on; more are no protocol but an attack.
    static var interimsMax: UInt8 { 64 }

    @inline(never) mutating func badResponse(_ x: Ex, _ u: Conn, _ why: StaticString) {
        detach(x, u)
        close(u)
        upstreamFault(x, why, 0)
        answer(x, 502, "invalid response from upstream")
    }

    // MARK: final response

    @inline(__always) mutating func startResponse(_ x: Ex, _ u: Conn) {
        let head = address(&x.pointee.responseHead)
        let b = u.pointee.input.unsafelyUnwrapped
        x.pointee.stage = .responding
        x.pointee.upstreamUs = loop.clock.nowUs &- x.pointee.upstreamStartedUs
        setBodyFraming(x, u)
        x.pointee.context.responseHead = head
        x.pointee.context.response = HeaderMap(buffer: b, fields: fields(b), fieldCount: Int(head.pointee.fieldCount))
        x.pointee.context.status = head.pointee.status
        if x.pointee.action != nil { setCookie(x) }
        if x.pointee.chainPhases & PluginPhase.headerFilter.bit != 0 {
            return headFiltered(x, run(.headerFilter, x))
        }
        relayHead(x, u)
    }

    /// After the header filters: the head goes to the client, whoever made it.
    mutating func headFiltered(_ x: Ex, _ verdict: Verdict) {
        if verdict == .parked { return }
        let source = x.pointee.headSource
        if source == .own { return sendOwn(x) }
        if verdict == .failed { return answer(x, 500, "plugin failed", filterHeaders: false) }
        if source == .content { return sendContentHead(x) }
        guard let u = x.pointee.upstream else { return abort(x) }
        relayHead(x, u)
    }

    @inline(__always) mutating func relayHead(_ x: Ex, _ u: Conn) {
        let c = x.pointee.client
        let head = address(&x.pointee.responseHead)
        // Answered before the whole request was there: its rest may or may not follow, so the connection ends.
        if !x.pointee.request.isDone || isDraining { c.pointee.keepAlive = false }
        let framing = relayMode(x, c)
        let options = responseOptions(x, keepAlive: c.pointee.keepAlive, framing: framing)
        let bound = HeadWriter.responseBound(head: head, map: x.pointee.context.response, options: options)
        if bound > largeShape.capacity { return badResponse(x, u, "sent a head larger than the buffer") }
        // An interim response may still be on its way out.
        let pending = c.pointee.outputPending
        let out: Bytes
        if pending == 0 {
            out = output(c, room: bound)
            c.pointee.outputStart = 0
            c.pointee.outputEnd = 0
        } else {
            if Int(c.pointee.outputEnd) + bound > capacity(isLarge: c.pointee.outputIsLarge) { return abort(x) }
            out = c.pointee.output.unsafelyUnwrapped
        }
        c.pointee.outputEnd &+= Int32(
            truncatingIfNeeded: HeadWriter.response(
                head: head, map: x.pointee.context.response, options: options, into: out + Int(c.pointee.outputEnd)))
        x.pointee.headBytes = UInt32(truncatingIfNeeded: c.pointee.outputPending &- pending)
        x.pointee.headSent = true
        // Hooks may still read the head: its bytes stay. Otherwise the whole buffer serves the body.
        x.pointee.responseFloor = x.pointee.chainPhases & (PluginPhase.bodyFilter.bit | PluginPhase.log.bit) != 0 ? u.pointee.inputStart : 0
        pumpResponse(x)
    }

    /// RFC 9112 section 6.3, seen from the client's side of the upstream connection.
    @inline(__always) func setBodyFraming(_ x: Ex, _ u: Conn) {
        let h = x.pointee.responseHead
        u.pointee.keepAlive = h.minorVersion == 1 ? h.flags & MessageHead.close == 0 : h.flags & MessageHead.keepAlive != 0
        if x.pointee.requestHead.method == Method.head.rawValue || h.status == 204 || h.status == 304 {
            x.pointee.response.start(.none)
        } else if h.flags & MessageHead.chunked != 0 {
            x.pointee.response.start(.chunked)
        } else if h.contentLength >= 0 {
            x.pointee.response.start(.length, length: h.contentLength)
        } else {
            x.pointee.response.start(.untilClose)
            u.pointee.keepAlive = false
        }
    }

    /// How the body reaches the client: as received where possible, decoded where a filter or the client's version asks for it.
    @inline(__always) func relayMode(_ x: Ex, _ c: Conn) -> BodyFraming {
        let clientIsOld = x.pointee.requestHead.minorVersion == 0
        let framing = x.pointee.response.framing
        if framing == .none { return .asReceived }
        let filters = x.pointee.chainPhases & PluginPhase.bodyFilter.bit != 0
        if !filters && (framing == .length || (framing == .chunked && !clientIsOld)) { return .asReceived }
        x.pointee.decodesResponse = true
        if clientIsOld {
            c.pointee.keepAlive = false
            return .close
        }
        x.pointee.chunksResponse = true
        return .chunked
    }

    @inline(__always) mutating func responseOptions(_ x: Ex, keepAlive: Bool, framing: BodyFraming) -> ResponseHeadOptions {
        var options = ResponseHeadOptions()
        options.clientMinorVersion = x.pointee.requestHead.minorVersion
        options.keepAlive = keepAlive
        options.framing = framing
        options.via = settings.viaMode != 0
        options.status = x.pointee.context.status == x.pointee.responseHead.status ? 0 : x.pointee.context.status
        options.date = loop.clock.date()
        return options
    }

    /// Moves the response body; called again whenever a side can go on.
    mutating func pumpResponse(_ x: Ex) {
        let c = x.pointee.client
        guard let u = x.pointee.upstream, !x.pointee.isParked else { return }
        let flow =
            x.pointee.decodesResponse ? pumpDecoded(x, u, c) : pump(u, c, address(&x.pointee.response), floor: x.pointee.responseFloor)
        switch flow {
        case .done: finish(x)
        case .starved:
            if x.pointee.responseFloor == 0 && u.pointee.inputStart == u.pointee.inputEnd { giveInput(u) }
            if c.pointee.outputPending == 0 { giveOutput(c) }
            armBody(x)
        case .blocked: armBody(x)
        case .yielded: yield(u)
        case .sourceClosed, .malformed:
            upstreamFault(x, flow == .malformed ? "sent a malformed chunk" : "closed the connection", 0)
            flushHeld(x)
            abort(x)
        case .destinationClosed, .filterFailed: abort(x)
        case .parked: break
        }
    }

    @inline(__always) mutating func armBody(_ x: Ex) {
        let route = x.pointee.route
        let own = route == nil ? 0 : route.unsafelyUnwrapped.pointee.idleTimeoutMs
        arm(x.pointee.client, afterMs: own != 0 ? own : settings.bodyIdleTimeoutMs)
    }
}
