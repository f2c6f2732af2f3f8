// Arena and block pool: alignment, bounds, reuse, and giving memory back.
import Testing

@testable import SluiceBytes

@Suite struct ArenaTests {
    func withPool(_ body: (UnsafeMutablePointer<BlockPool>) -> Void) {
        let pool = UnsafeMutablePointer<BlockPool>.allocate(capacity: 1)
        pool.initialize(to: BlockPool(blockSize: 4096))
        body(pool)
        pool.pointee.trim()
        pool.pointee.trim()
        #expect(pool.pointee.liveCount == 0 && pool.pointee.freeCount == 0)
        pool.deallocate()
    }

    @Test func alignedAndDistinct() {
        withPool { pool in
            var arena = Arena(pool: pool)
            var seen: [(Int, Int)] = []
            for n in [1, 15, 16, 17, 100, 4_000, 5_000, 60_000, 0, 3] {
                let p = arena.allocate(n)
                #expect(p != nil)
                let a = Int(bitPattern: p)
                #expect(a % 16 == 0)
                for (start, count) in seen { #expect(a + n <= start || a >= start + count, "overlap") }
                if n > 0 {
                    p!.update(repeating: 0xab, count: n)
                    seen.append((a, n))
                }
            }
            arena.reset()
            #expect(pool.pointee.liveCount == 0)
        }
    }

    @Test func bounded() {
        withPool { pool in
            var arena = Arena(pool: pool)
            #expect(arena.allocate(Arena.bytesMax + 1) == nil)
            #expect(arena.allocate(-1) == nil)
            var total = 0
            while arena.allocate(1000) != nil { total += 1008 }
            #expect(total <= Arena.bytesMax && total > Arena.bytesMax - 2000)
            arena.reset()
            #expect(arena.allocate(1000) != nil)
            arena.reset()
        }
    }

    @Test func poolKeepsThePeakOfTheLastPeriod() {
        var pool = BlockPool(blockSize: 65_536)
        let blocks = (0..<10).map { _ in pool.take() }
        for b in blocks { pool.give(b) }
        pool.trim()
        #expect(pool.freeCount == 10, "what was in use a moment ago stays")
        let one = pool.take()
        pool.give(one)
        pool.trim()
        #expect(pool.freeCount == 1, "what was not needed for a period goes back")
        pool.trim()
        #expect(pool.freeCount == 0)
    }
}
