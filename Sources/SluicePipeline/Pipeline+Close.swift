// How connections end: at once, after lingering (so that an error answer is not lost to a reset), or with a reset.
import CSluiceSys
import SluiceSystem

extension Pipeline {
    /// Closes now. The slot is free again when the turn of the loop ends.
    mutating func close(_ c: Conn) {
        if c.pointee.state == .closed || c.pointee.state == .free { return }
        c.pointee.state = .closed
        loop.timers.cancel(timer(c))
        Socket.close(c.pointee.descriptor)
        giveInput(c)
        giveOutput(c)
        if c.pointee.isUpstream { counters.upstreamClosed() } else { counters.clientClosed() }
        c.pointee.graveNext = grave
        grave = Int32(truncatingIfNeeded: c.pointee.index)
    }

    /// Answered before the whole request was read: closing now would reset the connection and may destroy the answer
    /// (RFC 9112 section 9.6). Sends the end of stream, then reads and drops for a bounded time.
    @inline(never) mutating func startLingering(_ c: Conn) {
        Socket.shutdownWrite(c.pointee.descriptor)
        giveInput(c)
        c.pointee.state = .lingering
        c.pointee.requests = 0
        arm(c, afterMs: 2_000)
        linger(c)
    }

    mutating func linger(_ c: Conn) {
        let scratch = takeSmall()
        defer { giveBuffer(scratch, isLarge: false) }
        // At most 1 MiB is read for a client that does not listen.
        while c.pointee.readable && c.pointee.requests < 64 {
            let r = c.receive(scratch, smallShape.capacity)
            if r <= 0 {
                if r != -Int(EAGAIN) { close(c) }
                return
            }
            c.pointee.requests &+= 1
        }
        if c.pointee.requests >= 64 { close(c) }
    }

    func resetOnClose(_ c: Conn) {
        var l = CSluiceSys.linger(l_onoff: 1, l_linger: 0)
        _ = setsockopt(c.pointee.descriptor, SOL_SOCKET, SO_LINGER, &l, socklen_t(MemoryLayout<CSluiceSys.linger>.size))
    }

    /// From now on every response closes its connection; idle ones may send one more request.
    public mutating func beginDrain() { isDraining = true }

    /// Stop taking requests: idle connections close, the others after their response.
    public mutating func drain() {
        isDraining = true
        for i in 0..<Int32(slab.limit) {
            if Int(i) >= slab.high { break }
            let c = slab[i]
            if c.pointee.state == .idle && c.pointee.inputEnd == 0 { close(c) }
            if c.pointee.state == .pooled { dropIdle(c) }
        }
    }
}
