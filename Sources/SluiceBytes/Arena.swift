// Bump allocation that lives as long as one request and is released at once. Plugins and header edits allocate here.
import CSluiceSys

/// ```
///  current ─► [next│········used│free······]   pooled blocks of `BlockPool.blockSize`
///  large   ─► [next│bytes]──►[next│bytes]      single allocations that do not fit a block
/// ```
/// Plain data; the owner calls `reset` before it forgets the arena. Returned memory is 16-byte aligned.
@frozen public struct Arena {
    @usableFromInline var cursor: UnsafeMutableRawPointer?
    @usableFromInline var limit: UnsafeMutableRawPointer?
    @usableFromInline var blocks: UnsafeMutableRawPointer?
    @usableFromInline var large: UnsafeMutableRawPointer?
    /// Bytes handed out since the last reset, to enforce a bound per request.
    public private(set) var used = 0
    /// Where blocks come from; must outlive the arena.
    @usableFromInline let pool: UnsafeMutablePointer<BlockPool>

    public init(pool: UnsafeMutablePointer<BlockPool>) { self.pool = pool }

    /// `n` bytes, uninitialised; nil when the request's total would pass `Arena.bytesMax`.
    public mutating func allocate(_ n: Int) -> UnsafeMutablePointer<UInt8>? {
        let size = (n &+ 15) & ~15
        if n < 0 || used &+ size > Arena.bytesMax { return nil }
        if let c = cursor, let l = limit, l - c >= size {
            cursor = c + size
            used &+= size
            return c.assumingMemoryBound(to: UInt8.self)
        }
        return grow(size)
    }

    /// A copy of `v` in the arena.
    public mutating func copy(_ v: ByteView) -> ByteView? {
        guard let p = allocate(v.count) else { return nil }
        memcpy(p, v.start, v.count)
        return ByteView(p, v.count)
    }

    @inline(never) mutating func grow(_ size: Int) -> UnsafeMutablePointer<UInt8>? {
        used &+= size
        if size > pool.pointee.blockSize - 16 {
            let b = UnsafeMutableRawPointer.allocate(byteCount: size + 16, alignment: 16)  // rare: one value larger than a block
            b.storeBytes(of: large, as: UnsafeMutableRawPointer?.self)
            large = b
            return (b + 16).assumingMemoryBound(to: UInt8.self)
        }
        let b = pool.pointee.take()
        b.storeBytes(of: blocks, as: UnsafeMutableRawPointer?.self)
        blocks = b
        cursor = b + 16 + size
        limit = b + pool.pointee.blockSize
        return (b + 16).assumingMemoryBound(to: UInt8.self)
    }

    /// Gives every block back; all memory handed out is invalid afterwards.
    @inline(__always) public mutating func reset() {
        if blocks == nil && large == nil { return }
        release()
    }

    @inline(never) mutating func release() {
        while let b = blocks {
            blocks = b.load(as: UnsafeMutableRawPointer?.self)
            pool.pointee.give(b)
        }
        while let b = large {
            large = b.load(as: UnsafeMutableRawPointer?.self)
            b.deallocate()
        }
        cursor = nil
        limit = nil
        used = 0
    }

    /// Most bytes one request may allocate (1 MiB).
    public static let bytesMax = 1 << 20
}
