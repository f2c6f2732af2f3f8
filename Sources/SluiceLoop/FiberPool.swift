// The stacks of fibers: mapped in chunks of 64, each with a guard page below, taken from the lowest chunk that has a free one, so
// that few fibers stay warm and the others go back to the system. One thread, one pool. What runs on them: `Fiber.swift`.
//
//   chunk:  [guard│stack 0][guard│stack 1] … [guard│stack 63]     a bit per stack: free, touched since it was last given back
import CSluiceSys

public final class FiberPool {
    /// Address space of one stack with its guard page; memory is what it touches.
    public static let stackBytes = 256 * 1024
    static let guardBytes = 4096
    static let chunkCount = 1024
    /// Fibers at once.
    public static let countMax = chunkCount * 64

    /// The fiber that runs now; nil on the thread's own stack.
    public internal(set) var current: Fiber.Ref? {
        @inlinable @inline(__always) get { running }
        @inlinable @inline(__always) set { running = newValue }
    }
    @usableFromInline var running: Fiber.Ref?

    struct Chunk {
        /// nil: not mapped; then there are no fibers and nothing is free.
        var base: UnsafeMutableRawPointer?
        var fibers: Fiber.Ref?
        var free: UInt64 = 0
        /// Stacks that may hold memory, and those of them that were taken since the last trim.
        var touched: UInt64 = 0
        var recent: UInt64 = 0
    }
    private let chunks: UnsafeMutablePointer<Chunk>
    /// A bit per chunk that has a free stack.
    private let open: UnsafeMutablePointer<UInt64>
    /// Fibers taken and not given back.
    public private(set) var count = 0

    public init() {
        chunks = .allocate(capacity: FiberPool.chunkCount)
        chunks.initialize(repeating: Chunk(), count: FiberPool.chunkCount)
        open = .allocate(capacity: FiberPool.chunkCount / 64)
        open.initialize(repeating: 0, count: FiberPool.chunkCount / 64)
    }
    deinit {
        for i in 0..<FiberPool.chunkCount where chunks[i].base != nil { unmap(i) }
        chunks.deallocate()
        open.deallocate()
    }

    /// A fiber to `start`; nil when there are `countMax` or the system has no memory to map.
    public func take() -> Fiber.Ref? {
        var word = 0
        while open[word] == 0 {
            word += 1
            if word == FiberPool.chunkCount / 64 {
                guard grow() else { return nil }
                word = 0
            }
        }
        let c = word &* 64 &+ open[word].trailingZeroBitCount
        return take(&chunks[c], c)
    }

    @inline(__always) private func take(_ chunk: inout Chunk, _ c: Int) -> Fiber.Ref {
        let bit = chunk.free & (0 &- chunk.free)
        chunk.free ^= bit
        chunk.touched |= bit
        chunk.recent |= bit
        if chunk.free == 0 { open[c >> 6] &= ~(1 &<< UInt64(c & 63)) }
        count &+= 1
        let f = chunk.fibers.unsafelyUnwrapped + bit.trailingZeroBitCount
        f.pointee.isCancelled = false
        f.pointee.task = nil
        return f
    }

    /// Gives a fiber back that has finished; nothing may use it afterwards.
    public func give(_ f: Fiber.Ref) {
        let c = Int(f.pointee.index) >> 6
        chunks[c].free |= 1 &<< UInt64(f.pointee.index & 63)
        open[c >> 6] |= 1 &<< UInt64(c & 63)
        count &-= 1
    }

    /// Once a second: stacks that nobody took since the last call give their memory back, chunks without any fiber their mapping
    /// (the first chunk keeps its).
    public func trim() {
        for i in 0..<FiberPool.chunkCount {
            var chunk = chunks[i]
            if chunk.base == nil { continue }
            let cold = chunk.free & chunk.touched & ~chunk.recent
            if i > 0 && chunk.free == .max && chunk.recent == 0 {
                unmap(i)
                continue
            }
            var rest = cold
            while rest != 0 {
                let s = rest.trailingZeroBitCount
                rest &= rest &- 1
                let f = chunk.fibers! + s
                madvise(f.pointee.machine.stack, f.pointee.machine.stack_bytes, Int32(MADV_DONTNEED))
            }
            chunk.touched &= ~cold
            chunk.recent = ~chunk.free  // those in use now were used
            chunks[i] = chunk
        }
    }

    @inline(never) private func grow() -> Bool {
        guard let i = (0..<FiberPool.chunkCount).first(where: { chunks[$0].base == nil }) else { return false }
        let bytes = 64 * FiberPool.stackBytes
        let raw = mmap(nil, bytes, PROT_READ | PROT_WRITE, Int32(CS_MAP_STACK), -1, 0)
        guard cs_is_mapped(raw) != 0, let base = raw else { return false }
        madvise(base, bytes, Int32(MADV_NOHUGEPAGE))  // a huge page would make every stack resident; refused where there are none
        let fibers = Fiber.Ref.allocate(capacity: 64)
        for s in 0..<64 {
            let guardPage = base + s * FiberPool.stackBytes
            if cs_fiber_guard(guardPage, FiberPool.guardBytes) != 0 {  // too many mappings (vm.max_map_count)
                munmap(base, bytes)
                fibers.deallocate()
                return false
            }
            (fibers + s).initialize(
                to: Fiber(
                    index: Int32(i * 64 + s), stack: guardPage + FiberPool.guardBytes, bytes: FiberPool.stackBytes - FiberPool.guardBytes))
        }
        chunks[i] = Chunk(base: base, fibers: fibers, free: .max)
        open[i >> 6] |= 1 << UInt64(i & 63)
        return true
    }

    private func unmap(_ i: Int) {
        munmap(chunks[i].base, 64 * FiberPool.stackBytes)
        chunks[i].fibers?.deallocate()
        chunks[i] = Chunk()
        open[i >> 6] &= ~(1 << UInt64(i & 63))
    }
}
