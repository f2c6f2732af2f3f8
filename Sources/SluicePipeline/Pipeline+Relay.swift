// Bodies on their way, as received: checked where their framing needs it, never copied more than a buffer, never faster
// than the receiver takes them.
import CSluiceSys
import SluiceBytes
import SluiceSystem

/// Why a relay paused or ended.
enum Flow {
    /// Everything of the body has been sent.
    case done
    /// The source has no bytes now.
    case starved
    /// The destination takes no bytes now.
    case blocked
    /// It could go on, but others wait too.
    case yielded
    case sourceClosed
    case destinationClosed
    case malformed
    /// A body filter waits, or failed.
    case parked
    case filterFailed
}

extension Pipeline {
    /// A small body goes out in one send with the head in front of it.
    static var joinMax: Int { 8192 }
    /// Bytes moved for one connection before others get their turn.
    static var yieldBytes: Int { 4 << 20 }

    /// Moves body bytes from `s` to `d`, pending output of `d` (the head) first.
    /// - Parameter floor: where the body area of the source's buffer begins; bytes before it are kept.
    @inline(__always) mutating func pump(_ s: Conn, _ d: Conn, _ body: UnsafeMutablePointer<BodyRelay>, floor: Int32) -> Flow {
        var moved = 0
        var isKept = false
        while true {
            if !check(s, body) { return .malformed }
            if (s.pointee.inputChecked > s.pointee.inputStart || d.pointee.outputEnd > d.pointee.outputStart) && !isHeld(s, d, body) {
                isKept = spliceFollows(s, d, body)
                let r = flush(s, d, more: isKept)
                if r < 0 { return r == -Int(EAGAIN) ? .blocked : .destinationClosed }
                moved &+= r
                if !d.pointee.writable && (s.pointee.inputChecked > s.pointee.inputStart || d.pointee.outputEnd > d.pointee.outputStart) {
                    return .blocked
                }
                continue
            }
            if body.pointee.isDone { return .done }
            // Also while a pipe still holds bytes: all of the body may have been received already.
            if body.pointee.framing == .length
                && (body.pointee.remaining >= spliceMin(d) || d.pointee.exchange.unsafelyUnwrapped.pointee.pipe >= 0),
                let flow = splice(s, d, body)
            {
                if isKept && flow == .starved { Socket.push(d.pointee.descriptor) }
                return flow
            }
            if isKept {  // no pipe: the rest is copied
                Socket.push(d.pointee.descriptor)
                isKept = false
            }
            if !s.pointee.readable { return .starved }
            if moved > Pipeline.yieldBytes { return .yielded }
            let r = refill(s, body, floor: floor)
            if r > 0 { continue }
            if r == -Int(EAGAIN) { return .starved }
            if r == 0 && body.pointee.framing == .untilClose {
                body.pointee.isDone = true
                return .done
            }
            return .sourceClosed
        }
    }

    /// A response that fits into one segment is sent as one: many servers write head and body apart, and a send costs more than
    /// anything else here. Only what has a known, short rest is held; when that does not come, `flushHeld` lets it go.
    static var holdMax: Int64 { 1460 }

    @inline(__always) func isHeld(_ s: Conn, _ d: Conn, _ body: UnsafeMutablePointer<BodyRelay>) -> Bool {
        if body.pointee.isDone || body.pointee.framing != .length || d.pointee.isUpstream || d.pointee.outputStart != 0 { return false }
        return Int64(d.pointee.outputEnd &+ s.pointee.inputChecked &- s.pointee.inputStart) &+ body.pointee.remaining <= Pipeline.holdMax
    }

    /// Sends what was held of a response that will not be complete, so that the client sees how far it got.
    @inline(never) mutating func flushHeld(_ x: Ex) {
        guard let u = x.pointee.upstream, !x.pointee.decodesResponse else { return }
        let c = x.pointee.client
        if u.pointee.inputChecked > u.pointee.inputStart || c.pointee.outputEnd > c.pointee.outputStart { _ = flush(u, c) }
    }

    /// Looks at newly received bytes: how much of them belongs to this body.
    @inline(__always) func check(_ s: Conn, _ body: UnsafeMutablePointer<BodyRelay>) -> Bool {
        let n = Int(s.pointee.inputEnd &- s.pointee.inputChecked)
        if n == 0 || body.pointee.isDone { return true }
        switch body.pointee.framing {
        case .none: break
        case .length:
            let k = min(Int64(n), body.pointee.remaining)
            s.pointee.inputChecked &+= Int32(truncatingIfNeeded: k)
            body.pointee.remaining &-= k
            body.pointee.received &+= UInt64(k)
            if body.pointee.remaining == 0 { body.pointee.isDone = true }
        case .chunked:
            let k = body.pointee.scanner.scan(s.pointee.input.unsafelyUnwrapped + Int(s.pointee.inputChecked), n)
            if k < 0 { return false }
            s.pointee.inputChecked &+= Int32(truncatingIfNeeded: k)
            body.pointee.received &+= UInt64(k)
            if body.pointee.scanner.isDone { body.pointee.isDone = true }
        case .untilClose:
            s.pointee.inputChecked = s.pointee.inputEnd
            body.pointee.received &+= UInt64(n)
        }
        return true
    }

    /// One send of what is ready: pending output, checked input, or both. Bytes sent or -errno.
    /// - Parameter more: a splice follows at once; what does not fill a segment waits for it.
    @inline(__always) mutating func flush(_ s: Conn, _ d: Conn, more: Bool = false) -> Int {
        if !d.pointee.writable { return -Int(EAGAIN) }
        var pending = Int(d.pointee.outputEnd &- d.pointee.outputStart)
        var ready = Int(s.pointee.inputChecked &- s.pointee.inputStart)
        if pending > 0 && ready > 0 && ready <= Pipeline.joinMax
            && Int(d.pointee.outputEnd) &+ ready <= capacity(isLarge: d.pointee.outputIsLarge)
        {
            memcpy(
                d.pointee.output.unsafelyUnwrapped + Int(d.pointee.outputEnd),
                s.pointee.input.unsafelyUnwrapped + Int(s.pointee.inputStart), ready)
            d.pointee.outputEnd &+= Int32(truncatingIfNeeded: ready)
            s.pointee.inputStart = s.pointee.inputChecked
            pending &+= ready
            ready = 0
        }
        let r: Int
        if more {
            r = d.send(
                d.pointee.output.unsafelyUnwrapped + Int(d.pointee.outputStart), pending,
                s.pointee.input.unsafelyUnwrapped + Int(s.pointee.inputStart), ready, more: true)
        } else if ready == 0 {
            r = d.send(d.pointee.output.unsafelyUnwrapped + Int(d.pointee.outputStart), pending)
        } else if pending == 0 {
            r = d.send(s.pointee.input.unsafelyUnwrapped + Int(s.pointee.inputStart), ready)
        } else {
            r = d.send(
                d.pointee.output.unsafelyUnwrapped + Int(d.pointee.outputStart), pending,
                s.pointee.input.unsafelyUnwrapped + Int(s.pointee.inputStart), ready)
        }
        if r < 0 { return r }
        let fromOutput = min(r, pending)
        d.pointee.outputStart &+= Int32(truncatingIfNeeded: fromOutput)
        s.pointee.inputStart &+= Int32(truncatingIfNeeded: r &- fromOutput)
        if !d.pointee.isUpstream, let x = d.pointee.exchange { x.pointee.bytesSent &+= UInt64(r) }
        return r
    }

    /// Receives more of a body. A client's body that outgrows the buffer of its head moves on in a large one.
    @inline(__always) mutating func refill(_ s: Conn, _ body: UnsafeMutablePointer<BodyRelay>, floor: Int32) -> Int {
        if s.pointee.input == nil {
            s.pointee.input = takeLarge()
            s.pointee.inputIsLarge = true
        }
        let isFull = Int(s.pointee.inputEnd) == capacity(isLarge: s.pointee.inputIsLarge)
        if s.pointee.inputStart == s.pointee.inputEnd {
            if s.pointee.isUpstream {
                s.pointee.inputStart = floor
                s.pointee.inputChecked = floor
                s.pointee.inputEnd = floor
            } else if isFull || body.pointee.received > UInt64(Pipeline.joinMax) {
                leaveHeadBuffer(s)
            }
        }
        var room = capacity(isLarge: s.pointee.inputIsLarge) &- Int(s.pointee.inputEnd)
        // Not into the next request: that belongs into a buffer of its own.
        if body.pointee.framing == .length && !s.pointee.isUpstream {
            room = min(room, Int(truncatingIfNeeded: min(body.pointee.remaining, 1 << 30)))
        }
        if room == 0 { return -Int(EAGAIN) }
        let r = s.receive(s.pointee.input.unsafelyUnwrapped + Int(s.pointee.inputEnd), room)
        if r > 0 {
            s.pointee.inputEnd &+= Int32(truncatingIfNeeded: r)
        }
        return r
    }

    /// The head stays where it is until the exchange ends; the body goes on in a large buffer, from its first byte.
    @inline(never) mutating func leaveHeadBuffer(_ c: Conn) {
        if let x = c.pointee.exchange {
            x.pointee.bodyIsGone = true
            if c.pointee.input == x.pointee.headBuffer {
                c.pointee.input = takeLarge()
                c.pointee.inputIsLarge = true
            }
        }
        c.pointee.inputStart = 0
        c.pointee.inputChecked = 0
        c.pointee.inputEnd = 0
    }

    /// Puts a connection in line to go on in the next turn.
    mutating func yield(_ c: Conn) {
        if c.pointee.inLine { return }
        c.pointee.inLine = true
        c.pointee.lineNext = line
        line = Int32(truncatingIfNeeded: c.pointee.index)
    }

    /// Lets those that yielded go on; true when any did, so that the loop does not sleep.
    public mutating func runLine() -> Bool {
        var i = line
        line = -1
        let any = i >= 0
        while i >= 0 {
            let c = slab[i]
            i = c.pointee.lineNext
            c.pointee.inLine = false
            if c.pointee.state == .exchange || c.pointee.state == .tunnel {
                if c.pointee.isUpstream { upstreamEvent(c) } else { clientEvent(c) }
            }
            resume()
        }
        return any
    }
}
