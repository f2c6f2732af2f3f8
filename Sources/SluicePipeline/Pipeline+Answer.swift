// Answers of our own: errors, a route's fixed response or redirect, and what a plugin said instead of the upstream.
import CSluiceSys
import SluiceBytes
import SluiceHTTP
import SluicePlugins
import SluiceRules

extension Pipeline {
    /// Refuses what is not a request: no route, no hooks, and nothing behind it on this connection is believed.
    @inline(never) mutating func refuse(_ x: Ex, _ status: Int) {
        let c = x.pointee.client
        counters.parseError()
        counters.requestStarted()
        c.pointee.state = .exchange
        c.pointee.exchange = x
        c.pointee.keepAlive = false
        x.pointee.snapshot.pointee.references &+= 1
        x.pointee.headBufferIsLarge = c.pointee.inputIsLarge
        x.pointee.isRefused = true
        x.pointee.aborted = true
        x.pointee.requestHead.length = 0
        x.pointee.context.clientAddress = ByteView(
            UnsafeRawPointer(address(&c.pointee.address)).assumingMemoryBound(to: UInt8.self), Int(c.pointee.addressLength))
        send(
            x, status, body: explain(x, status, status == 408 ? "request head too slow" : problem(x.pointee.requestHead.problem)),
            lines: ByteView("Content-Type: text/plain; charset=utf-8\r\n"))
    }

    func problem(_ raw: UInt8) -> StaticString { HeadProblem(rawValue: raw)?.text ?? "malformed message" }

    /// An error of ours, as text. The upstream connection, if any, is closed.
    @inline(never) mutating func answer(_ x: Ex, _ status: Int, _ why: StaticString, filterHeaders: Bool = true) {
        x.pointee.context.response = HeaderMap()
        x.pointee.context.responseHead = nil
        x.pointee.context.status = UInt16(truncatingIfNeeded: status)
        x.pointee.ownBody = explain(x, status, why)
        own(x, .error, filterHeaders: filterHeaders)
    }

    /// An answer of ours is due: nothing else of the request goes on, header filters see it, then it is sent.
    mutating func own(_ x: Ex, _ kind: OwnAnswer, filterHeaders: Bool) {
        if x.pointee.isParked || x.pointee.contentRuns { stopHooks(x) }
        if let u = x.pointee.upstream {
            detach(x, u)
            close(u)
        }
        x.pointee.ownAnswer = kind
        x.pointee.ownIsFiltered = filterHeaders
        x.pointee.headSource = .own
        x.pointee.context.answerStatus = 0
        headFiltered(x, filterHeaders && x.pointee.chainPhases & PluginPhase.headerFilter.bit != 0 ? run(.headerFilter, x) : .next)
    }

    /// The header filters have seen our own answer; one that failed changes nothing here. Body filters see it in one piece: what a header
    /// filter says of a body must be true of this one too.
    mutating func sendOwn(_ x: Ex) {
        if x.pointee.ownAnswer == .route {
            x.pointee.ownBody = x.pointee.snapshot.pointee.image.text(x.pointee.route.unsafelyUnwrapped.pointee.body)
        }
        if x.pointee.ownAnswer == .maintenance, let e = x.pointee.action?.pointee.extras {
            x.pointee.ownBody = x.pointee.snapshot.pointee.image.text(e.pointee.maintenanceBody)
        }
        let status = x.pointee.context.status
        let isBodyless = status == 204 || status == 304 || x.pointee.requestHead.method == Method.head.rawValue
        guard filtersOwnBody(x), !isBodyless else { return sendOwnHead(x) }
        let context = address(&x.pointee.context)
        context.pointee.chunkArena = address(&x.pointee.chunkArena)
        context.pointee.beginChunk(x.pointee.ownBody, isLast: true, isWritable: false)
        ownFiltered(x, run(.bodyFilter, x))
    }

    private func filtersOwnBody(_ x: Ex) -> Bool {
        x.pointee.ownIsFiltered && x.pointee.chainPhases & PluginPhase.bodyFilter.bit != 0
    }

    /// After the body filters. One that failed must not let the plain body out.
    mutating func ownFiltered(_ x: Ex, _ verdict: Verdict) {
        if verdict == .parked { return }
        let context = address(&x.pointee.context)
        guard verdict == .next, !context.pointee.chunkReplaced || context.pointee.foldChunk() else {
            return answer(x, 500, "plugin failed", filterHeaders: false)
        }
        x.pointee.ownBody = context.pointee.chunk
        sendOwnHead(x)
    }

    private mutating func sendOwnHead(_ x: Ex) {
        let status = Int(x.pointee.context.status)
        switch x.pointee.ownAnswer {
        case .error, .plugin:
            let lines = headerLines(x, x.pointee.context.response, contentType: x.pointee.ownAnswer == .error)
            send(x, status, body: x.pointee.ownBody, lines: lines)
        case .route, .maintenance: sendRouteAnswer(x)
        }
    }

    /// Before the head has left: an error answer. After: the connection is cut, so that nobody takes a part for the whole.
    mutating func fail(_ x: Ex, _ status: Int, _ why: StaticString) {
        x.pointee.aborted = true
        if x.pointee.headSent { abort(x) } else { answer(x, status, why) }
    }

    @inline(never) mutating func answerNoRoute(_ x: Ex, allowed: UInt16) {
        if allowed == 0 { return answer(x, 404, "no route") }
        x.pointee.context.response = HeaderMap()
        x.pointee.context.status = 405
        guard let p = x.pointee.arena.allocate(256) else { return answer(x, 405, "method not allowed") }
        var n = put(p, "Allow: ")
        var first = true
        for m in 1...9 where allowed & (1 << UInt16(m)) != 0 {
            if !first { n &+= put(p + n, ", ") }
            first = false
            n &+= put(p + n, Pipeline.methodToken(m))
        }
        n &+= put(p + n, "\r\nContent-Type: text/plain; charset=utf-8\r\n")
        send(x, 405, body: explain(x, 405, "method not allowed on this route"), lines: ByteView(p, n))
    }

    /// `OPTIONS *` asks about the server as a whole (RFC 9110 section 9.3.7): answered here, it belongs to no route.
    @inline(never) mutating func answerServerOptions(_ x: Ex) {
        x.pointee.context.response = HeaderMap()
        send(x, 204, body: .empty, lines: ByteView("Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, TRACE, PATCH\r\n"))
    }

    static func methodToken(_ m: Int) -> StaticString {
        switch m {
        case 1: "GET"
        case 2: "HEAD"
        case 3: "POST"
        case 4: "PUT"
        case 5: "DELETE"
        case 6: "CONNECT"
        case 7: "OPTIONS"
        case 8: "TRACE"
        default: "PATCH"
        }
    }

    /// respond and redirect actions: everything is ready in the image.
    mutating func answerFromRoute(_ x: Ex) {
        let route = x.pointee.route.unsafelyUnwrapped
        x.pointee.context.response = HeaderMap()
        x.pointee.context.status = UInt16(truncatingIfNeeded: route.pointee.status)
        own(x, .route, filterHeaders: true)
    }

    private mutating func sendRouteAnswer(_ x: Ex) {
        let route = x.pointee.route.unsafelyUnwrapped
        let image = x.pointee.snapshot.pointee.image
        var lines = image.text(route.pointee.headerLines)
        if let state = x.pointee.action, let e = state.pointee.extras {
            if x.pointee.ownAnswer == .maintenance {
                lines = image.text(e.pointee.maintenanceLines)
            } else if !state.pointee.lines.isEmpty {
                lines = state.pointee.lines
            }
        }
        if x.pointee.context.response.extraCount > 0 {
            let more = headerLines(x, x.pointee.context.response, contentType: false)
            guard let p = x.pointee.arena.allocate(lines.count + more.count) else { return send(x, 500, body: .empty, lines: .empty) }
            memcpy(p, lines.start, lines.count)
            memcpy(p + lines.count, more.start, more.count)
            lines = ByteView(p, lines.count + more.count)
        }
        send(x, Int(x.pointee.context.status), body: x.pointee.ownBody, lines: lines)
    }

    /// What a hook answered through `respond`.
    @inline(never) mutating func answerFromPlugin(_ x: Ex, filterHeaders: Bool = true) {
        x.pointee.context.response = x.pointee.context.answerMap
        x.pointee.context.responseHead = nil
        x.pointee.context.status = x.pointee.context.answerStatus
        x.pointee.ownBody = x.pointee.context.answerBody
        own(x, .plugin, filterHeaders: filterHeaders)
    }

    /// The edits of a map as header lines.
    mutating func headerLines(_ x: Ex, _ map: HeaderMap, contentType: Bool) -> ByteView {
        let type: StaticString = "Content-Type: text/plain; charset=utf-8\r\n"
        if map.extraCount == 0 { return contentType ? ByteView(type) : .empty }
        var size = type.utf8CodeUnitCount, cursor = 0
        while let f = map.next(&cursor) { size &+= f.name.count &+ f.value.count &+ 4 }
        guard let p = x.pointee.arena.allocate(size) else { return .empty }
        var n = contentType && map.first(ByteView("content-type")) == nil ? put(p, type) : 0
        cursor = 0
        while let f = map.next(&cursor) {
            memcpy(p + n, f.name.start, f.name.count)
            n &+= f.name.count
            n &+= put(p + n, ": ")
            memcpy(p + n, f.value.start, f.value.count)
            n &+= f.value.count
            n &+= put(p + n, "\r\n")
        }
        return ByteView(p, n)
    }

    /// `404 no route\n`
    mutating func explain(_ x: Ex, _ status: Int, _ why: StaticString) -> ByteView {
        guard let p = x.pointee.arena.allocate(why.utf8CodeUnitCount + 8) else { return .empty }
        p[0] = UInt8(truncatingIfNeeded: status / 100 + 48)
        p[1] = UInt8(truncatingIfNeeded: status / 10 % 10 + 48)
        p[2] = UInt8(truncatingIfNeeded: status % 10 + 48)
        p[3] = 0x20
        let n = 4 &+ put(p + 4, why)
        p[n] = 10
        return ByteView(p, n + 1)
    }

    // MARK: sending

    /// Writes the head of an answer and sends it with its body; ends the exchange when all of it has left.
    mutating func send(_ x: Ex, _ status: Int, body: ByteView, lines: ByteView) {
        let c = x.pointee.client
        x.pointee.answersItself = true
        x.pointee.headSent = true
        x.pointee.stage = .responding
        x.pointee.context.status = UInt16(truncatingIfNeeded: status)
        settleRequestBody(x)
        if x.pointee.aborted || !x.pointee.request.isDone || isDraining { c.pointee.keepAlive = false }
        let bound = lines.count + 512
        if bound > largeShape.capacity || c.pointee.outputPending > 0 { return abort(x) }
        let out = output(c, room: bound)
        let isBodyless = status < 200 || status == 204 || status == 304
        // What filters would have made of the body that HEAD does not get has an unknown length.
        let hasLength = !isBodyless && !(x.pointee.requestHead.method == Method.head.rawValue && filtersOwnBody(x))
        let n = HeadWriter.answer(
            status: status, contentLength: hasLength ? body.count : -1, keepAlive: c.pointee.keepAlive,
            minorVersion: x.pointee.requestHead.minorVersion, date: loop.clock.date(), lines: lines, into: out)
        c.pointee.outputStart = 0
        c.pointee.outputEnd = Int32(truncatingIfNeeded: n)
        x.pointee.headBytes = UInt32(truncatingIfNeeded: n)
        if !isBodyless && x.pointee.requestHead.method != Method.head.rawValue {
            if n &+ body.count <= capacity(isLarge: c.pointee.outputIsLarge) {
                memcpy(out + n, body.start, body.count)
                c.pointee.outputEnd &+= Int32(truncatingIfNeeded: body.count)
            } else {
                x.pointee.memoryBody = body
            }
        }
        sendAnswer(x)
    }

    /// What has arrived of the request's body is passed over, so that a small one does not cost the connection.
    func settleRequestBody(_ x: Ex) {
        let c = x.pointee.client
        if x.pointee.request.isDone || x.pointee.aborted || c.pointee.input == nil { return }
        if !check(c, address(&x.pointee.request)) { x.pointee.aborted = true }
        c.pointee.inputStart = c.pointee.inputChecked
    }

    mutating func sendAnswer(_ x: Ex) {
        let c = x.pointee.client
        while true {
            let pending = c.pointee.outputPending
            if pending == 0 && x.pointee.memoryBody.isEmpty { return finish(x) }
            if !c.pointee.writable { return armBody(x) }
            let p =
                pending > 0
                ? c.pointee.output.unsafelyUnwrapped + Int(c.pointee.outputStart)
                : UnsafeMutablePointer(mutating: x.pointee.memoryBody.start)
            let r = c.send(p, pending > 0 ? pending : x.pointee.memoryBody.count)
            if r < 0 {
                if r == -Int(EAGAIN) { return armBody(x) }
                return abort(x)
            }
            x.pointee.bytesSent &+= UInt64(r)
            if pending > 0 {
                c.pointee.outputStart &+= Int32(truncatingIfNeeded: r)
            } else {
                x.pointee.memoryBody = x.pointee.memoryBody.dropFirst(r)
            }
        }
    }
}
