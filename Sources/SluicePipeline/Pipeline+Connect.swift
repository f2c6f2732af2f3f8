// Balance, then a connection: one that is kept or a new one.
import CSluiceSys
import SluiceBytes
import SluiceHTTP
import SluicePlugins
import SluiceRules
import SluiceSystem
import SluiceUpstream

extension Pipeline {
    /// Picks a target and gets the request onto a connection to it.
    mutating func connect(_ x: Ex, newConnection: Bool = false) {
        let s = x.pointee.snapshot
        let route = x.pointee.route.unsafelyUnwrapped
        if x.pointee.context.chosenCluster >= 0 { x.pointee.cluster = x.pointee.context.chosenCluster }
        let cluster = s.pointee.image.clusters.baseAddress.unsafelyUnwrapped + Int(x.pointee.cluster)
        let first = Int(cluster.pointee.firstTarget)
        if !newConnection {
            let targets = s.pointee.image.targets.baseAddress.unsafelyUnwrapped + first
            var t = -1
            if x.pointee.chainPhases & PluginPhase.balancer.bit != 0 {
                guard askBalancer(x, first, Int(cluster.pointee.targetCount), &t) else { return answer(x, 500, "plugin failed") }
            }
            if t < 0 {
                t = Balancer.pick(
                    targets, count: Int(cluster.pointee.targetCount), state: s.pointee.weights + first, tried: x.pointee.tried)
            }
            if t < 0 { return answer(x, x.pointee.attempts == 0 ? 503 : 502, "no target of the cluster could be reached") }
            x.pointee.targetIndex = Int32(truncatingIfNeeded: first + t)
            if t < 64 { x.pointee.tried |= 1 << UInt64(t) }
            x.pointee.context.targetLabel = s.pointee.image.text(targets[t].label)
            x.pointee.context.clusterID = s.pointee.image.text(cluster.pointee.id)
        }
        x.pointee.attempts &+= 1
        x.pointee.upstreamStartedUs = loop.clock.nowUs
        let slot = Int(s.pointee.poolOf[Int(x.pointee.targetIndex)])
        if !newConnection, let u = takeIdle(slot) {
            attach(u, x)
            x.pointee.stage = .sending
            if !buildRequest(x, u) { return }
            sendRequest(x)
            return
        }
        let configured = route.pointee.connectTimeoutMs != 0 ? route.pointee.connectTimeoutMs : cluster.pointee.connectTimeoutMs
        dial(x, slot, timeoutMs: x.pointee.connectMs != 0 ? x.pointee.connectMs : configured)
    }

    /// Balancer hooks choose the target of this attempt, or leave it to the cluster's own balancer (-1). False: one failed.
    @inline(never) mutating func askBalancer(_ x: Ex, _ first: Int, _ count: Int, _ target: inout Int) -> Bool {
        let s = x.pointee.snapshot
        var balance = BalanceContext(
            image: s.pointee.image, first: s.pointee.image.targets.baseAddress.unsafelyUnwrapped + first, count: count,
            active: UnsafeRawPointer(pools.slots) + MemoryLayout<TargetPool>.offset(of: \.active).unsafelyUnwrapped,
            activeStride: MemoryLayout<TargetPool>.stride, poolOf: UnsafePointer(s.pointee.poolOf + first))
        balance.tried = x.pointee.tried
        balance.attempts = x.pointee.attempts
        let verdict = withUnsafeMutablePointer(to: &balance) {
            x.pointee.context.balance = $0
            let verdict = run(.balancer, x)
            x.pointee.context.balance = nil
            return verdict
        }
        if verdict != .next { return false }
        x.pointee.connectMs = balance.connectMs
        x.pointee.responseMs = balance.responseMs
        x.pointee.connectRetries = balance.retries
        target = balance.chosen
        return true
    }

    @inline(__always) func attach(_ u: Conn, _ x: Ex) {
        u.pointee.exchange = x
        u.pointee.state = .exchange
        x.pointee.upstream = u
        pools.slots[Int(u.pointee.pool)].active &+= 1
    }

    @inline(never) mutating func dial(_ x: Ex, _ slot: Int, timeoutMs: UInt32) {
        let (fd, status) = withUnsafePointer(to: &pools.slots[slot].address) {
            Socket.connect(
                family: Int32(truncatingIfNeeded: $0.pointee.family),
                address: UnsafeRawPointer(address(&UnsafeMutablePointer(mutating: $0).pointee.bytes)), length: $0.pointee.length)
        }
        counters.upstreamConnecting()
        if fd < 0 { return connectFailed(x, status) }
        guard let u = slab.take() else {
            Socket.close(fd)
            return answer(x, 503, "connection limit of the worker reached")
        }
        u.pointee.descriptor = fd
        u.pointee.isUpstream = true
        counters.upstreamOpened()
        u.pointee.pool = UInt32(truncatingIfNeeded: slot)
        if !loop.poller.addEdge(fd, token: token(u)) {
            close(u)
            return answer(x, 503, "the connection could not be watched")
        }
        attach(u, x)
        u.pointee.state = .connecting
        u.pointee.writable = status == 0
        x.pointee.stage = .connecting
        if !buildRequest(x, u) { return }
        if status == 0 { return connected(u, x) }
        arm(u, afterMs: timeoutMs)
    }

    mutating func connected(_ u: Conn, _ x: Ex) {
        loop.timers.cancel(timer(u))
        u.pointee.state = .exchange
        x.pointee.stage = .sending
        sendRequest(x)
    }

    mutating func upstreamEvent(_ u: Conn) {
        switch u.pointee.state {
        case .exchange:
            guard let x = u.pointee.exchange else { return close(u) }
            upstreamProgress(x, u)
        case .pooled: if u.pointee.readable { idleEvent(u) }
        case .connecting:
            guard let x = u.pointee.exchange else { return close(u) }
            if u.pointee.broken {
                let e = Socket.connectError(u.pointee.descriptor)
                detach(x, u)
                close(u)
                connectFailed(x, e == 0 ? ECONNRESET : e)
            } else if u.pointee.writable {
                connected(u, x)
            }
        case .tunnel: tunnelProgress(u)
        default: break
        }
    }

    /// A kept connection became readable: closed, or it says what nobody asked for. The flag may also be left over from a
    /// body that ended exactly with a full read, so the socket is asked.
    @inline(never) mutating func idleEvent(_ u: Conn) {
        if !u.pointee.hangup && Socket.peek(u.pointee.descriptor) == -Int(EAGAIN) {
            u.pointee.readable = false
        } else {
            dropIdle(u)
        }
    }

    /// Another target, or the end of the attempts.
    @inline(never) mutating func connectFailed(_ x: Ex, _ error: Int32) {
        counters.upstreamConnectFailed()
        upstreamFault(
            x, error == ETIMEDOUT ? "connection timed out" : error == ECONNREFUSED ? "connection refused" : "connection failed", error)
        let cluster = x.pointee.snapshot.pointee.image.clusters[Int(x.pointee.cluster)]
        let state = AttemptState(
            failure: .connect, method: x.pointee.requestHead.method, bodyIsReplayable: true, attempts: x.pointee.attempts,
            connectRetries: x.pointee.connectRetries >= 0 ? UInt32(x.pointee.connectRetries) : cluster.connectRetries)
        if RetryDecision.decide(state) == .otherTarget && cluster.targetCount > 1 {
            x.pointee.retries &+= 1
            counters.upstreamRetried()
            return connect(x)
        }
        answer(x, error == ETIMEDOUT ? 504 : 502, error == ETIMEDOUT ? "upstream connect timed out" : "upstream refused the connection")
    }

    // MARK: kept connections

    @inline(__always) mutating func takeIdle(_ slot: Int) -> Conn? {
        let head = pools.slots[slot].idleHead
        if head < 0 { return nil }
        let u = slab[head]
        unlinkIdle(u)
        u.pointee.reused = true
        return u
    }

    @inline(__always) mutating func unlinkIdle(_ u: Conn) {
        let slot = Int(u.pointee.pool)
        let next = u.pointee.poolNext, previous = u.pointee.poolPrevious
        if previous >= 0 { slab[previous].pointee.poolNext = next } else { pools.slots[slot].idleHead = next }
        if next >= 0 { slab[next].pointee.poolPrevious = previous }
        pools.slots[slot].idleCount &-= 1
        counters.upstreamUnparked()
    }

    /// Keeps the connection for a later request, last in first out, so that warm ones are used and cold ones time out.
    @inline(__always) mutating func keepIdle(_ u: Conn) {
        let slot = Int(u.pointee.pool)
        u.pointee.state = .pooled
        u.pointee.poolPrevious = -1
        let head = pools.slots[slot].idleHead
        u.pointee.poolNext = head
        if head >= 0 { slab[head].pointee.poolPrevious = Int32(truncatingIfNeeded: u.pointee.index) }
        pools.slots[slot].idleHead = Int32(truncatingIfNeeded: u.pointee.index)
        pools.slots[slot].idleCount &+= 1
        counters.upstreamParked()
        arm(u, afterMs: pools.slots[slot].idleTimeoutMs)
    }

    mutating func dropIdle(_ u: Conn) {
        unlinkIdle(u)
        close(u)
    }

    mutating func closeIdle(_ slot: Int) {
        while pools.slots[slot].idleHead >= 0 { dropIdle(slab[pools.slots[slot].idleHead]) }
    }

    /// The exchange no longer owns the connection.
    @inline(__always) func detach(_ x: Ex, _ u: Conn) {
        x.pointee.upstream = nil
        u.pointee.exchange = nil
        pools.slots[Int(u.pointee.pool)].active &-= 1
    }
}
