// After 101 Switching Protocols: bytes both ways until both sides have ended (RFC 9110 section 7.8). What is said inside
// is the peers' business.
import CSluiceSys
import SluiceBytes
import SluiceHTTP
import SluiceSystem

extension Pipeline {
    mutating func startTunnel(_ x: Ex, _ u: Conn) {
        let c = x.pointee.client
        let b = u.pointee.input.unsafelyUnwrapped
        x.pointee.context.status = 101
        x.pointee.upstreamUs = loop.clock.nowUs &- x.pointee.upstreamStartedUs
        let map = HeaderMap(buffer: b, fields: fields(b), fieldCount: Int(x.pointee.responseHead.fieldCount))
        var options = responseOptions(x, keepAlive: true, framing: .none)
        options.keepUpgrade = true
        let bound = HeadWriter.responseBound(head: address(&x.pointee.responseHead), map: map, options: options)
        if bound > largeShape.capacity || c.pointee.outputPending > 0 { return abort(x) }
        let out = output(c, room: bound)
        c.pointee.outputStart = 0
        c.pointee.outputEnd = Int32(
            truncatingIfNeeded: HeadWriter.response(head: address(&x.pointee.responseHead), map: map, options: options, into: out))
        x.pointee.headSent = true
        x.pointee.stage = .responding
        x.pointee.aborted = true  // neither connection carries HTTP any more
        x.pointee.request.start(.untilClose)
        x.pointee.response.start(.untilClose)
        c.pointee.state = .tunnel
        u.pointee.state = .tunnel
        tunnelProgress(c)
    }

    /// Something happened on either end.
    mutating func tunnelProgress(_ c: Conn) {
        guard let x = c.pointee.exchange, let u = x.pointee.upstream else { return close(c) }
        let client = x.pointee.client
        if !moveTunnel(u, client, address(&x.pointee.response)) || !moveTunnel(client, u, address(&x.pointee.request)) { return abort(x) }
        if x.pointee.request.isDone && x.pointee.response.isDone && client.pointee.outputPending == 0 && u.pointee.outputPending == 0 {
            return finish(x)  // closes both without a reset: what the kernel still holds arrives
        }
        arm(client, afterMs: settings.tunnelIdleTimeoutMs)
    }

    /// One direction; false when the tunnel has broken.
    mutating func moveTunnel(_ s: Conn, _ d: Conn, _ body: UnsafeMutablePointer<BodyRelay>) -> Bool {
        let wasDone = body.pointee.isDone
        switch pump(s, d, body, floor: 0) {
        case .done:
            giveOutput(d)
            if !wasDone { Socket.shutdownWrite(d.pointee.descriptor) }
        case .starved:
            giveOutput(d)
            if s.pointee.inputStart == s.pointee.inputEnd && s.pointee.input != s.pointee.exchange?.pointee.headBuffer { giveInput(s) }
        case .blocked: break
        case .yielded: yield(s)
        case .sourceClosed, .destinationClosed, .malformed, .parked, .filterFailed: return false
        }
        return true
    }
}
