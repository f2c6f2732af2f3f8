// From a parsed request head to a decision: normal path, rewrite hooks, route, limits, access hooks, action.
import SluiceBytes
import SluiceHTTP
import SluicePlugins
import SluiceRouter
import SluiceRules

/// What a phase's hooks decided.
enum Verdict { case next, answered, failed, parked }

extension Pipeline {
    mutating func startRequest(_ x: Ex) {
        let c = x.pointee.client
        c.pointee.state = .exchange
        c.pointee.exchange = x
        c.pointee.requests &+= 1
        x.pointee.snapshot.pointee.references &+= 1
        x.pointee.headBufferIsLarge = c.pointee.inputIsLarge
        x.pointee.bodyStart = c.pointee.inputStart
        counters.requestStarted()
        describe(x)
        setRequestFraming(x)
        if x.pointee.requestHead.pathLength == 1 && x.pointee.headBuffer[Int(x.pointee.requestHead.pathOffset)] == 0x2a {
            return answerServerOptions(x)
        }
        guard normalizePath(x) else { return answer(x, 400, "malformed path") }
        guard route(x) else { return }
        if x.pointee.chainPhases & PluginPhase.rewrite.bit != 0 {
            let verdict = run(.rewrite, x)
            guard verdict == .next else { return unless(x, verdict) }
            if isRewritten(x) { return routeAgain(x) }
        }
        permit(x)
    }

    /// After rewrite hooks one of which had waited.
    mutating func rewritten(_ x: Ex, _ verdict: Verdict) {
        guard verdict == .next else { return unless(x, verdict) }
        if isRewritten(x) { routeAgain(x) } else { permit(x) }
    }

    @inline(__always) private func isRewritten(_ x: Ex) -> Bool {
        x.pointee.context.path != nil || x.pointee.context.host != nil || x.pointee.context.method != nil
    }

    @inline(never) private mutating func routeAgain(_ x: Ex) {
        // Another route may have other conditions, or the same ones see another request.
        (x.pointee.conditionsKnown, x.pointee.conditionsTrue, x.pointee.action) = (0, 0, nil)
        if route(x) { permit(x) }
    }

    /// The route is certain: its limits, then the access hooks.
    @inline(__always) mutating func permit(_ x: Ex) {
        if x.pointee.request.framing == .length
            && UInt64(x.pointee.request.remaining) > x.pointee.route.unsafelyUnwrapped.pointee.bodyBytesMax
        {
            return answer(x, 413, "body larger than the limit of this route")
        }
        if x.pointee.chainPhases & PluginPhase.access.bit != 0 {
            accessed(x, run(.access, x))
        } else if x.pointee.context.consumer.isEmpty {
            act(x)
        } else {
            accessed(x, .next)
        }
    }

    /// After the access hooks.
    mutating func accessed(_ x: Ex, _ verdict: Verdict) {
        guard verdict == .next else { return unless(x, verdict) }
        if !x.pointee.context.consumer.isEmpty {
            guard let first = joinConsumer(x) else { return answer(x, 500, "no memory for the request") }
            if first >= 0 { return accessed(x, run(.access, x, from: first)) }
        }
        act(x)
    }

    /// The request may pass: plugins choose a cluster or make the response, else the route says what happens.
    @inline(__always) mutating func act(_ x: Ex) {
        if x.pointee.chainPhases & (PluginPhase.routing.bit | PluginPhase.content.bit) != 0 { return actByPlugins(x) }
        actByRoute(x)
    }

    @inline(never) mutating func actByPlugins(_ x: Ex) {
        if x.pointee.chainPhases & PluginPhase.routing.bit != 0 && x.pointee.context.routeProxies {
            let verdict = run(.routing, x)
            guard verdict == .next else { return unless(x, verdict) }
        }
        if x.pointee.chainPhases & PluginPhase.content.bit != 0 { makeContent(x) } else { actByRoute(x) }
    }

    @inline(__always) mutating func actByRoute(_ x: Ex) {
        if x.pointee.route.unsafelyUnwrapped.pointee.flags & RouteRecord.hasExtras != 0 { return actByExtras(x) }
        let action = x.pointee.route.unsafelyUnwrapped.pointee.action
        if action == ActionKind.proxy.rawValue { return connect(x) }
        switch ActionKind(rawValue: action) {
        case .plugin: answer(x, 404, "the plugin of this route made no response")
        default: answerFromRoute(x)
        }
    }

    /// What happens instead when hooks before the response did not say "next".
    mutating func unless(_ x: Ex, _ verdict: Verdict) {
        switch verdict {
        case .next, .parked: break  // a parked hook's end calls on
        case .answered: answerFromPlugin(x)
        case .failed: answer(x, 500, "plugin failed")
        }
    }

    /// Fills the context that plugins, forwarding headers and the log read.
    @inline(__always) mutating func describe(_ x: Ex) {
        let c = x.pointee.client
        let head = address(&x.pointee.requestHead)
        x.pointee.context.requestHead = head
        x.pointee.context.request = HeaderMap(
            buffer: x.pointee.headBuffer, fields: fields(x.pointee.headBuffer),
            fieldCount: Int(head.pointee.fieldCount))
        x.pointee.context.clientAddress = ByteView(
            UnsafeRawPointer(address(&c.pointee.address)).assumingMemoryBound(to: UInt8.self), Int(c.pointee.addressLength))
        x.pointee.context.clientPort = c.pointee.port
        x.pointee.context.scheme = ByteView("http")
        x.pointee.context.owner = UnsafeMutableRawPointer(x)
        let f = head.pointee.flags
        let perConnection = settings.requestsPerConnectionMax
        c.pointee.keepAlive =
            (head.pointee.minorVersion == 1 ? f & MessageHead.close == 0 : f & MessageHead.keepAlive != 0) && !isDraining
            && (perConnection == 0 || UInt64(c.pointee.requests) < perConnection)
    }

    @inline(__always) func setRequestFraming(_ x: Ex) {
        let head = x.pointee.requestHead
        if head.flags & MessageHead.chunked != 0 {
            x.pointee.request.start(.chunked)
            x.pointee.context.body.declared = -1
        } else if head.contentLength > 0 {
            x.pointee.context.body.declared = head.contentLength
            x.pointee.request.start(.length, length: head.contentLength)
        }
    }

    // MARK: path and route

    /// Path with query as it is now: a plugin's or the normal form, else as received.
    @inline(__always) func target(_ x: Ex) -> ByteView {
        if let p = x.pointee.context.path { return p }
        return ByteView(x.pointee.headBuffer + Int(x.pointee.requestHead.pathOffset), Int(x.pointee.requestHead.pathLength))
    }
    /// The same without the query.
    @inline(__always) func path(_ x: Ex) -> ByteView {
        if let p = x.pointee.context.path {
            let q = p.firstIndex(of: 0x3f)
            return q < 0 ? p : p.prefix(q)
        }
        let h = x.pointee.requestHead
        let query = h.flags & MessageHead.hasQuery != 0 ? Int(h.queryLength) &+ 1 : 0
        return ByteView(x.pointee.headBuffer + Int(h.pathOffset), Int(h.pathLength) &- query)
    }

    /// What was checked is what is sent: an unusual spelling is replaced before anyone looks at the path.
    @inline(__always) mutating func normalizePath(_ x: Ex) -> Bool {
        let p = path(x)
        return PathNormal.isNormal(p) ? true : replacePath(x, p)
    }

    @inline(never) mutating func replacePath(_ x: Ex, _ p: ByteView) -> Bool {
        let whole = target(x)
        guard let out = x.pointee.arena.allocate(whole.count + 1) else { return false }
        let n = PathNormal.normalize(p, into: out)
        if n < 0 { return false }
        x.pointee.hasOddPath = true
        let query = whole.dropFirst(p.count)
        (out + n).update(from: query.start, count: query.count)
        x.pointee.context.path = ByteView(out, n + query.count)
        return true
    }

    @inline(never) mutating func fold(_ x: Ex, _ path: ByteView) -> ByteView? {
        guard let out = x.pointee.arena.allocate(path.count + 1) else { return nil }
        let n = PathNormal.fold(path, into: out)
        return n < 0 ? nil : ByteView(out, n)
    }

    /// Chooses the route; answers 404 or 405 and returns false when there is none.
    @inline(__always) mutating func route(_ x: Ex) -> Bool {
        let image = x.pointee.snapshot.pointee.image
        let h = x.pointee.requestHead
        let host = x.pointee.context.host ?? ByteView(x.pointee.headBuffer + Int(h.authorityOffset), Int(h.hostLength))
        var path = path(x)
        if x.pointee.hasOddPath || x.pointee.context.path != nil {
            guard let folded = fold(x, path) else {
                answer(x, 400, "path with dot segments behind escaped slashes")
                return false
            }
            path = folded
        }
        conditions.pointee.exchange = x
        let i = Router.match(
            image, host: host, path: path, method: h.method, result: match, conditions: address(&conditions.pointee.router))
        if i < 0 {
            answerNoRoute(x, allowed: match.pointee.allowedMethods)
            return false
        }
        let r = image.routes.baseAddress.unsafelyUnwrapped + Int(i)
        x.pointee.route = r
        x.pointee.context.routeID = image.text(r.pointee.id)
        let chain = image.chain(r)
        x.pointee.chain = chain.baseAddress
        x.pointee.chainCount = Int32(truncatingIfNeeded: chain.count)
        x.pointee.cluster = Int32(truncatingIfNeeded: r.pointee.cluster)
        var phases: UInt8 = 0
        for b in chain { phases |= x.pointee.snapshot.pointee.bound[Int(b)].allPhases }
        x.pointee.chainPhases = phases
        if phases != 0 {
            x.pointee.context.attention = attention
            x.pointee.context.routeProxies =
                r.pointee.action == ActionKind.proxy.rawValue || r.pointee.action == ActionKind.split.rawValue
            x.pointee.context.clusters = UnsafePointer(x.pointee.snapshot.pointee.clusterNames)
        }
        if r.pointee.flags & RouteRecord.hasExtras != 0 || (phases != 0 && match.pointee.parameterCount != 0) {
            return keepMatch(x, r, path) && !maintains(x)
        }
        return true
    }
}
