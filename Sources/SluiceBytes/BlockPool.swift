// LIFO pools of equal memory blocks for one thread. A block is held only while bytes are in flight, so the pool stays
// as small as the peak of simultaneous use; `trim` gives the rest back. Arenas and I/O buffers both come from here.
import CSluiceSys

/// Blocks of one size, 64-byte aligned, linked through their first word while free. Not thread-safe: one worker, one pool.
@frozen public struct BlockPool {
    public let blockSize: Int
    @usableFromInline var free: UnsafeMutableRawPointer?
    /// Blocks on the free list and blocks handed out.
    public private(set) var freeCount = 0
    public private(set) var liveCount = 0
    /// Most blocks out at once since the last trim.
    var peak = 0

    public init(blockSize: Int) {
        precondition(blockSize >= 64)
        self.blockSize = blockSize
    }

    /// A block of `blockSize` bytes with unspecified contents.
    @inline(__always) public mutating func take() -> UnsafeMutableRawPointer {
        liveCount &+= 1
        if liveCount > peak { peak = liveCount }
        guard let b = free else { return make() }
        free = b.load(as: UnsafeMutableRawPointer?.self)
        freeCount &-= 1
        return b
    }

    @inline(__always) public mutating func give(_ b: UnsafeMutableRawPointer) {
        b.storeBytes(of: free, as: UnsafeMutableRawPointer?.self)
        free = b
        freeCount &+= 1
        liveCount &-= 1
    }

    /// Gives back what was not needed since the last trim; called from a timer, never per request.
    public mutating func trim() {
        let keep = peak - liveCount
        while freeCount > keep, let b = free {
            free = b.load(as: UnsafeMutableRawPointer?.self)
            freeCount -= 1
            if isMapped { munmap(b, blockSize) } else { b.deallocate() }
        }
        peak = liveCount
    }

    /// Only while the pool grows to its peak. Large blocks are mapped, so that a trim returns them to the system.
    @inline(never) func make() -> UnsafeMutableRawPointer {
        if !isMapped { return UnsafeMutableRawPointer.allocate(byteCount: blockSize, alignment: 64) }
        let p = mmap(nil, blockSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        precondition(cs_is_mapped(p) != 0, "out of memory: mmap of \(blockSize) bytes failed")
        return p!
    }
    @inline(__always) var isMapped: Bool { blockSize >= 16_384 }
}
