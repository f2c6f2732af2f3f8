// The wheel against a plain sorted list: whatever is armed, moved or cancelled, exactly the due timers come out, never early.
import Testing

@testable import SluiceLoop

/// A small deterministic generator, so that a failure can be repeated.
struct Seeded: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}

@Suite struct TimerWheelTests {
    @Test func firesInTimeAndNeverEarly() {
        var wheel = TimerWheel(nowMs: 5)
        let nodes = UnsafeMutablePointer<TimerNode>.allocate(capacity: 3)
        nodes.initialize(repeating: TimerNode(), count: 3)
        defer { nodes.deallocate() }
        wheel.arm(nodes, 100)
        wheel.arm(nodes + 1, 50_000)
        wheel.arm(nodes + 2, 4_000_000)
        #expect(wheel.popExpired(nowMs: 99) == nil)
        #expect(wheel.popExpired(nowMs: 100) == nodes)
        #expect(wheel.popExpired(nowMs: 49_999) == nil)
        #expect(wheel.popExpired(nowMs: 50_000) == nodes + 1)
        #expect(wheel.popExpired(nowMs: 3_999_999) == nil)
        #expect(wheel.popExpired(nowMs: 4_000_100) == nodes + 2)
        #expect(wheel.waitMs(nowMs: 4_000_100) == -1)
    }

    @Test func waitNeverSleepsPastADeadline() {
        for deadline in [UInt64(11), 640, 641, 1_000, 39_999, 41_000, 2_600_000, 9_000_000] {
            var wheel = TimerWheel(nowMs: 0)
            let n = UnsafeMutablePointer<TimerNode>.allocate(capacity: 1)
            n.initialize(to: TimerNode())
            wheel.arm(n, deadline)
            var now: UInt64 = 0, turns = 0
            while wheel.popExpired(nowMs: now) == nil {
                let w = wheel.waitMs(nowMs: now)
                #expect(w >= 0, "an armed wheel must name a wait")
                now += UInt64(max(1, w))
                turns += 1
                if turns > 2_000 { break }
            }
            #expect(now >= deadline && now < deadline + 20, "deadline \(deadline) fired at \(now)")
            n.deallocate()
        }
    }

    @Test(arguments: [1, 7, 42, 99, 12345] as [UInt64])
    func agreesWithASortedList(seed: UInt64) {
        var random = Seeded(state: seed)
        let count = 200
        let nodes = UnsafeMutablePointer<TimerNode>.allocate(capacity: count)
        nodes.initialize(repeating: TimerNode(), count: count)
        defer { nodes.deallocate() }
        var wheel = TimerWheel(nowMs: 1_000)
        var model: [Int: UInt64] = [:]
        var now: UInt64 = 1_000
        for _ in 0..<20_000 {
            let i = Int(random.next() % UInt64(count))
            switch random.next() % 8 {
            case 0...3:
                let spans: [UInt64] = [50, 700, 60_000, 3_000_000, 20]
                let d = now + 1 + random.next() % spans[Int(random.next() % 5)]
                wheel.arm(nodes + i, d)
                model[i] = d
            case 4:
                wheel.cancel(nodes + i)
                model[i] = nil
            default:
                now += random.next() % (random.next() % 50 == 0 ? 100_000 : 40)
                var fired: Set<Int> = []
                while let n = wheel.popExpired(nowMs: now) { fired.insert(n - nodes) }
                for f in fired {
                    #expect(model[f].map { $0 <= now } == true, "timer \(f) fired early or unarmed")
                    model[f] = nil
                }
                // The wheel counts in ticks of 10 ms: what is overdue by a whole tick must be out.
                for (k, d) in model { #expect(d + 10 > now, "timer \(k) due at \(d) was not fired at \(now)") }
            }
        }
    }
}
