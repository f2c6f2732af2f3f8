// A response body relayed decoded: its framing is taken off, body filters see and change the content, and it goes out in
// chunks of ours (or until close, for an HTTP/1.0 client). Trailers end here: they described the upstream's framing.
import CSluiceSys
import SluiceBytes
import SluiceHTTP
import SluicePlugins

extension Pipeline {
    /// Content handed to the filters at once; what they return may be of any size.
    static var filterRunMax: Int { 32_768 }

    /// One step after the other until a side pauses: send what is framed, frame what is filtered, filter what is decoded.
    mutating func pumpDecoded(_ x: Ex, _ u: Conn, _ c: Conn) -> Flow {
        var moved = 0
        while true {
            if c.pointee.outputPending > 0 {
                if !c.pointee.writable { return .blocked }
                let r = c.send(c.pointee.output.unsafelyUnwrapped + Int(c.pointee.outputStart), c.pointee.outputPending)
                if r < 0 { return r == -Int(EAGAIN) ? .blocked : .destinationClosed }
                c.pointee.outputStart &+= Int32(truncatingIfNeeded: r)
                x.pointee.bytesSent &+= UInt64(r)
                moved &+= r
                continue
            }
            if !x.pointee.memoryBody.isEmpty || (x.pointee.response.isDone && !x.pointee.responseEnded) {
                frame(x, c)
                continue
            }
            if x.pointee.responseEnded { return .done }
            if moved > Pipeline.yieldBytes { return .yielded }
            x.pointee.chunkArena.reset()
            if u.pointee.inputStart == u.pointee.inputEnd {
                if !u.pointee.readable { return .starved }
                let r = refill(u, address(&x.pointee.response), floor: x.pointee.responseFloor)
                if r == -Int(EAGAIN) { return .starved }
                if r <= 0 {
                    if r < 0 || x.pointee.response.framing != .untilClose { return .sourceClosed }
                    x.pointee.response.isDone = true
                }
            }
            var content = ByteView.empty
            if !decode(x, u, &content) { return .malformed }
            switch filter(x, content) {
            case .next: break
            case .parked: return .parked
            case .answered, .failed: return .filterFailed
            }
        }
    }

    /// Takes one run of content off the input.
    func decode(_ x: Ex, _ u: Conn, _ content: inout ByteView) -> Bool {
        let n = Int(u.pointee.inputEnd &- u.pointee.inputStart)
        if n == 0 || x.pointee.response.isDone { return true }
        let p = u.pointee.input.unsafelyUnwrapped + Int(u.pointee.inputStart)
        var used = min(n, Pipeline.filterRunMax)
        switch x.pointee.response.framing {
        case .none: break
        case .length:
            used = Int(truncatingIfNeeded: min(Int64(used), x.pointee.response.remaining))
            content = ByteView(p, used)
            x.pointee.response.remaining &-= Int64(used)
            if x.pointee.response.remaining == 0 { x.pointee.response.isDone = true }
        case .chunked:
            used = x.pointee.response.scanner.decode(p, used, content: &content)
            if used < 0 { return false }
            if x.pointee.response.scanner.isDone { x.pointee.response.isDone = true }
        case .untilClose: content = ByteView(p, used)
        }
        x.pointee.response.received &+= UInt64(used)
        u.pointee.inputStart &+= Int32(truncatingIfNeeded: used)
        u.pointee.inputChecked = u.pointee.inputStart
        return true
    }

    /// Runs the body filters over a run of content; the result waits in `memoryBody`.
    mutating func filter(_ x: Ex, _ content: ByteView) -> Verdict {
        x.pointee.memoryBody = content
        if x.pointee.chainPhases & PluginPhase.bodyFilter.bit == 0 || (content.isEmpty && !x.pointee.response.isDone) { return .next }
        let context = address(&x.pointee.context)
        context.pointee.chunkArena = address(&x.pointee.chunkArena)
        // The bytes lie in the upstream's input buffer, which is ours until the next refill.
        context.pointee.beginChunk(content, isLast: x.pointee.response.isDone, isWritable: true)
        let verdict = run(.bodyFilter, x)
        return verdict == .next ? takeFiltered(x) : verdict
    }

    /// All filters have seen the run of content: what they made of it is sent.
    private mutating func takeFiltered(_ x: Ex) -> Verdict {
        let context = address(&x.pointee.context)
        if context.pointee.chunkReplaced && !context.pointee.foldChunk() { return .failed }
        x.pointee.memoryBody = context.pointee.chunk
        return .next
    }

    /// After a filter that had waited.
    mutating func bodyFiltered(_ x: Ex, _ verdict: Verdict) {
        if x.pointee.headSource == .own { return ownFiltered(x, verdict) }
        guard verdict == .next, takeFiltered(x) == .next else { return abort(x) }
        if x.pointee.headSource == .content { pumpContent(x) } else { pumpResponse(x) }
    }

    /// Moves filtered content into the client's output, framed; the last chunk when there is no more.
    mutating func frame(_ x: Ex, _ c: Conn) {
        let out = output(c, room: Pipeline.filterRunMax)
        let room = capacity(isLarge: c.pointee.outputIsLarge) &- 32
        let n = min(x.pointee.memoryBody.count, room)
        var at = 0
        if n > 0 {
            if x.pointee.chunksResponse { at = putChunkSize(out, n) }
            memcpy(out + at, x.pointee.memoryBody.start, n)
            at &+= n
            if x.pointee.chunksResponse { at &+= put(out + at, "\r\n") }
            x.pointee.memoryBody = x.pointee.memoryBody.dropFirst(n)
        }
        if x.pointee.memoryBody.isEmpty && x.pointee.response.isDone {
            if x.pointee.chunksResponse { at &+= put(out + at, "0\r\n\r\n") }
            x.pointee.responseEnded = true
        }
        c.pointee.outputStart = 0
        c.pointee.outputEnd = Int32(truncatingIfNeeded: at)
    }

    @inline(__always) func put(_ p: Bytes, _ s: StaticString) -> Int {
        memcpy(p, s.utf8Start, s.utf8CodeUnitCount)
        return s.utf8CodeUnitCount
    }

    /// `n` in hexadecimal and CRLF.
    func putChunkSize(_ p: Bytes, _ n: Int) -> Int {
        let digits: StaticString = "0123456789abcdef"
        var shift = (63 - n.leadingZeroBitCount) & ~3
        var at = 0
        while shift >= 0 {
            p[at] = digits.utf8Start[(n >> shift) & 15]
            at += 1
            shift -= 4
        }
        return at + put(p + at, "\r\n")
    }
}
