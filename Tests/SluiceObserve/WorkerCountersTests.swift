// Counting: the right words move, the bucket search agrees with a plain one, slots out of range do no harm.
import SluiceObserve
import SluiceShared
import SluiceSystem
import Testing

@Suite struct WorkerCountersTests {
    @Test func requestsAreCountedOnce() throws {
        let memory = try SharedMemory.create(workers: 1)
        defer { memory.unmap(); Descriptor.close(memory.fd) }
        let block = memory.worker(0)
        let c = WorkerCounters(block)
        c.accepted()
        c.requestStarted()
        #expect(block.head.pointee.requestsActive == 1)
        c.requestDone(slot: 5, status: 204, durationUs: 120, bytesIn: 10, bytesOut: 20)
        let head = block.head.pointee
        #expect(head.accepted == 1 && head.clientConnections == 1 && head.requests == 1 && head.requestsActive == 0)
        #expect(head.bytesIn == 10 && head.bytesOut == 20 && head.latencySumUs == 120 && head.latency[2] == 1)
        let route = block.routes[5]
        #expect(route.byClass[1] == 1 && route.durationSumUs == 120 && route.bytesIn == 10 && route.bytesOut == 20)
    }

    @Test func oddStatusAndSlotDoNoHarm() throws {
        let memory = try SharedMemory.create(workers: 1)
        defer { memory.unmap(); Descriptor.close(memory.fd) }
        let block = memory.worker(0)
        let c = WorkerCounters(block)
        for status: UInt16 in [0, 99, 600, .max] { c.requestDone(slot: .max, status: status, durationUs: .max, bytesIn: 0, bytesOut: 0) }
        #expect(block.routes[0].byClass[4] == 4 && block.head.pointee.latency[31] == 4)
        for status: UInt16 in [100, 301, 404, 599] { c.requestDone(slot: 1, status: status, durationUs: 0, bytesIn: 0, bytesOut: 0) }
        #expect((0..<5).map { block.routes[1].byClass[$0] } == [1, 0, 1, 1, 1])
    }

    @Test func bucketsAgreeWithAPlainSearch() throws {
        let memory = try SharedMemory.create(workers: 1)
        defer { memory.unmap(); Descriptor.close(memory.fd) }
        let c = WorkerCounters(memory.worker(0))
        for bound in Latency.boundsUs + [0, .max] {
            for us in [bound &- 1, bound, bound &+ 1] {
                #expect(c.bucket(us) == Latency.boundsUs.firstIndex { us <= $0 } ?? 31)
            }
        }
    }

    @Test func aSuccessorKeepsCountsAndClearsGauges() throws {
        let memory = try SharedMemory.create(workers: 1)
        defer { memory.unmap(); Descriptor.close(memory.fd) }
        let block = memory.worker(0)
        let c = WorkerCounters(block)
        c.accepted()
        c.requestStarted()
        c.upstreamOpened()
        block.generations[3].references = 2
        c.adopt(pid: 99, revision: 4)
        #expect(block.head.pointee.accepted == 1 && block.head.pointee.pid == 99 && block.head.pointee.revision == 4)
        #expect(
            block.head.pointee.clientConnections == 0 && block.head.pointee.requestsActive == 0
                && block.head.pointee.upstreamConnections == 0)
        #expect(block.generations[3].references == 0)
    }
}
