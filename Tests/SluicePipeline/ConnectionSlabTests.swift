// The slab hands out dense, fresh places and gives memory back.
import Glibc
import Testing

@testable import SluicePipeline

@Suite struct ConnectionSlabTests {
    @Test func takesLowestPlacesAndRefusesPastTheLimit() {
        var slab = ConnectionSlab(limit: 128)
        var all: [Conn] = []
        while let c = slab.take() { all.append(c) }
        #expect(all.count == 128)
        #expect(all.map { $0.pointee.index } == Array(0..<128))
        #expect(Set(all.map { $0.pointee.generation }).count == 128)
        slab.give(all[70])
        slab.give(all[3])
        let again = slab.take()
        #expect(again == all[3])
        #expect(again.map { $0.pointee.generation } != 4, "a new user of a place has a new generation")
        #expect(slab.take() == all[70])
        #expect(slab.take() == nil)
    }

    @Test func aConnectionIsSmall() {
        // 64 of them must fill whole pages, and the idle budget is 400 bytes a connection.
        #expect(MemoryLayout<Connection>.stride % 64 == 0)
        #expect(MemoryLayout<Connection>.stride <= 256)
    }

    @Test func emptyRunsReturnTheirMemory() {
        var slab = ConnectionSlab(limit: 64 * 64)
        var all: [Conn] = []
        while let c = slab.take() { all.append(c) }
        for c in all.reversed() { slab.give(c) }
        slab.trim()
        var resident = [UInt8](repeating: 0, count: 64 * 64 * MemoryLayout<Connection>.stride / 4096)
        #expect(mincore(UnsafeMutableRawPointer(slab.base), 64 * 64 * MemoryLayout<Connection>.stride, &resident) == 0)
        #expect(resident.filter { $0 & 1 != 0 }.isEmpty)
        #expect(slab.take()?.pointee.index == 0)
    }
}
