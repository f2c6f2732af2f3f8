// The decisions of the watch over hooks and of recycling, without processes and without a clock.
import SluiceModel
import Testing

@testable import SluiceMaster

@Suite struct HoldWatchTests {
    let bounds = HoldWatch.Bounds(warnMs: 200, maxMs: 2_000)
    func sight(_ tick: UInt64 = 7, plugin: UInt64 = 3, phase: UInt64 = 1, samples: UInt64 = 0) -> HoldWatch.Sight {
        HoldWatch.Sight(plugin: plugin, enteredTick: tick, phase: phase, samples: samples)
    }
    /// Looks every `every` ms from `from` to `to`; everything but `.none`, with its time. A sample is answered at once.
    func watch(_ watch: inout HoldWatch, _ from: UInt64, _ to: UInt64, every: UInt64 = 50, answers: Bool = true, phase: UInt64 = 1)
        -> [(UInt64, HoldWatch.Step)]
    {
        var out: [(UInt64, HoldWatch.Step)] = [], samples: UInt64 = 0
        for now in stride(from: from, through: to, by: Int(every)) {
            let step = watch.look(sight(phase: phase, samples: samples), nowMs: now, bounds: bounds)
            if step == .none { continue }
            out.append((now, step))
            if step == .sample && answers { samples += 1 }
        }
        return out
    }

    @Test func shortHooksAreNobodysBusiness() {
        var w = HoldWatch()
        for now in stride(from: UInt64(0), through: 10_000, by: 100) {
            #expect(w.look(sight(now), nowMs: now, bounds: bounds) == .none)
        }
        #expect(w.look(sight(1, plugin: 0), nowMs: 10_100, bounds: bounds) == .none)
    }

    @Test func warnedSampledThenEnded() {
        var w = HoldWatch()
        let steps = watch(&w, 1_000, 4_000)
        #expect(steps.map(\.1) == [.sample, .warn(heldMs: 250), .sample, .kill(heldMs: 2_050)])
        #expect(steps.map(\.0) == [1_200, 1_250, 3_000, 3_050])
    }

    @Test func whoDoesNotAnswerIsEndedToo() {
        var w = HoldWatch()
        let steps = watch(&w, 0, 4_000, answers: false)
        #expect(steps.count == 4 && steps.last?.1 == .kill(heldMs: 2_050))
    }

    @Test func aSleepingMachineIsNotAHeldWorker() {
        var w = HoldWatch()
        _ = w.look(sight(), nowMs: 0, bounds: bounds)
        #expect(w.look(sight(), nowMs: 3_600_000, bounds: bounds) == .sample)  // counts as two looks: 200 ms
        #expect(w.look(sight(samples: 1), nowMs: 3_600_050, bounds: bounds) == .warn(heldMs: 250))
    }

    @Test func startOfAPluginMayTakeLonger() {
        var w = HoldWatch()
        #expect(watch(&w, 0, 4_900, phase: 10).isEmpty)
        #expect(watch(&w, 4_950, 6_000, phase: 10).map(\.1) == [.sample, .kill(heldMs: 5_050)])
    }

    @Test func zeroMeansNever() {
        var w = HoldWatch()
        let off = HoldWatch.Bounds(warnMs: 0, maxMs: 0)
        #expect(off.lookMs == .max)
        for now in stride(from: UInt64(0), through: 60_000, by: 500) { #expect(w.look(sight(), nowMs: now, bounds: off) == .none) }
        #expect(HoldWatch.Bounds(warnMs: 0, maxMs: 100).lookMs == 50 && HoldWatch.Bounds(warnMs: 4, maxMs: 100).lookMs == 10)
    }

    @Test func warningsAreRare() {
        var w = HoldWatch(), warnings = 0
        for call in 0..<20 {  // each hook holds the worker for 300 ms
            for look in 0..<6 {
                let now = UInt64(call * 300 + look * 50)
                if case .warn = w.look(sight(UInt64(call + 1), samples: UInt64(call * 2)), nowMs: now, bounds: bounds) { warnings += 1 }
            }
        }
        #expect(warnings == 2)  // 6 s, at most one in 5 s
    }
}

@Suite struct RecyclePlanTests {
    @Test func oneAfterTheOther() {
        var plan = RecyclePlan(workers: 2)
        #expect(plan.next(isQuiet: true) == nil && plan.ask() && !plan.ask())
        for i in 0..<2 {
            #expect(plan.next(isQuiet: false) == nil)
            #expect(plan.next(isQuiet: true) == i)
            #expect(plan.next(isQuiet: true) == nil)
            plan.served()
            #expect(plan.state == .draining(i))
            #expect(plan.left() == (i == 1))
        }
        #expect(plan.state == .idle && plan.ask())
    }

    @Test func failuresAreTriedAgainAFewTimes() {
        var plan = RecyclePlan(workers: 1)
        _ = plan.ask()
        for attempt in 1...RecyclePlan.attemptsMax {
            #expect(plan.next(isQuiet: true) == 0)
            #expect(plan.failed() == (attempt < RecyclePlan.attemptsMax))
        }
        #expect(plan.state == .idle)
    }
}
