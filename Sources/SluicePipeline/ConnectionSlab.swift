// All connections of a worker in one reserved stretch of memory, allocated lowest index first so that the used part stays
// dense, and given back to the system in runs of 64 when they have all closed.
import CSluiceSys

/// ```
///  [64 connections][64 connections]…        reserved for connectionsMax, touched when used
///   used bit map: one word a run; `open` has a bit for each run with a free place
/// ```
struct ConnectionSlab: ~Copyable {
    let base: Conn
    let limit: Int
    private let used: UnsafeMutablePointer<UInt64>
    private let open: UnsafeMutablePointer<UInt64>
    /// Runs that emptied and still hold memory.
    private let stale: UnsafeMutablePointer<UInt64>
    private let runs: Int
    private(set) var count = 0
    /// One more than the highest index ever used.
    private(set) var high = 0
    private var nextGeneration: UInt32 = 1
    private var firstOpenWord = 0

    init(limit wanted: Int) {
        runs = (wanted + 63) / 64
        limit = runs * 64
        let bytes = limit * MemoryLayout<Connection>.stride
        let p = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        precondition(cs_is_mapped(p) != 0, "cannot reserve \(bytes) bytes for connections")
        base = p!.bindMemory(to: Connection.self, capacity: limit)
        used = .allocate(capacity: runs)
        used.initialize(repeating: 0, count: runs)
        let words = (runs + 63) / 64
        open = .allocate(capacity: words)
        stale = .allocate(capacity: words)
        open.initialize(repeating: 0, count: words)
        stale.initialize(repeating: 0, count: words)
        for r in 0..<runs { open[r >> 6] |= 1 << UInt64(r & 63) }
    }
    deinit {
        munmap(base, limit * MemoryLayout<Connection>.stride)
        used.deallocate()
        open.deallocate()
        stale.deallocate()
    }

    @inline(__always) subscript(_ i: Int32) -> Conn { base + Int(i) }

    /// A fresh connection with a generation of its own, or nil when the limit is reached.
    mutating func take() -> Conn? {
        var w = firstOpenWord
        let words = (runs + 63) / 64
        while w < words && open[w] == 0 { w += 1 }
        firstOpenWord = w
        if w == words { return nil }
        let r = w * 64 + open[w].trailingZeroBitCount
        let bit = (~used[r]).trailingZeroBitCount
        used[r] |= 1 << UInt64(bit)
        if used[r] == .max { open[w] &= ~(1 << UInt64(r & 63)) }
        let c = base + (r * 64 + bit)
        c.initialize(to: Connection())
        c.pointee.index = UInt32(truncatingIfNeeded: r * 64 + bit)
        c.pointee.generation = nextGeneration
        nextGeneration = nextGeneration == .max ? 1 : nextGeneration + 1
        count += 1
        high = max(high, r * 64 + bit + 1)
        return c
    }

    mutating func give(_ c: Conn) {
        let i = Int(c.pointee.index), r = i >> 6
        c.pointee.state = .free
        c.pointee.generation = 0
        used[r] &= ~(1 << UInt64(i & 63))
        open[r >> 6] |= 1 << UInt64(r & 63)
        if r >> 6 < firstOpenWord { firstOpenWord = r >> 6 }
        if used[r] == 0 { stale[r >> 6] |= 1 << UInt64(r & 63) }
        count -= 1
    }

    /// Returns the memory of runs without a connection; from a timer.
    mutating func trim() {
        let bytes = 64 * MemoryLayout<Connection>.stride  // whole pages: the stride is a multiple of 64
        for w in 0..<(runs + 63) / 64 where stale[w] != 0 {
            var bits = stale[w]
            stale[w] = 0
            while bits != 0 {
                let r = w * 64 + bits.trailingZeroBitCount
                bits &= bits - 1
                if used[r] == 0 { madvise(UnsafeMutableRawPointer(base) + r * bytes, bytes, MADV_DONTNEED) }
            }
        }
    }
}
