// Large bodies of known length, with nobody who wants to see them, go from socket to socket through a pipe: the bytes
// never enter this process (splice(2)).
import CSluiceSys
import SluiceSystem

extension Pipeline {
    /// The first read of a response is this long, so that a body of 16 KiB still comes with its head and most of a larger one is
    /// left to splice.
    static var firstRead: Int { 20_480 }
    /// Below this much left of a response, copying is as cheap: the number of system calls is the same.
    static var spliceResponseMin: Int64 { 4096 }
    /// A request is copied up to here: while its body is in a buffer, it can be sent again on another connection.
    static var spliceRequestMin: Int64 { 131_072 }

    @inline(__always) func spliceMin(_ d: Conn) -> Int64 { d.pointee.isUpstream ? Pipeline.spliceRequestMin : Pipeline.spliceResponseMin }

    /// The head and first bytes are about to leave, the source's last read was full, and the rest will be spliced: it can join them in
    /// a segment.
    @inline(__always) func spliceFollows(_ s: Conn, _ d: Conn, _ body: UnsafeMutablePointer<BodyRelay>) -> Bool {
        s.pointee.readable && !d.pointee.isUpstream && body.pointee.framing == .length
            && body.pointee.remaining >= Pipeline.spliceResponseMin
            && d.pointee.outputEnd > d.pointee.outputStart && s.pointee.inputChecked > s.pointee.inputStart
    }

    /// Moves the rest of a body; nil when there is no pipe for it and it must be copied. Buffers are empty on entry.
    @inline(never) mutating func splice(_ s: Conn, _ d: Conn, _ body: UnsafeMutablePointer<BodyRelay>) -> Flow? {
        guard let x = d.pointee.exchange else { return nil }
        let isRequest = d.pointee.isUpstream
        if x.pointee.pipe < 0 {
            if body.pointee.remaining < spliceMin(d) { return nil }
            x.pointee.pipe = pipes.take()
            x.pointee.pipeIsRequest = isRequest
            if x.pointee.pipe < 0 { return nil }
            if isRequest { x.pointee.bodyIsGone = true }
        } else if x.pointee.pipeIsRequest != isRequest {
            return nil
        }
        if s.pointee.input != x.pointee.headBuffer && s.pointee.inputStart == s.pointee.inputEnd && x.pointee.responseFloor == 0 {
            giveInput(s)
        }
        var moved = 0
        while true {
            if x.pointee.piped > 0 {
                let n = drainPipe(x, d)
                if n < 0 { return n == -Int(EAGAIN) ? .blocked : .destinationClosed }
                moved &+= n
            } else if body.pointee.remaining == 0 {
                body.pointee.isDone = true
                pipes.give(x.pointee.pipe, clean: true)
                x.pointee.pipe = -1
                return .done
            } else {
                if moved > Pipeline.yieldBytes { return .yielded }
                if !s.pointee.readable { return starve(s, body, moved) }
                let n = fillPipe(x, s, body)
                if n == -Int(EAGAIN) { return starve(s, body, moved) }
                if n <= 0 { return .sourceClosed }
            }
        }
    }

    /// Bytes that an upstream which fills pipes faster than they can be emptied gathers before it wakes this worker again, and the
    /// longest it may take to (one tick of the timers). A sleep and a wake-up cost as much as moving 16 KiB.
    static var gatherBytes: Int64 { 131_072 }
    static var gatherMs: UInt32 { 10 }

    /// Waits for more of the source: of an upstream that was fast just now, for a good part at once (SO_RCVLOWAT, socket(7)), but no longer
    /// than a tick; of a slow one, and for the end of a body, for any byte.
    @inline(__always) mutating func starve(_ s: Conn, _ body: UnsafeMutablePointer<BodyRelay>, _ moved: Int) -> Flow {
        if !s.pointee.isUpstream { return .starved }
        if body.pointee.remaining < 2 &* Pipeline.gatherBytes {
            ungather(s)
        } else if s.pointee.gathers || Int64(moved) >= Pipeline.gatherBytes {
            if !s.pointee.gathers {
                s.pointee.gathers = true
                Socket.setLowWater(s.pointee.descriptor, Int32(truncatingIfNeeded: Pipeline.gatherBytes))
            }
            arm(s, afterMs: Pipeline.gatherMs)
        }
        return .starved
    }

    /// Any byte wakes again.
    @inline(__always) mutating func ungather(_ s: Conn) {
        if !s.pointee.gathers { return }
        s.pointee.gathers = false
        loop.timers.cancel(timer(s))
        Socket.setLowWater(s.pointee.descriptor, 1)
    }

    /// A tick went by without a good part: what there is is moved, and the upstream counts as slow.
    @inline(never) mutating func gatheredTooLong(_ s: Conn) {
        if !s.pointee.gathers { return }
        ungather(s)
        s.pointee.readable = true
        upstreamEvent(s)
    }

    @inline(__always) func fillPipe(_ x: Ex, _ s: Conn, _ body: UnsafeMutablePointer<BodyRelay>) -> Int {
        let want = Int(truncatingIfNeeded: min(body.pointee.remaining, Int64(PipePool.capacity)))
        let n = cs_splice(s.pointee.descriptor, pipes.writeEnd(x.pointee.pipe), want, UInt32(CS_SPLICE_MOVE | CS_SPLICE_NONBLOCK))
        if n < 0 {
            let e = Int(cs_errno())
            if e == Int(EAGAIN) { s.pointee.readable = false }
            return e == Int(EINTR) ? -Int(EAGAIN) : -e
        }
        x.pointee.piped &+= n
        body.pointee.remaining &-= Int64(n)
        body.pointee.received &+= UInt64(n)
        return n
    }

    /// Without SPLICE_F_MORE: it made no segment fuller, but kept the end of a part back until the next one came.
    @inline(__always) func drainPipe(_ x: Ex, _ d: Conn) -> Int {
        if !d.pointee.writable { return -Int(EAGAIN) }
        let n = cs_splice(pipes.readEnd(x.pointee.pipe), d.pointee.descriptor, x.pointee.piped, UInt32(CS_SPLICE_MOVE | CS_SPLICE_NONBLOCK))
        if n < 0 {
            let e = Int(cs_errno())
            if e == Int(EAGAIN) { d.pointee.writable = false }
            return e == Int(EINTR) ? 0 : -e
        }
        x.pointee.piped &-= n
        if !d.pointee.isUpstream { x.pointee.bytesSent &+= UInt64(n) }
        return n
    }
}
