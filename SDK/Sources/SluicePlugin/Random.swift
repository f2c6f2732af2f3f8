// Random bytes for identifiers and tokens: from the kernel, fetched a few kilobytes at a time.
import CSluiceSwift

/// Not to be shared between threads; keep one per plugin instance.
public final class SecureRandom {
    private let pool: UnsafeMutablePointer<UInt8>
    private let size = 4_096
    private var used = 4_096

    public init() { pool = .allocate(capacity: size) }
    deinit { pool.deallocate() }

    /// Writes `count` (0...4096) bytes that nobody can guess and nobody gets twice.
    public func fill(_ out: UnsafeMutablePointer<UInt8>, _ count: Int) {
        precondition(count >= 0 && count <= size)
        if used + count > size { refill() }
        out.update(from: pool + used, count: count)
        (pool + used).update(repeating: 0, count: count)
        used += count
    }

    private func refill() {
        var have = 0
        while have < size {
            let n = sluice_swift_random(pool + have, UInt64(size - have))
            if n > 0 { have += Int(n) }  // a negative result is a signal during boot; there is nothing to do but to ask again
        }
        used = 0
    }
}
