// A request's body gathered whole, because a plugin asked for it: taken off the wire up to the route's limit while the hook waits, and
// sent upstream from memory with a length of its own.
import CSluiceSys
import SluiceBytes
import SluiceHTTP
import SluiceModel
import SluicePlugins

extension Pipeline {
    /// Begins: a client that waits for permission to send gets it (RFC 9110 section 10.1.1).
    mutating func gather(_ x: Ex) {
        let c = x.pointee.client
        x.pointee.context.body.state = .gathering
        x.pointee.context.body.limit = min(x.pointee.route.unsafelyUnwrapped.pointee.bodyBytesMax, settings.pluginBodyMax)
        if x.pointee.context.body.declared > 0 && UInt64(x.pointee.context.body.declared) > x.pointee.context.body.limit {
            return answer(x, 413, "body larger than plugins of this route may read")
        }
        let head = x.pointee.requestHead
        let waits = head.flags & MessageHead.expectContinue != 0 && head.minorVersion == 1 && !x.pointee.request.isDone
        if waits && c.pointee.inputStart == c.pointee.inputEnd {
            let line: StaticString = "HTTP/1.1 100 Continue\r\n\r\n"
            let r = c.send(UnsafeMutablePointer(mutating: line.utf8Start), line.utf8CodeUnitCount)
            if r != line.utf8CodeUnitCount { return abort(x) }  // a fresh connection that takes no 25 bytes
        }
        gatherMore(x)
    }

    /// Takes what there is; goes on with the hook when the body is complete.
    mutating func gatherMore(_ x: Ex) {
        let c = x.pointee.client
        while true {
            if !takeBody(x, c) { return }
            if x.pointee.request.isDone { return gathered(x) }
            if !c.pointee.readable { return armGather(x) }
            let r = refill(c, address(&x.pointee.request), floor: x.pointee.bodyStart)
            if r > 0 { continue }
            return r == -Int(EAGAIN) ? armGather(x) : abort(x)
        }
    }

    /// Moves content from the input to the body. False: the exchange has been answered.
    private mutating func takeBody(_ x: Ex, _ c: Conn) -> Bool {
        while c.pointee.inputStart < c.pointee.inputEnd && !x.pointee.request.isDone {
            let p = c.pointee.input.unsafelyUnwrapped + Int(c.pointee.inputStart)
            let n = Int(c.pointee.inputEnd &- c.pointee.inputStart)
            var content = ByteView.empty
            var used = n
            if x.pointee.request.framing == .chunked {
                used = x.pointee.request.scanner.decode(p, n, content: &content)
                if used < 0 {
                    fail(x, 400, "malformed chunked body")
                    return false
                }
                x.pointee.request.isDone = x.pointee.request.scanner.isDone
            } else {
                used = Int(truncatingIfNeeded: min(Int64(n), x.pointee.request.remaining))
                content = ByteView(p, used)
                x.pointee.request.remaining &-= Int64(used)
                x.pointee.request.isDone = x.pointee.request.remaining == 0
            }
            x.pointee.request.received &+= UInt64(used)
            c.pointee.inputStart &+= Int32(truncatingIfNeeded: used)
            c.pointee.inputChecked = c.pointee.inputStart
            let isTooLong = UInt64(x.pointee.context.body.count + content.count) > x.pointee.context.body.limit
            if isTooLong || !x.pointee.context.body.append(content) {
                fail(x, isTooLong ? 413 : 503, isTooLong ? "body larger than plugins of this route may read" : "no memory for the body")
                return false
            }
        }
        return true
    }

    private mutating func gathered(_ x: Ex) {
        x.pointee.context.body.state = .complete
        x.pointee.rateWindowUs = 0
        hookEnded(x, host.resume(address(&x.pointee.context), x.pointee.hookPhase, status: 0))
    }

    private mutating func armGather(_ x: Ex) {
        giveDrainedInput(x.pointee.client, keep: x.pointee.headBuffer)
        armUpload(x)
    }

    // MARK: upstream

    /// Sends a gathered body behind the request's head.
    mutating func sendGathered(_ x: Ex, _ u: Conn) {
        while u.pointee.outputPending > 0 || !x.pointee.upload.isEmpty {
            if !u.pointee.writable { return arm(x.pointee.client, afterMs: responseTimeoutMs(x)) }
            let pending = u.pointee.outputPending, left = x.pointee.upload
            let p = UnsafeMutablePointer(mutating: left.start)
            let r =
                pending == 0
                ? u.send(p, left.count)
                : u.send(u.pointee.output.unsafelyUnwrapped + Int(u.pointee.outputStart), pending, p, left.count)
            if r < 0 {
                if r == -Int(EAGAIN) { continue }
                return requestRefused(x, u)
            }
            let head = min(r, pending)
            u.pointee.outputStart &+= Int32(truncatingIfNeeded: head)
            x.pointee.upload = left.dropFirst(r - head)
        }
        requestSent(x, u)
    }
}
