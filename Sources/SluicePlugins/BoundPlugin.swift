// One binding of an image, ready to be called: the only thing of this module that a request touches. Plain data; an empty
// hook costs a handful of stores and one call through a pointer, nothing is allocated or counted by reference.
import CSluiceABI
import SluiceBytes
import SluiceShared

@frozen public struct BoundPlugin {
    /// Every hook has this shape in C; the handle is the address of a MessageContext.
    public typealias Hook = @convention(c) (UnsafeMutableRawPointer?, OpaquePointer?) -> Int32

    /// What `run` returns when the hook waits.
    @inlinable public static var parked: Int32 { 2 }
    /// By phase number, 0…7. First of all fields: `run` finds them there.
    @usableFromInline var hooks: InlineArray<8, Hook?>
    @usableFromInline var instance: UnsafeMutableRawPointer?
    @usableFromInline var counters: UnsafeMutablePointer<PluginCounters>
    @usableFromInline var head: UnsafeMutablePointer<WorkerHead>
    /// Stat slot + 1, as WorkerHead.currentPlugin shows it.
    @usableFromInline var currentPlugin: UInt64
    public var generation: UInt64
    /// Bits of `PluginPhase`: the phases it has a hook for.
    public var phases: UInt8
    /// The same and those of `alternative`.
    public var allPhases: UInt8
    /// The binding that serves requests whose hash (32 bits) is below `share`; 0: none.
    public var alternative: UnsafeMutablePointer<BoundPlugin>?
    public var share: UInt32 = 0
    /// Which requests it serves depends on the request: it has a condition, or an alternative.
    public var isChosen = false
    /// A failed hook lets the request go on (already applied to the result of `run`).
    public var failOpen: Bool
    /// Those of its phases that run on a fiber.
    @usableFromInline var fiberPhases: UInt8
    @usableFromInline var owner: UnsafeMutablePointer<PluginOwner>
    /// Where this value lives.
    @usableFromInline var address: UnsafeMutablePointer<BoundPlugin>

    /// Runs the hook of `phase`, which may be absent, on `ctx`.
    ///
    /// - Returns: 0: go on. 1 (SLUICE_ANSWERED): `ctx` holds the answer, or the content is complete. Negative: the hook failed and
    ///   the plugin fails closed, answer 500 (log: never; body_filter: cut the response). 2 (SLUICE_SUSPEND): parked on `ctx.wait`
    ///   (rewrite, access, content, header_filter, body_filter). Calls and failures are counted here.
    @inlinable @inline(__always) public func run(_ phase: PluginPhase, _ ctx: UnsafeMutablePointer<MessageContext>) -> Int32 {
        // Straight from its place: indexing the field copies all eight.
        guard let hook = UnsafeRawPointer(address).load(fromByteOffset: Int(phase.rawValue & 7) &* 8, as: Hook?.self) else { return 0 }
        if phase == .bodyFilter && ctx.pointee.chunkReplaced && !ctx.pointee.foldChunk() { return settle(phase, ctx, Int32(SLUICE_ENOMEM)) }
        if fiberPhases & phase.bit != 0 || head.pointee.currentPlugin != 0 { return runSlowly(phase, ctx) }
        ctx.pointee.phase = phase.rawValue
        ctx.pointee.counters = counters
        ctx.pointee.binding = address
        let entered = TickClock.now
        head.pointee.currentPhase = UInt64(phase.rawValue)
        head.pointee.currentGeneration = generation
        head.pointee.currentContext = UInt64(UInt(bitPattern: ctx))
        head.pointee.enteredTick = entered
        head.pointee.currentPlugin = currentPlugin  // last: whoever reads a plugin here finds the rest too
        let result = hook(instance, OpaquePointer(ctx))
        head.pointee.currentPlugin = 0
        ctx.pointee.phase = PluginPhase.none
        counters.pointee.calls[unchecked: Int(phase.rawValue)] &+= 1
        counters.pointee.cpu[unchecked: Int(phase.rawValue)].add(TickClock.now &- entered)
        if result == 0 && ctx.pointee.answerStatus == 0 && ctx.pointee.pending == nil { return 0 }
        return settle(phase, ctx, result)
    }

    /// On a fiber, or inside another plugin's hook (a response that a content hook writes passes filters).
    @inline(never) @usableFromInline func runSlowly(_ phase: PluginPhase, _ ctx: UnsafeMutablePointer<MessageContext>) -> Int32 {
        let prepared = ctx.pointee.pending  // by the hook that this one runs inside of
        ctx.pointee.pending = nil
        defer { ctx.pointee.pending = prepared }
        counters.pointee.calls[Int(phase.rawValue)] &+= 1
        if fiberPhases & phase.bit != 0 { return owner.board.startHook(address, phase, ctx) }
        let result = owner.board.entered(owner, phase, ctx, address) {
            hooks[Int(phase.rawValue)].unsafelyUnwrapped(instance, OpaquePointer(ctx))
        }
        return settle(phase, ctx, result)
    }

    /// Everything but "go on": an answer, a failure, a wait, or what was prepared but not returned.
    @inline(never) @usableFromInline func settle(_ phase: PluginPhase, _ ctx: UnsafeMutablePointer<MessageContext>, _ result: Int32)
        -> Int32
    {
        if result == Int32(SLUICE_SUSPEND) && phase.mayPark && ctx.pointee.pending != nil {
            return owner.board.suspend(address, phase, ctx)
        }
        if ctx.pointee.pending != nil { owner.board.dropPending(ctx) }
        let mayAnswer = phase == .rewrite || phase == .access || phase == .routing
        if result == Int32(SLUICE_ANSWERED)
            && (phase == .content && ctx.pointee.content.isFinished || mayAnswer && ctx.pointee.answerStatus != 0)
        {
            return result
        }
        if mayAnswer { ctx.pointee.dropAnswer() }
        if result == 0 { return 0 }
        if ctx.pointee.isCancelled { return result < 0 ? result : Int32(SLUICE_ECANCELED) }
        counters.pointee.failures[Int(phase.rawValue)] &+= 1
        if failOpen || phase == .log { return 0 }
        return result < 0 ? result : Int32(SLUICE_EINVAL)
    }
}

extension MessageContext {
    mutating func dropAnswer() {
        answerStatus = 0
        answerBody = .empty
        answerMap = .init()
    }

    /// What the filters before made of the chunk becomes the chunk that the next one sees. False: no room.
    @inline(never) public mutating func foldChunk() -> Bool {
        if chunkOutCount == 1, let out = chunkOut {
            chunk = out[0]
        } else {
            var total = 0
            for i in 0..<chunkOutCount { total += chunkOut![i].count }
            guard let p = bodyArena.pointee.allocate(total) else { return false }
            var at = p
            for i in 0..<chunkOutCount {
                at.update(from: chunkOut![i].start, count: chunkOut![i].count)
                at += chunkOut![i].count
            }
            chunk = ByteView(p, total)
        }
        chunkIsWritable = true  // ours: an arena, or a buffer that was writable before
        chunkOutCount = 0
        return appendPiece(chunk)
    }

    var bodyArena: UnsafeMutablePointer<Arena> { chunkArena ?? arena }

    /// One more view behind `chunkOut`. False: no room.
    mutating func appendPiece(_ piece: ByteView) -> Bool {
        if chunkOutCount == chunkOutCapacity {
            let capacity = max(8, chunkOutCapacity * 2)
            guard let raw = bodyArena.pointee.allocate(capacity * MemoryLayout<ByteView>.stride) else { return false }
            let grown = UnsafeMutableRawPointer(raw).bindMemory(to: ByteView.self, capacity: capacity)
            if let old = chunkOut { grown.initialize(from: old, count: chunkOutCount) }
            chunkOut = grown
            chunkOutCapacity = capacity
        }
        (chunkOut! + chunkOutCount).initialize(to: piece)
        chunkOutCount += 1
        return true
    }
}
