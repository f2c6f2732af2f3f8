// Routes that do more than proxying to one cluster: maintenance, splits, rewrites, redirects that are made for the request. Only routes with
// extras come here. How texts are put together is in Pipeline+Expand.
import SluiceBytes
import SluiceCEL
import SluiceHTTP
import SluiceModel
import SluicePlugins
import SluiceRouter
import SluiceRules

extension Pipeline {
    /// Keeps what the lookup said for as long as the request lives. False: no memory, answered.
    @inline(never) mutating func keepMatch(_ x: Ex, _ route: UnsafePointer<RouteRecord>, _ path: ByteView) -> Bool {
        guard let room = x.pointee.arena.allocate(MemoryLayout<ActionState>.stride) else {
            answer(x, 500, "no memory for the request")
            return false
        }
        let state = UnsafeMutableRawPointer(room).bindMemory(to: ActionState.self, capacity: 1)
        let all = x.pointee.snapshot.pointee.image.extras
        let hasExtras = route.pointee.flags & RouteRecord.hasExtras != 0
        state.initialize(
            to: ActionState(
                extras: hasExtras ? all.baseAddress.unsafelyUnwrapped + Int(route.pointee.extras) : nil, match: match.pointee, path: path))
        x.pointee.action = state
        return true
    }

    /// True when the route is closed for this request, which has been answered.
    @inline(never) mutating func maintains(_ x: Ex) -> Bool {
        guard let e = x.pointee.action?.pointee.extras, e.pointee.flags & RouteExtras.maintains != 0 else { return false }
        if e.pointee.unless != .max && holds(x, e.pointee.unless) { return false }
        x.pointee.context.response = HeaderMap()
        x.pointee.context.responseHead = nil
        x.pointee.context.status = UInt16(truncatingIfNeeded: e.pointee.maintenanceStatus)
        own(x, .maintenance, filterHeaders: true)
        return true
    }

    @inline(never) mutating func actByExtras(_ x: Ex) {
        guard let state = x.pointee.action, let e = state.pointee.extras else { return answer(x, 500, "no memory for the request") }
        switch ActionKind(rawValue: x.pointee.route.unsafelyUnwrapped.pointee.action) {
        case .redirect:
            if e.pointee.flags & RouteExtras.expandsLocation != 0 {
                guard let lines = location(x, e) else { return answer(x, 400, "the request makes no location") }
                state.pointee.lines = lines
            }
            answerFromRoute(x)
        case .split:
            split(x, state, e)
            if e.pointee.rewrites && !rewrite(x, state, e) { return answer(x, 400, "the rewritten request is malformed") }
            connect(x)
        case .proxy:
            if e.pointee.rewrites && !rewrite(x, state, e) { return answer(x, 400, "the rewritten request is malformed") }
            connect(x)
        case .plugin: answer(x, 404, "the plugin of this route made no response")
        default: answerFromRoute(x)
        }
    }

    // MARK: split

    private mutating func split(_ x: Ex, _ state: UnsafeMutablePointer<ActionState>, _ e: UnsafePointer<RouteExtras>) {
        let image = x.pointee.snapshot.pointee.image
        let branches = image.branches(e)
        let chosen: Int
        switch StickyKind(rawValue: UInt8(truncatingIfNeeded: e.pointee.sticky)) {
        case .address: chosen = SplitChoice.byHash(branches, hash(x.pointee.context.clientAddress))
        case .header:
            if let value = x.pointee.context.request.first(image.text(e.pointee.stickyName)) {
                chosen = SplitChoice.byHash(branches, hash(value))
            } else {
                chosen = SplitChoice.byChance(branches, chance.next())
            }
        case .cookie:
            let known = sticky(x, image.text(e.pointee.stickyName)).map { SplitChoice.named(branches, $0) } ?? -1
            chosen = known >= 0 ? known : SplitChoice.byChance(branches, chance.next())
            if known < 0 { state.pointee.cookie = branches[chosen].key }
        default: chosen = SplitChoice.byChance(branches, chance.next())
        }
        x.pointee.cluster = Int32(truncatingIfNeeded: branches[chosen].cluster)
    }

    private func hash(_ v: ByteView) -> UInt64 { ImageHash.hash(UnsafeRawPointer(v.start), count: v.count) }

    /// What the cookie says: 16 hex digits; nil: no such cookie, or not of ours.
    private func sticky(_ x: Ex, _ name: ByteView) -> UInt64? {
        var cursor = 0
        while let f = x.pointee.context.request.next(&cursor) {
            guard f.name.count == 6, f.name.equalsIgnoringCase(ByteView("cookie")), let v = CookieText.find(name, in: f.value) else {
                continue
            }
            if v.count != 16 { return nil }
            var key: UInt64 = 0
            for i in 0..<16 {
                let c = v[i], digit = ASCII.isDigit(c) ? c &- 0x30 : c &- 0x61 < 6 ? c &- 0x57 : 16
                if digit > 15 { return nil }
                key = key << 4 | UInt64(digit)
            }
            return key
        }
        return nil
    }

    /// Tells the client its branch, in the head of the response that it gets.
    @inline(never) mutating func setCookie(_ x: Ex) {
        guard let state = x.pointee.action, let e = state.pointee.extras, state.pointee.cookie != 0 else { return }
        let image = x.pointee.snapshot.pointee.image
        let name = image.text(e.pointee.stickyName), behind = image.text(e.pointee.cookieAttributes)
        guard let p = x.pointee.arena.allocate(name.count + 17 + behind.count) else { return }
        p.update(from: name.start, count: name.count)
        p[name.count] = 0x3d
        for i in 0..<16 {
            let digit = UInt8(truncatingIfNeeded: state.pointee.cookie >> UInt64(60 - 4 * i)) & 15
            p[name.count + 1 + i] = digit < 10 ? digit + 0x30 : digit + 0x57
        }
        (p + name.count + 17).update(from: behind.start, count: behind.count)
        _ = x.pointee.context.response.add(
            ByteView("Set-Cookie"), ByteView(p, name.count + 17 + behind.count), arena: address(&x.pointee.arena))
    }

    // MARK: consumers

    /// Puts the bindings of the consumer that plugins found out behind those of the route. -1: there are none, or they are there already; nil:
    /// there is no memory for them, and a request must not pass without what may limit it.
    @inline(never) mutating func joinConsumer(_ x: Ex) -> Int? {
        if x.pointee.consumerJoined { return -1 }
        x.pointee.consumerJoined = true
        let image = x.pointee.snapshot.pointee.image
        let i = image.consumer(named: x.pointee.context.consumer)
        if i < 0 { return -1 }
        let more = image.chain(image.consumers.baseAddress.unsafelyUnwrapped + Int(i))
        let count = Int(x.pointee.chainCount)
        if more.isEmpty { return -1 }
        guard let room = x.pointee.arena.allocate((count + more.count) * 4) else { return nil }
        let chain = UnsafeMutableRawPointer(room).bindMemory(to: UInt32.self, capacity: count + more.count)
        if count > 0 { chain.initialize(from: x.pointee.chain.unsafelyUnwrapped, count: count) }
        (chain + count).initialize(from: more.baseAddress.unsafelyUnwrapped, count: more.count)
        for b in more { x.pointee.chainPhases |= x.pointee.snapshot.pointee.bound[Int(b)].allPhases }
        x.pointee.chain = UnsafePointer(chain)
        x.pointee.chainCount = Int32(truncatingIfNeeded: count + more.count)
        return count
    }
}
