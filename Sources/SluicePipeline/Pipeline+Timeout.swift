// What an expired timer means, by the state of its connection.
import CSluiceSys
import SluiceBytes

extension Pipeline {
    @inline(never) mutating func expired(_ c: Conn) {
        switch c.pointee.state {
        case .idle: close(c)
        case .head: headTimedOut(c)
        case .pooled: dropIdle(c)
        case .lingering: close(c)
        case .tunnel:
            if let x = c.pointee.exchange { abort(x) } else { close(c) }
        case .connecting:
            guard let x = c.pointee.exchange else { return close(c) }
            detach(x, c)
            close(c)
            counters.timeout()
            connectFailed(x, ETIMEDOUT)
        case .exchange:
            guard let x = c.pointee.exchange else { return close(c) }
            if c.pointee.isUpstream { return gatheredTooLong(c) }
            exchangeTimedOut(x)
        default: break
        }
    }

    /// 408, so that a slow client knows; then the connection ends.
    mutating func headTimedOut(_ c: Conn) {
        counters.timeout()
        guard let b = c.pointee.input, let x = begin(c, b) else { return close(c) }
        x.exchange.pointee.requestHead.problem = 0
        refuse(x.exchange, 408)
    }

    mutating func exchangeTimedOut(_ x: Ex) {
        if x.pointee.isParked {
            if x.pointee.context.body.state == .gathering { return uploadTimedOut(x) }
            counters.timeout()
            if x.pointee.headSent { return abort(x) }
            return answer(x, 504, "plugin did not finish in time", filterHeaders: x.pointee.hookPhase != .headerFilter)
        }
        if x.pointee.contentRuns && !x.pointee.headSent {
            counters.timeout()
            return answer(x, 504, "plugin did not answer in time")
        }
        switch x.pointee.stage {
        case .sending where !x.pointee.request.isDone: uploadTimedOut(x)
        case .sending, .waiting:
            counters.timeout()
            upstreamFault(x, "timed out", ETIMEDOUT)
            x.pointee.aborted = x.pointee.aborted || !x.pointee.request.isDone
            answer(x, 504, "upstream did not respond in time")
        case .responding, .done:
            counters.timeout()
            flushHeld(x)
            abort(x)
        case .routing, .connecting: break  // the upstream connection's own timer decides
        }
    }

    /// The end of a window of the upload: a client that sent too little gets 408, an upstream that took nothing for as long
    /// as it may take to answer gets a 504 said about it.
    mutating func uploadTimedOut(_ x: Ex) {
        let elapsed = loop.clock.nowUs &- x.pointee.rateWindowUs
        let bytes = x.pointee.request.received &- x.pointee.rateWindowBytes
        let upstreamHasAll = x.pointee.upstream.map { $0.pointee.outputPending == 0 } ?? true
        let isStarved =
            upstreamHasAll && x.pointee.piped == 0 && x.pointee.client.pointee.inputStart == x.pointee.client.pointee.inputChecked
        if !isStarved && bytes == 0 {
            let left = Int64(responseTimeoutMs(x)) - Int64(elapsed / 1000)
            if left > 0 { return arm(x.pointee.client, afterMs: UInt32(min(left, Int64(Pipeline.rateWindowMs)))) }
            counters.timeout()
            upstreamFault(x, "timed out", ETIMEDOUT)
            x.pointee.aborted = true
            return answer(x, 504, "upstream takes no more of the request")
        }
        if isStarved && (bytes == 0 || bytes < UInt64(settings.bodyRateMin) &* elapsed / 1_000_000) {
            counters.timeout()
            x.pointee.aborted = true
            return answer(x, 408, "request body too slow")
        }
        x.pointee.rateWindowUs = 0
        armUpload(x)
    }
}
