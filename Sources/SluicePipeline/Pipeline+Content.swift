// A response that a plugin makes: what its content hook wrote goes through the header and body filters to the client, as fast as the
// client takes it and no faster.
import CSluiceSys
import SluiceBytes
import SluiceHTTP
import SluicePlugins
import SluiceRules

extension Pipeline {
    /// Asks the content hooks in turn; the route's own action follows when all decline.
    mutating func makeContent(_ x: Ex) {
        contentAsked(x, run(.content, x))
    }

    /// A parked content hook ended, or waits again.
    mutating func contentEnded(_ x: Ex, _ r: Int32) {
        let i = Int(x.pointee.contentIndex)
        let b = binding(x, i)
        x.pointee.contentRuns = false
        if r == 0 && !x.pointee.context.content.isStarted { return contentAsked(x, run(.content, x, from: i + 1)) }
        contentAsked(x, r == 0 ? .next : paused(x, .content, i, b, r))
    }

    private mutating func contentAsked(_ x: Ex, _ verdict: Verdict) {
        let isStarted = x.pointee.context.content.isStarted
        switch verdict {
        case .answered: pumpContent(x)
        case .parked: if isStarted { pumpContent(x) } else { armBody(x) }
        case .next where !isStarted: actByRoute(x)
        case .next, .failed:  // begun and not finished
            if x.pointee.headSent { abort(x) } else { answer(x, 500, "plugin failed") }
        }
    }

    /// Moves the response on: called when the hook wrote or ended, and when the client takes more.
    mutating func pumpContent(_ x: Ex) {
        if x.pointee.isParked { return }  // a filter waits
        if !x.pointee.headSent {
            if x.pointee.context.content.count == 0 && !x.pointee.context.content.isFinished { return armBody(x) }
            return beginContent(x)
        }
        let c = x.pointee.client
        while true {
            if c.pointee.outputPending > 0 {
                if !c.pointee.writable { return armBody(x) }
                let r = c.send(c.pointee.output.unsafelyUnwrapped + Int(c.pointee.outputStart), c.pointee.outputPending)
                if r < 0 {
                    if r == -Int(EAGAIN) { continue }
                    return abort(x)
                }
                c.pointee.outputStart &+= Int32(truncatingIfNeeded: r)
                x.pointee.bytesSent &+= UInt64(r)
                continue
            }
            if !x.pointee.memoryBody.isEmpty || (x.pointee.response.isDone && !x.pointee.responseEnded) {
                frameContent(x, c)
                continue
            }
            if x.pointee.responseEnded { return x.pointee.contentRuns ? armBody(x) : finish(x) }
            if !takeContent(x) { return }
        }
    }

    /// The next bytes of the hook, filtered. False: nothing to do now, or the exchange is over.
    private mutating func takeContent(_ x: Ex) -> Bool {
        x.pointee.chunkArena.reset()
        if x.pointee.context.content.count == 0 && !x.pointee.context.content.isFinished {
            let context = address(&x.pointee.context)
            if PluginHost.wait(context, .content) == .room {
                let r = host.resume(context, .content, status: 0)
                if r == BoundPlugin.parked { return true }
                contentEnded(x, r)
                return false
            }
            giveOutput(x.pointee.client)
            armBody(x)
            return false
        }
        let isLast = x.pointee.context.content.isFinished
        x.pointee.response.isDone = isLast
        let content = x.pointee.context.content.take()
        x.pointee.response.received &+= UInt64(content.count)
        switch filter(x, content) {
        case .next: return true
        case .parked: return false
        case .answered, .failed:
            abort(x)
            return false
        }
    }

    /// As `frame`, but the answer to HEAD has no body.
    private mutating func frameContent(_ x: Ex, _ c: Conn) {
        if x.pointee.response.framing != .none { return frame(x, c) }
        x.pointee.memoryBody = .empty
        if x.pointee.response.isDone { x.pointee.responseEnded = true }
    }

    // MARK: head

    /// The first bytes are there: header filters, then the head.
    private mutating func beginContent(_ x: Ex) {
        x.pointee.context.content.headIsFixed = true
        x.pointee.context.response = x.pointee.context.answerMap
        x.pointee.context.responseHead = nil
        x.pointee.context.status = x.pointee.context.content.status
        x.pointee.context.answerStatus = 0
        x.pointee.headSource = .content
        headFiltered(x, x.pointee.chainPhases & PluginPhase.headerFilter.bit != 0 ? run(.headerFilter, x) : .next)
    }

    /// After the header filters.
    mutating func sendContentHead(_ x: Ex) {
        let c = x.pointee.client
        let length = x.pointee.context.content.length
        let filters = x.pointee.chainPhases & PluginPhase.bodyFilter.bit != 0
        let isOld = x.pointee.requestHead.minorVersion == 0
        let status = Int(x.pointee.context.status)
        let isBodyless = status == 204 || status == 304
        let isHead = x.pointee.requestHead.method == Method.head.rawValue
        let sendsLength = length >= 0 && !filters
        x.pointee.chunksResponse = !sendsLength && !isOld && !isBodyless && !isHead
        x.pointee.response.framing = isBodyless || isHead ? .none : sendsLength ? .length : isOld ? .untilClose : .chunked
        x.pointee.response.isDone = false
        x.pointee.headSent = true
        x.pointee.stage = .responding
        settleRequestBody(x)
        if x.pointee.response.framing == .untilClose || !x.pointee.request.isDone || isDraining { c.pointee.keepAlive = false }
        var lines = headerLines(x, x.pointee.context.response, contentType: false)
        if !sendsLength && !isOld && !isBodyless { lines = joined(x, lines, "Transfer-Encoding: chunked\r\n") }
        if lines.count + 512 > largeShape.capacity { return abort(x) }
        let out = output(c, room: lines.count + 512)
        let n = HeadWriter.answer(
            status: status, contentLength: sendsLength ? Int(length) : -1, keepAlive: c.pointee.keepAlive,
            minorVersion: x.pointee.requestHead.minorVersion, date: loop.clock.date(), lines: lines, into: out)
        c.pointee.outputStart = 0
        c.pointee.outputEnd = Int32(truncatingIfNeeded: n)
        x.pointee.headBytes = UInt32(truncatingIfNeeded: n)
        pumpContent(x)
    }

    private mutating func joined(_ x: Ex, _ a: ByteView, _ b: StaticString) -> ByteView {
        guard let p = x.pointee.arena.allocate(a.count + b.utf8CodeUnitCount) else { return a }
        memcpy(p, a.start, a.count)
        return ByteView(p, a.count + put(p + a.count, b))
    }
}
