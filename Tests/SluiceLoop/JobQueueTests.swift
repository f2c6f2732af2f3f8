// Jobs posted by other threads reach the loop once each, in order per thread, and wake it.
import Glibc
import Testing

@testable import SluiceLoop

private nonisolated(unsafe) var ran: [Int] = []

@Suite(.serialized) struct JobQueueTests {
    @Test func runsInOrderAndSignals() {
        ran = []
        let queue = JobQueue()
        var p = pollfd(fd: queue.descriptor, events: Int16(POLLIN), revents: 0)
        #expect(poll(&p, 1, 0) == 0)
        let jobs = UnsafeMutablePointer<PostedJob>.allocate(capacity: 3)
        defer { jobs.deallocate() }
        for i in 0..<3 {
            (jobs + i).initialize(
                to: PostedJob(argument: UnsafeMutableRawPointer(bitPattern: i + 1)) { a in ran.append(Int(bitPattern: a)) })
            queue.post(jobs + i)
        }
        #expect(poll(&p, 1, 0) == 1)
        #expect(queue.drain() == 3)
        #expect(ran == [1, 2, 3])
        #expect(poll(&p, 1, 0) == 0)
        #expect(queue.drain() == 0)
    }

    @Test func manyThreadsLoseNothing() {
        ran = []
        let perThread = 2_000
        final class Shared: @unchecked Sendable {
            let queue = JobQueue()
            let jobs = UnsafeMutablePointer<PostedJob>.allocate(capacity: 4 * 2_000)
        }
        let shared = Shared()
        var threads: [pthread_t] = []
        for t in 0..<4 {
            final class Start { let shared: Shared; let t: Int; init(_ s: Shared, _ t: Int) { shared = s; self.t = t } }
            var id = pthread_t()
            let arg = Unmanaged.passRetained(Start(shared, t)).toOpaque()
            pthread_create(
                &id, nil,
                { raw in
                    let s = Unmanaged<Start>.fromOpaque(raw!).takeRetainedValue()
                    for i in 0..<2_000 {
                        let n = s.t * 2_000 + i
                        (s.shared.jobs + n).initialize(
                            to: PostedJob(argument: UnsafeMutableRawPointer(bitPattern: n + 1)) { a in ran.append(Int(bitPattern: a)) })
                        s.shared.queue.post(s.shared.jobs + n)
                    }
                    return nil
                }, arg)
            threads.append(id)
        }
        var total = 0
        let deadline = time(nil) + 20
        while total < 4 * perThread && time(nil) < deadline { total += shared.queue.drain() }
        for t in threads { pthread_join(t, nil) }
        total += shared.queue.drain()
        #expect(total == 4 * perThread)
        #expect(Set(ran).count == 4 * perThread)
        for t in 0..<4 {
            let own = ran.filter { ($0 - 1) / perThread == t }
            #expect(own == own.sorted(), "jobs of one thread keep their order")
        }
        shared.jobs.deallocate()
    }
}
