// The walk of a request through its phases, for all connections of one worker. This file holds what the walk stands on;
// the phases follow in the order they happen:
//
//   Pipeline+Accept → +Head (read the request) → +Route (rewrite, route, access), +Actions → +Connect (balance, connect or reuse)
//   → +Request (send head and body) → +Response (read head, header filter) → +Relay / +Filter / +Splice (body)
//   → +Finish (log, keep alive) ; +Answer, +Hooks, +Gather, +Content, +Tunnel, +Timeout, +Close, +Conditions, +Expand for what can happen beside it.
//
// One thread, no locks. Nothing on the way of a request allocates from the heap once the pools have grown.
import CSluiceSys
import SluiceBytes
import SluiceHTTP
import SluiceLoop
import SluiceObserve
import SluicePlugins
import SluiceRouter
import SluiceRules
import SluiceShared
import SluiceUpstream

public struct Pipeline: ~Copyable {
    public var loop = EventLoop()
    var slab: ConnectionSlab
    var small: BlockPool
    var large: BlockPool
    var exchanges: BlockPool
    /// Arenas point at this pool, so it has an address of its own.
    let arenas: UnsafeMutablePointer<BlockPool>
    let form: UnsafeMutablePointer<Exchange>
    let smallShape: BufferShape
    let largeShape: BufferShape
    public var pools = TargetPools()
    public let host: PluginHost
    public internal(set) var current: UnsafeMutablePointer<Snapshot>?
    public var counters: WorkerCounters
    public var accessLog: AccessLog
    /// Settings of the current snapshot, copied so that the hot path reads one line of memory.
    var settings = SettingsRecord()
    var headLimits: HeadLimits
    /// Connections that closed in this turn; their slots are free again when it ends, so no pointer goes stale within it.
    var grave: Int32 = -1
    /// A client whose exchange ended while its next request may already be waiting.
    var resumable: Conn?
    public internal(set) var isDraining = false
    /// Connections that go on in the next turn although no event will say so.
    var line: Int32 = -1
    /// Local ports of the listeners, as text for forwarding headers.
    let listenerPorts: UnsafeMutablePointer<PortText>
    let conditions: UnsafeMutablePointer<ConditionRoom>
    /// What lookups write into: one place, because making one afresh costs as much as a lookup.
    let match: UnsafeMutablePointer<MatchResult>
    var chance: Chance
    var pipes: PipePool
    /// Requests whose hooks want something since the last look (`MessageContext.attention`).
    let attention: UnsafeMutablePointer<UnsafeMutablePointer<MessageContext>?>
    var trimmedAtMs: UInt64 = 0
    /// Replaced snapshots that requests in flight still use.
    var replaced: [UnsafeMutablePointer<Snapshot>] = []

    /// - Parameter settings: of the first image; the connection limit holds until the worker ends.
    public init(settings: SettingsRecord, host: PluginHost, counters: WorkerCounters, accessLog: consuming AccessLog) {
        self.settings = settings
        self.host = host
        self.counters = counters
        self.accessLog = accessLog
        headLimits = HeadLimits(
            fieldsMax: Int(settings.headerFieldsMax), targetBytesMax: Int(settings.targetBytesMax), headBytesMax: Int(settings.headBytesMax)
        )
        smallShape = BufferShape(capacity: BufferShape.smallCapacity)
        largeShape = BufferShape(capacity: BufferShape.largeCapacity)
        small = BlockPool(blockSize: smallShape.blockSize)
        large = BlockPool(blockSize: largeShape.blockSize)
        exchanges = BlockPool(blockSize: (MemoryLayout<Exchange>.stride + 63) & ~63)
        arenas = .allocate(capacity: 1)
        arenas.initialize(to: BlockPool(blockSize: 4096))
        form = .allocate(capacity: 1)
        form.initialize(to: Exchange(form: arenas))
        slab = ConnectionSlab(limit: Int(settings.connectionsMax))
        pipes = PipePool()
        attention = .allocate(capacity: 1)
        attention.initialize(to: nil)
        conditions = ConditionRoom.make(head: counters.block.head)
        conditions.pointee.host = host
        match = .allocate(capacity: 1)
        match.initialize(to: MatchResult())
        chance = Chance()
        listenerPorts = .allocate(capacity: 64)
        listenerPorts.initialize(repeating: PortText(0), count: 64)
        precondition(64 * MemoryLayout<Connection>.stride % 4096 == 0, "64 connections must fill whole pages")
    }

    /// Tells the port of a listener (by its index in the image, at most 64).
    public func setPort(_ port: UInt16, ofListener i: Int) {
        listenerPorts[i & 63].buffer.deallocate()
        listenerPorts[i & 63] = PortText(port)
    }

    /// After a commit.
    mutating func readSettings() {
        guard let s = current else { return }
        settings = s.pointee.image.settings.pointee
        let fields = min(Int(settings.headerFieldsMax), BufferShape.fieldsMax)
        headLimits = HeadLimits(
            fieldsMax: fields, targetBytesMax: Int(settings.targetBytesMax),
            headBytesMax: min(Int(settings.headBytesMax), BufferShape.largeCapacity - 1))
    }

    // MARK: buffers

    @inline(__always) mutating func takeSmall() -> Bytes { (small.take() + BufferShape.tableBytes).assumingMemoryBound(to: UInt8.self) }
    @inline(__always) mutating func takeLarge() -> Bytes { (large.take() + BufferShape.tableBytes).assumingMemoryBound(to: UInt8.self) }
    @inline(__always) mutating func giveBuffer(_ b: Bytes, isLarge: Bool) {
        let block = UnsafeMutableRawPointer(b) - BufferShape.tableBytes
        if isLarge { large.give(block) } else { small.give(block) }
    }
    @inline(__always) func capacity(isLarge: Bool) -> Int { isLarge ? largeShape.capacity : smallShape.capacity }
    /// The table of parsed fields before the bytes of a buffer.
    @inline(__always) func fields(_ b: Bytes) -> UnsafeMutablePointer<HeaderField> {
        (UnsafeMutableRawPointer(b) - BufferShape.tableBytes).assumingMemoryBound(to: HeaderField.self)
    }
    @inline(__always) mutating func giveInput(_ c: Conn) {
        if let b = c.pointee.input { giveBuffer(b, isLarge: c.pointee.inputIsLarge) }
        c.pointee.input = nil
        c.pointee.inputStart = 0
        c.pointee.inputChecked = 0
        c.pointee.inputEnd = 0
    }
    @inline(__always) mutating func giveOutput(_ c: Conn) {
        if let b = c.pointee.output { giveBuffer(b, isLarge: c.pointee.outputIsLarge) }
        c.pointee.output = nil
        c.pointee.outputStart = 0
        c.pointee.outputEnd = 0
    }
    /// An empty output buffer with room for `n` bytes (at most the large capacity).
    @inline(__always) mutating func output(_ c: Conn, room n: Int) -> Bytes {
        if let b = c.pointee.output {
            if n <= capacity(isLarge: c.pointee.outputIsLarge) { return b }
            giveOutput(c)
        }
        let isLarge = n > smallShape.capacity
        let b = isLarge ? takeLarge() : takeSmall()
        c.pointee.output = b
        c.pointee.outputIsLarge = isLarge
        return b
    }

    // MARK: events

    /// Handles one readiness event of a connection.
    public mutating func handle(token: UInt64, bits: UInt32) {
        let c = slab[Int32(truncatingIfNeeded: token & 0xffff_ffff)]
        if c.pointee.generation != UInt32(truncatingIfNeeded: token >> 32) || c.pointee.state == .closed { return }
        if bits & (Ready.read | Ready.hangup) != 0 {
            c.pointee.readable = true
            if bits & Ready.hangup != 0 {
                c.pointee.hangup = true
                if bits & UInt32(CS_EPOLLHUP | CS_EPOLLERR) != 0 { c.pointee.broken = true }
            }
        }
        if bits & Ready.write != 0 { c.pointee.writable = true }
        if c.pointee.isUpstream { upstreamEvent(c) } else { clientEvent(c) }
        resume()
    }

    /// Goes on with clients whose next request may already be there. A loop, not a recursion: a client may send thousands.
    @inline(__always) mutating func resume() {
        while let c = resumable {
            resumable = nil
            if c.pointee.state == .idle && (c.pointee.inputEnd > 0 || c.pointee.readable) { readHead(c) }
        }
    }

    /// After the events of a turn: expired timers, then the slots of what closed.
    public mutating func endTurn() {
        while let n = loop.timers.popExpired(nowMs: loop.clock.nowMs) {
            expired(UnsafeMutableRawPointer(n).assumingMemoryBound(to: Connection.self))
            resume()
        }
        while grave >= 0 {
            let c = slab[grave]
            grave = c.pointee.graveNext
            slab.give(c)
        }
        if loop.clock.nowMs &- trimmedAtMs >= 1000 { housekeep() }
    }

    /// Once a second: memory that was not needed goes back, pending log lines go out.
    @inline(never) mutating func housekeep() {
        trimmedAtMs = loop.clock.nowMs
        small.trim()
        large.trim()
        exchanges.trim()
        arenas.pointee.trim()
        slab.trim()
        pipes.trim()
        host.trim()
        showReplaced()
        accessLog.flush()
    }

    /// Connections of both kinds that are open.
    public var connectionCount: Int { slab.count }

    // MARK: timers

    @inline(__always) func timer(_ c: Conn) -> UnsafeMutablePointer<TimerNode> {
        UnsafeMutableRawPointer(c).assumingMemoryBound(to: TimerNode.self)
    }
    @inline(__always) mutating func arm(_ c: Conn, afterMs: UInt32) {
        loop.timers.arm(timer(c), loop.clock.nowMs &+ UInt64(afterMs))
    }
}

/// A port number as text at a stable address.
struct PortText {
    let buffer: Bytes
    let count: Int
    var text: UnsafePointer<UInt8> { UnsafePointer(buffer) }
    init(_ port: UInt16) {
        buffer = .allocate(capacity: 8)
        var digits: InlineArray<5, UInt8> = .init(repeating: 0)
        var n = 0, v = port
        repeat {
            digits[n] = UInt8(v % 10) + 48
            v /= 10
            n += 1
        } while v > 0
        for i in 0..<n { buffer[i] = digits[n - 1 - i] }
        count = port == 0 ? 0 : n
    }
}
