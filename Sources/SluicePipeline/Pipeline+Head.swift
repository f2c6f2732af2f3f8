// Client side: wait for a request, read and parse its head.
import CSluiceSys
import SluiceBytes
import SluiceHTTP

extension Pipeline {
    mutating func clientEvent(_ c: Conn) {
        switch c.pointee.state {
        case .idle, .head: if c.pointee.readable { readHead(c) }
        case .exchange: clientProgress(c)
        case .tunnel: tunnelProgress(c)
        case .lingering: linger(c)
        default: break
        }
    }

    /// Reads and serves requests until the connection has nothing more to give or waits for an upstream.
    mutating func readHead(_ c: Conn) {
        var b: Bytes
        if let x = c.pointee.input {
            b = x
            if c.pointee.inputEnd > 0 && parseHead(c, b) { return }
            if c.pointee.state == .closed { return }
        } else {
            b = takeSmall()
            c.pointee.input = b
            c.pointee.inputIsLarge = false
        }
        while c.pointee.readable {
            var room = capacity(isLarge: c.pointee.inputIsLarge) &- Int(c.pointee.inputEnd)
            if room == 0 && !c.pointee.inputIsLarge {
                b = growHead(c, b)
                room = largeShape.capacity &- Int(c.pointee.inputEnd)
            }
            let r = c.receive(b + Int(c.pointee.inputEnd), room)
            if r <= 0 {
                headEnded(c, r)
                return
            }
            c.pointee.inputEnd &+= Int32(truncatingIfNeeded: r)
            if parseHead(c, b) { return }
        }
    }

    /// A head larger than a small buffer goes on in a large one.
    @inline(never) mutating func growHead(_ c: Conn, _ old: Bytes) -> Bytes {
        let b = takeLarge()
        memcpy(b, old, Int(c.pointee.inputEnd))
        giveBuffer(old, isLarge: false)
        c.pointee.input = b
        c.pointee.inputIsLarge = true
        return b
    }

    /// The input ran dry before a head was complete.
    @inline(never) mutating func headEnded(_ c: Conn, _ r: Int) {
        if r == -Int(EAGAIN) {
            if c.pointee.inputEnd == 0 { giveInput(c) }
            return
        }
        if c.pointee.inputEnd > 0 { counters.parseError() }
        close(c)
    }

    /// True when reading should stop: a request is under way, or the connection is done with.
    @inline(__always) mutating func parseHead(_ c: Conn, _ b: Bytes) -> Bool {
        guard let x = begin(c, b) else { return true }
        let n = HeadParser.request(
            b, count: Int(c.pointee.inputEnd), head: x.request, fields: fields(b), limits: headLimits)
        if n > 0 {
            c.pointee.inputStart = Int32(truncatingIfNeeded: n)
            c.pointee.inputChecked = c.pointee.inputStart
            startRequest(x.exchange)
            return true
        }
        if n < 0 {
            refuse(x.exchange, -n)
            return true
        }
        dropExchange(x.exchange)
        if c.pointee.state == .idle {
            c.pointee.state = .head
            arm(c, afterMs: settings.headTimeoutMs)
        }
        return false
    }

    /// An exchange for the head that is being read; nil when the worker has no snapshot yet.
    @inline(__always) mutating func begin(_ c: Conn, _ b: Bytes) -> (exchange: Ex, request: UnsafeMutablePointer<MessageHead>)? {
        guard let s = current else {
            close(c)
            return nil
        }
        let x = exchanges.take().assumingMemoryBound(to: Exchange.self)
        x.initialize(from: form, count: 1)
        x.pointee.client = c
        x.pointee.snapshot = s
        x.pointee.headBuffer = b
        x.pointee.startedUs = loop.clock.nowUs
        x.pointee.context.arena = address(&x.pointee.arena)
        return (x, address(&x.pointee.requestHead))
    }

    /// Forgets an exchange that never became a request.
    @inline(__always) mutating func dropExchange(_ x: Ex) {
        x.deinitialize(count: 1)
        exchanges.give(UnsafeMutableRawPointer(x))
    }
}
