// Large bodies of known length, with nobody who wants to see them, go from socket to socket through a pipe: the bytes
// never enter this process (splice(2)).
import CSluiceSys

extension Pipeline {
    /// Below this much left to come, copying is cheaper than two more system calls.
    static var spliceMin: Int64 { 131_072 }

    /// Moves the rest of a body; nil when there is no pipe for it and it must be copied. Buffers are empty on entry.
    @inline(never) mutating func splice(_ s: Conn, _ d: Conn, _ body: UnsafeMutablePointer<BodyRelay>) -> Flow? {
        guard let x = d.pointee.exchange else { return nil }
        let isRequest = d.pointee.isUpstream
        if x.pointee.pipe < 0 {
            if body.pointee.remaining < Pipeline.spliceMin { return nil }
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
                let n = drainPipe(x, d, more: body.pointee.remaining > 0)
                if n < 0 { return n == -Int(EAGAIN) ? .blocked : .destinationClosed }
                moved &+= n
            } else if body.pointee.remaining == 0 {
                body.pointee.isDone = true
                pipes.give(x.pointee.pipe, clean: true)
                x.pointee.pipe = -1
                return .done
            } else {
                if moved > Pipeline.yieldBytes { return .yielded }
                if !s.pointee.readable { return .starved }
                let n = fillPipe(x, s, body)
                if n == -Int(EAGAIN) { return .starved }
                if n <= 0 { return .sourceClosed }
            }
        }
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

    /// - Parameter more: bytes will follow, so the kernel may wait for a full segment before it sends a part of one.
    @inline(__always) func drainPipe(_ x: Ex, _ d: Conn, more: Bool) -> Int {
        if !d.pointee.writable { return -Int(EAGAIN) }
        let flags = UInt32(CS_SPLICE_MOVE | CS_SPLICE_NONBLOCK) | (more ? UInt32(CS_SPLICE_MORE) : 0)
        let n = cs_splice(pipes.readEnd(x.pointee.pipe), d.pointee.descriptor, x.pointee.piped, flags)
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
