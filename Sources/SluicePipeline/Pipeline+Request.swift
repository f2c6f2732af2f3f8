// The request on its way to the upstream: rewritten head, then the body as it comes in.
import CSluiceSys
import SluiceBytes
import SluiceHTTP
import SluiceSystem
import SluiceUpstream

extension Pipeline {
    /// Writes the upstream's request head into its output buffer; false when it does not fit and 431 was answered.
    mutating func buildRequest(_ x: Ex, _ u: Conn) -> Bool {
        let c = x.pointee.client
        let head = UnsafePointer(address(&x.pointee.requestHead))
        x.pointee.isUpgrade = head.pointee.flags & MessageHead.upgrade != 0 && head.pointee.minorVersion == 1 && mayUpgrade(x)
        let mode = settings.forwardedMode
        var options = RequestHeadOptions()
        options.clientAddress = x.pointee.context.clientAddress
        options.clientIsTrusted = c.pointee.trusted
        options.scheme = x.pointee.context.scheme
        options.localPort = localPort(c)
        options.xForwarded = mode & 1 != 0
        options.standard = mode & 2 != 0
        options.via = settings.viaMode != 0
        options.method = x.pointee.context.method
        options.path = x.pointee.context.path
        // A request upstream needs a Host that means something (RFC 9112 section 3.2): HTTP/1.0 clients may send none.
        options.host =
            x.pointee.context.host
            ?? (head.pointee.authorityLength == 0 && x.pointee.context.request.first(id: HeaderID.host) == nil
                ? x.pointee.context.targetLabel : nil)
        options.keepUpgrade = x.pointee.isUpgrade
        let isGathered = x.pointee.context.body.state == .complete
        options.keepExpect = head.pointee.flags & MessageHead.expectContinue != 0 && head.pointee.minorVersion == 1 && !isGathered
        if isGathered {
            x.pointee.upload = x.pointee.context.body.view
            if x.pointee.request.framing != .none || !x.pointee.upload.isEmpty { options.contentLength = Int64(x.pointee.upload.count) }
        }
        let bound = HeadWriter.requestBound(head: head, map: x.pointee.context.request, options: options)
        if bound > largeShape.capacity {  // only plugins can make it so
            answer(x, 431, "request head too large to be sent on")
            return false
        }
        let out = output(u, room: bound)
        u.pointee.outputStart = 0
        u.pointee.outputEnd = Int32(
            truncatingIfNeeded: HeadWriter.request(head: head, map: x.pointee.context.request, options: options, into: out))
        return true
    }

    /// Any protocol but HTTP/2: requests inside an h2c tunnel would pass by routes and plugins unseen.
    @inline(never) func mayUpgrade(_ x: Ex) -> Bool {
        guard let v = x.pointee.context.request.first(id: HeaderID.upgrade) else { return false }
        let h2c = ByteView("h2c")
        var i = 0
        while i &+ 3 <= v.count {
            if v.dropFirst(i).prefix(3).equalsIgnoringCase(h2c) { return false }
            i &+= 1
        }
        return true
    }

    @inline(__always) func localPort(_ c: Conn) -> ByteView {
        ByteView(listenerPorts[Int(c.pointee.listener) & 63].text, listenerPorts[Int(c.pointee.listener) & 63].count)
    }

    /// Sends what there is of the request; called again whenever a side can go on.
    mutating func sendRequest(_ x: Ex) {
        let c = x.pointee.client
        guard let u = x.pointee.upstream else { return }
        if x.pointee.context.body.state == .complete { return sendGathered(x, u) }
        let flow = pump(c, u, address(&x.pointee.request), floor: x.pointee.bodyStart)
        // A length was compared at once; chunks are counted as they come.
        if x.pointee.request.framing == .chunked && x.pointee.request.content > x.pointee.route.unsafelyUnwrapped.pointee.bodyBytesMax {
            return fail(x, 413, "body larger than the limit of this route")
        }
        switch flow {
        case .done: requestSent(x, u)
        case .starved:
            giveDrainedInput(c, keep: x.pointee.headBuffer)
            armUpload(x)
        case .blocked: armUpload(x)
        case .yielded: yield(c)
        case .sourceClosed, .parked, .filterFailed: abort(x)
        case .destinationClosed: requestRefused(x, u)
        case .malformed: fail(x, 400, "malformed chunked body")
        }
    }

    @inline(__always) mutating func requestSent(_ x: Ex, _ u: Conn) {
        giveOutput(u)
        if x.pointee.stage == .sending {
            x.pointee.stage = .waiting
            arm(x.pointee.client, afterMs: responseTimeoutMs(x))
        }
    }

    @inline(__always) func responseTimeoutMs(_ x: Ex) -> UInt32 {
        if x.pointee.responseMs != 0 { return x.pointee.responseMs }
        let own = x.pointee.route.unsafelyUnwrapped.pointee.responseTimeoutMs
        return own != 0 ? own : settings.responseTimeoutMs
    }

    /// The upstream takes no more: it may have answered early (RFC 9112 section 9.5), so its answer is looked for first.
    @inline(never) mutating func requestRefused(_ x: Ex, _ u: Conn) {
        if x.pointee.stage == .responding {
            x.pointee.request.isDone = true  // the rest of the body interests nobody; the client connection will close
            x.pointee.aborted = true
            return
        }
        u.pointee.readable = true
        u.pointee.hangup = true
        u.pointee.keepAlive = false
        giveOutput(u)
        x.pointee.bodyRefused = true
        readResponse(x, u)
    }

    /// While a request body is on its way, the client's timer checks that it moves at all and fast enough.
    /// The window stands until it ends: single bytes do not push it.
    @inline(never) mutating func armUpload(_ x: Ex) {
        if x.pointee.stage == .responding { return armBody(x) }
        if x.pointee.rateWindowUs == 0 {
            x.pointee.rateWindowUs = loop.clock.nowUs
            x.pointee.rateWindowBytes = x.pointee.request.received
            arm(x.pointee.client, afterMs: min(Pipeline.rateWindowMs, settings.bodyIdleTimeoutMs))
        }
    }

    /// A drained buffer is given back while its connection waits, unless it holds the request head.
    @inline(__always) mutating func giveDrainedInput(_ c: Conn, keep: Bytes) {
        if c.pointee.inputStart == c.pointee.inputEnd && c.pointee.input != keep { giveInput(c) }
    }

    static var rateWindowMs: UInt32 { 10_000 }

    /// The upstream connection broke before a response head: again where that is safe, else 502.
    @inline(never) mutating func upstreamLost(_ x: Ex, _ u: Conn, _ error: Int) {
        let reused = u.pointee.reused && u.pointee.inputEnd == 0
        let failure: AttemptFailure = reused ? .reusedConnectionClosed : .broken
        let state = AttemptState(
            failure: failure, method: x.pointee.requestHead.method, bodyIsReplayable: !x.pointee.bodyIsGone, attempts: x.pointee.attempts,
            connectRetries: 0)
        detach(x, u)
        close(u)
        if RetryDecision.decide(state) == .sameTarget && !x.pointee.bodyRefused {
            x.pointee.retries &+= 1
            counters.upstreamRetried()
            rewindBody(x)
            return connect(x, newConnection: true)
        }
        upstreamFault(x, error == 0 ? "closed the connection" : "connection broke", Int32(truncatingIfNeeded: -error))
        answer(x, 502, "upstream closed the connection before a response")
    }

    /// The body starts over from the buffer it arrived in.
    mutating func rewindBody(_ x: Ex) {
        let c = x.pointee.client
        if x.pointee.request.framing == .none || x.pointee.context.body.state == .complete { return }
        c.pointee.inputStart = x.pointee.bodyStart
        c.pointee.inputChecked = x.pointee.bodyStart
        setRequestFraming(x)
    }
}
