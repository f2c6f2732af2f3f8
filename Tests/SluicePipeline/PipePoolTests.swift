// Pipes are handed out last in, first out, bounded in number, and closed when they are dirty or were not used for a while.
import Glibc
import Testing

@testable import SluicePipeline

@Suite struct PipePoolTests {
    @Test func boundedAndLastInFirstOut() {
        var pool = PipePool()
        var all: [Int32] = []
        while true {
            let s = pool.take()
            if s < 0 { break }
            all.append(s)
        }
        #expect(all == Array(0..<Int32(PipePool.slotsMax)))
        #expect(pool.openCount == PipePool.slotsMax)
        pool.give(all[5], clean: true)
        pool.give(all[9], clean: true)
        #expect(pool.take() == all[9])
        #expect(pool.take() == all[5])
        #expect(pool.take() == -1)
    }

    @Test func aDirtyPipeIsClosedAndItsSlotOpensAnother() {
        var pool = PipePool()
        let s = pool.take()
        #expect(write(pool.writeEnd(s), "x", 1) == 1)
        pool.give(s, clean: false)
        #expect(pool.openCount == 0)
        #expect(pool.take() == s)
        var byte: UInt8 = 0
        #expect(read(pool.readEnd(s), &byte, 1) == -1 && errno == EAGAIN, "the new pipe is empty and does not block")
    }

    @Test func unusedPipesAreClosedAndUsedOnesStay() {
        var pool = PipePool()
        let busy = pool.take()
        let often = pool.take()
        let rare = pool.take()
        pool.give(rare, clean: true)
        pool.give(often, clean: true)
        let ends = (pool.readEnd(rare), pool.writeEnd(rare))
        for _ in 0...PipePool.idleTrimsMax {
            #expect(pool.take() == often)
            pool.give(often, clean: true)
            pool.trim()
        }
        #expect(pool.openCount == 2)
        #expect(fcntl(ends.0, F_GETFD) == -1 && fcntl(ends.1, F_GETFD) == -1, "both ends of the unused pipe are closed")
        #expect(pool.readEnd(busy) >= 0 && pool.readEnd(often) >= 0)
    }
}
