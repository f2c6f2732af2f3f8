// Timers in a hierarchical wheel: arming, moving and cancelling cost a few stores, whatever their number. Nodes are
// embedded in the things they time; the wheel owns no memory per timer and never calls anybody: the loop asks for what
// has expired.
//
//   level 0: 64 slots of 1 tick   (10 ms)      level 2: 64 slots of 41 s
//   level 1: 64 slots of 64 ticks (640 ms)     level 3: 64 slots of 44 min
//
// A deadline that is moved later is only stored; the node is relinked when its old slot comes up. That makes the usual
// "push the idle timeout forward" one store.

/// A timer inside another structure. Zero-filled memory is a valid, unarmed node.
@frozen public struct TimerNode {
    @usableFromInline var next: UnsafeMutablePointer<TimerNode>?
    @usableFromInline var previous: UnsafeMutablePointer<TimerNode>?
    /// When it expires, in ms of the loop's clock; 0 = unarmed.
    public internal(set) var deadlineMs: UInt64 = 0
    /// Tick of the slot it is linked into (at or before the deadline), and level * 64 + slot.
    @usableFromInline var linkedTick: UInt64 = 0
    @usableFromInline var slot: UInt16 = 0
    @usableFromInline var linked = false
    public init() {}
}

public struct TimerWheel: ~Copyable {
    public typealias Node = UnsafeMutablePointer<TimerNode>
    static let tickMs: UInt64 = 10
    /// Longest wait in ticks (2^24 - 1: 46 hours); longer deadlines are reached by relinking.
    static let spanTicks: UInt64 = (1 << 24) - 1

    /// Sentinels of the 4 × 64 circular lists, then bit maps of the slots in use.
    let heads: Node
    var used: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    var tick: UInt64
    /// The tick at which something may have to happen next, never too late; recomputed when it is reached.
    var wakeTick: UInt64 = .max
    /// Nodes whose slot came up and that have not been handed out yet.
    let due: Node

    public init(nowMs: UInt64) {
        heads = .allocate(capacity: 4 * 64 + 1)
        for i in 0...256 {
            (heads + i).initialize(to: TimerNode())
            heads[i].next = heads + i
            heads[i].previous = heads + i
        }
        due = heads + 256
        tick = nowMs / TimerWheel.tickMs
    }
    deinit { heads.deallocate() }

    /// Arms or moves the timer to `deadlineMs`.
    public mutating func arm(_ n: Node, _ deadlineMs: UInt64) {
        n.pointee.deadlineMs = deadlineMs
        // Rounded up, so that a timer never fires early.
        let target = (deadlineMs &+ (TimerWheel.tickMs &- 1)) / TimerWheel.tickMs
        if n.pointee.linked {
            if n.pointee.linkedTick <= target { return }
            unlink(n)
        }
        link(n, target)
    }

    public mutating func cancel(_ n: Node) {
        n.pointee.deadlineMs = 0
        if n.pointee.linked { unlink(n) }
    }

    /// The next node whose deadline is at or before `nowMs`, unarmed; nil when there is none. Call until nil.
    public mutating func popExpired(nowMs: UInt64) -> Node? {
        let now = nowMs / TimerWheel.tickMs
        while true {
            while let n = due.pointee.next, n != due {
                unlink(n)
                if n.pointee.deadlineMs > nowMs {
                    link(n, (n.pointee.deadlineMs &+ (TimerWheel.tickMs &- 1)) / TimerWheel.tickMs)
                    continue
                }
                n.pointee.deadlineMs = 0
                return n
            }
            if tick >= now { return nil }
            advance(to: now)
        }
    }

    /// Milliseconds until something may expire, for the poller; -1 when nothing is armed.
    @inline(__always) public mutating func waitMs(nowMs: UInt64) -> Int32 {
        if due.pointee.next != due { return 0 }
        if wakeTick <= tick { wakeTick = nextTick() }
        if wakeTick == .max { return -1 }
        let at = wakeTick &* TimerWheel.tickMs
        return at <= nowMs ? 0 : Int32(truncatingIfNeeded: min(at &- nowMs, 3_600_000))
    }

    @inline(never) func nextTick() -> UInt64 {
        var best = UInt64.max
        for level in 0..<4 {
            let map = bits(level)
            if map == 0 { continue }
            let shift = UInt64(level * 6)
            let at = tick >> shift
            // distance in slots to the next one in use, counted from the slot behind the current one
            let start = (at &+ 1) & 63
            let turned = start == 0 ? map : (map >> start) | (map << (64 - start))
            let distance = UInt64(turned.trailingZeroBitCount) &+ 1
            best = min(best, (at &+ distance) << shift)
        }
        return best
    }

    // MARK: lists

    /// Moves the wheel forward tick by tick (skipping empty runs) until one slot is due or `now` is reached.
    mutating func advance(to now: UInt64) {
        while tick < now {
            if used == (0, 0, 0, 0) {
                tick = now
                return
            }
            if used.0 == 0 && tick & 63 != 63 && (tick | 63) < now {
                tick |= 63  // nothing at level 0 before the next cascade
            }
            tick &+= 1
            if tick & 63 == 0 {
                cascade()
                if due.pointee.next != due { return }
            }
            let s = Int(tick & 63)
            if bits(0) & (1 << UInt64(s)) != 0 {
                moveAll(from: heads + s, level: 0, slot: s)
                return
            }
        }
    }

    /// Brings the nodes of the next slot of each level that turned over one level down.
    mutating func cascade() {
        for level in 1..<4 {
            let s = Int((tick >> UInt64(level * 6)) & 63)
            if bits(level) & (1 << UInt64(s)) != 0 {
                let head = heads + (level * 64 + s)
                setBit(level, s, false)
                while let n = head.pointee.next, n != head {
                    unlink(n)
                    if n.pointee.linkedTick > tick { link(n, n.pointee.linkedTick) } else { makeDue(n) }
                }
            }
            if s != 0 { break }
        }
    }

    mutating func moveAll(from head: Node, level: Int, slot: Int) {
        setBit(level, slot, false)
        while let n = head.pointee.next, n != head {
            unlink(n)
            makeDue(n)
        }
    }

    func makeDue(_ n: Node) {
        insert(n, before: due)
        n.pointee.slot = 256
    }

    mutating func link(_ n: Node, _ wanted: UInt64) {
        // A target at or before the current tick goes to the next one: the current slot has been emptied already.
        let target = min(max(wanted, tick &+ 1), tick &+ TimerWheel.spanTicks)
        let delta = target ^ tick
        let level = delta < 64 ? 0 : delta < 4096 ? 1 : delta < 262_144 ? 2 : 3
        let s = Int((target >> UInt64(level * 6)) & 63)
        n.pointee.linkedTick = target
        n.pointee.slot = UInt16(truncatingIfNeeded: level * 64 + s)
        insert(n, before: heads + (level * 64 + s))
        setBit(level, s, true)
        wakeTick = min(wakeTick, (target >> UInt64(level * 6)) << UInt64(level * 6))
    }

    @inline(__always) func insert(_ n: Node, before head: Node) {
        let last = head.pointee.previous!
        n.pointee.previous = last
        n.pointee.next = head
        last.pointee.next = n
        head.pointee.previous = n
        n.pointee.linked = true
    }

    @inline(__always) mutating func unlink(_ n: Node) {
        let next = n.pointee.next!, previous = n.pointee.previous!
        previous.pointee.next = next
        next.pointee.previous = previous
        n.pointee.linked = false
        let s = Int(n.pointee.slot)
        if next == previous && s < 256 && next == heads + s { setBit(s >> 6, s & 63, false) }
    }

    @inline(__always) func bits(_ level: Int) -> UInt64 {
        switch level {
        case 0: used.0
        case 1: used.1
        case 2: used.2
        default: used.3
        }
    }
    @inline(__always) mutating func setBit(_ level: Int, _ slot: Int, _ on: Bool) {
        let bit: UInt64 = 1 << UInt64(slot)
        switch level {
        case 0: used.0 = on ? used.0 | bit : used.0 & ~bit
        case 1: used.1 = on ? used.1 | bit : used.1 & ~bit
        case 2: used.2 = on ? used.2 | bit : used.2 & ~bit
        default: used.3 = on ? used.3 | bit : used.3 & ~bit
        }
    }
}
