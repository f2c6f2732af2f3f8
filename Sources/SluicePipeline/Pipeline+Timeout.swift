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
            if c.pointee.isUpstream { return }
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
        switch x.pointee.stage {
        case .sending where !x.pointee.request.isDone: uploadTimedOut(x)
        case .sending, .waiting:
            counters.timeout()
            upstreamFault(x, "no response in time", ETIMEDOUT)
            x.pointee.aborted = x.pointee.aborted || !x.pointee.request.isDone
            answer(x, 504, "upstream did not respond in time")
        case .responding, .done:
            counters.timeout()
            abort(x)
        case .routing, .connecting: break  // the upstream connection's own timer decides
        }
    }

    /// Slow clients get 408; an upstream that takes nothing gets 504.
    mutating func uploadTimedOut(_ x: Ex) {
        let elapsed = loop.clock.nowUs &- x.pointee.rateWindowUs
        let bytes = x.pointee.request.received &- x.pointee.rateWindowBytes
        let isStarved = x.pointee.upstream.map { $0.pointee.outputPending == 0 } ?? true && x.pointee.piped == 0 && x.pointee.client.pointee.inputStart == x.pointee.client.pointee.inputChecked
        let tooSlow = settings.bodyRateMin > 0 ? bytes < UInt64(settings.bodyRateMin) &* elapsed / 1_000_000 : bytes == 0
        if bytes == 0 && !isStarved || tooSlow && isStarved {
            if elapsed < UInt64(isStarved && settings.bodyRateMin > 0 ? min(Pipeline.rateWindowMs, settings.bodyIdleTimeoutMs) : settings.bodyIdleTimeoutMs) &* 1000 {
                return arm(x.pointee.client, afterMs: min(Pipeline.rateWindowMs, settings.bodyIdleTimeoutMs))
            }
            counters.timeout()
            x.pointee.aborted = true
            return isStarved ? answer(x, 408, "request body too slow") : answer(x, 504, "upstream takes no more of the request")
        }
        x.pointee.rateWindowUs = 0
        armUpload(x)
    }
}
