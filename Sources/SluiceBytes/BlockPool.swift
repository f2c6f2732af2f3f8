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

    public init(blockSize: Int) {
        precondition(blockSize >= 64)
        self.blockSize = blockSize
    }

    /// A block of `blockSize` bytes with unspecified contents.
    @inline(__always) public mutating func take() -> UnsafeMutableRawPointer {
        liveCount &+= 1
        guard let b = free else { return UnsafeMutableRawPointer.allocate(byteCount: blockSize, alignment: 64) }  // only while the pool grows to its peak
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

    /// Frees free blocks until at most `keep` remain; called from a timer, never per request.
    public mutating func trim(keep: Int) {
        while freeCount > keep, let b = free {
            free = b.load(as: UnsafeMutableRawPointer?.self)
            freeCount -= 1
            b.deallocate()
        }
    }
}
