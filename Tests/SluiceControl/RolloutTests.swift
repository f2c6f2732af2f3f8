// Canaries, going back and quarantine on fakes: what is published, what the store keeps, what is remembered over a restart.
import Foundation
import SluiceShared
import Testing

@testable import SluiceControl
@testable import SluiceModel

/// Counters that a test sets, by generation.
struct SetCounters: CounterSource {
    var byGeneration: [UInt64: PluginCounters]
    func snapshot(routeSlots: some Sequence<UInt32>, plugins: some Sequence<PluginSlot>) -> CounterSnapshot {
        var out = CounterSnapshot(ticksPerUs: 1000)
        for place in plugins { out.plugins[place.slot] = byGeneration[place.generation] ?? PluginCounters() }
        return out
    }

    static func counters(calls: UInt64, failures: UInt64 = 0, ticks: UInt64 = 100) -> PluginCounters {
        var out = PluginCounters()
        (out.calls[1], out.failures[1]) = (calls, failures)
        for _ in 0..<calls { out.cpu[1].add(ticks) }
        return out
    }
}

@Suite struct RolloutTests {
    private func wish(path: String? = nil, generation: UInt64? = nil, _ rollout: RolloutWish = RolloutWish()) -> LoadWish {
        var out = LoadWish()
        (out.path, out.generation, out.rollout) = (path, generation, rollout)
        return out
    }

    private func refusal<T>(_ body: () async throws -> T) async -> ChangeRefusal? {
        do { _ = try await body() } catch { return error as? ChangeRefusal }
        return nil
    }

    @Test func canaryIsPromoted() async throws {
        let bench = try await Bench(), next = try bench.write("alpha 2.0.0 access", "next.so")
        let report = try await bench.control.startCanary("alpha", wish(path: next, RolloutWish(share: 5)))
        #expect(report.plugin?.generation == 2)
        #expect(bench.master.prepared.last == "r2 one:1 [alpha@1+2]")
        #expect(await bench.control.state.canaries["alpha"]?.sharePercent == 5)
        #expect(await refusal { try await bench.control.startCanary("alpha", wish(path: next)) }?.kind == .conflict)
        #expect(await refusal { try await bench.control.load(path: next, name: nil) }?.title == "canary running")
        _ = try await bench.control.promote("alpha")
        #expect(bench.master.prepared.last == "r3 one:1 [alpha@2]")  // the same generation: nobody loads it again
        #expect(await bench.control.state.events["alpha"]?.kind == .promoted)
        #expect(await bench.control.state.probations["alpha"]?.generation == 2)
        #expect(await refusal { try await bench.control.promote("alpha") }?.title == "no canary")
        #expect(await refusal { try await bench.control.promote("beta") }?.kind == .unknown)
    }

    @Test func canaryIsRolledBack() async throws {
        let bench = try await Bench()
        _ = try await bench.control.startCanary("alpha", wish(path: try bench.write("alpha 2.0.0 access", "next.so")))
        let report = try await bench.control.rollBack("alpha", reason: "asked for")
        #expect(report.plugin?.generation == 1 && bench.master.prepared.last == "r3 one:1 [alpha@1]")
        #expect(await bench.control.state.version("alpha", 2)?.withdrawn == "asked for")
        #expect(bench.copies == ["alpha/1", "alpha/2"])
    }

    @Test func rollbackOfAReplacementBringsTheFileBack() async throws {
        let bench = try await Bench()
        _ = try await bench.control.load(path: try bench.write("alpha 2.0.0 access", "next.so"), name: nil)
        let report = try await bench.control.rollBack("alpha", reason: "asked for")
        #expect(report.plugin?.version == "1.0.0" && report.plugin?.generation == 3 && report.plugin?.restores == 1)
        #expect(bench.master.prepared.last == "r3 one:1 [alpha@3]")
        #expect(bench.copies == ["alpha/1", "alpha/2", "alpha/3"])
        // What was taken back is nothing to go back to; asked for by number it is.
        #expect(await refusal { try await bench.control.rollBack("alpha", reason: "again") }?.title == "nothing to go back to")
        #expect(try await bench.control.rollBack("alpha", to: wish(generation: 2), reason: "after all").plugin?.version == "2.0.0")
        #expect(await refusal { try await bench.control.rollBack("alpha", to: wish(generation: 77), reason: "x") }?.kind == .unknown)
    }

    @Test func aFileThatWasTakenBackIsNotReloaded() async throws {
        let bench = try await Bench()
        _ = try bench.write("alpha 1.0.1 access", "alpha.so")
        _ = try await bench.control.reload()
        _ = try await bench.control.rollBack("alpha", reason: "bad")
        _ = try await bench.control.reload()
        #expect(bench.master.prepared.last == "r4 one:1 [alpha@3]")
        _ = try await bench.control.load(path: nil, name: "alpha")  // said explicitly
        #expect(await bench.control.state.plugin("alpha")?.version == "1.0.1")
    }

    @Test func storeKeepsSoMany() async throws {
        let bench = try await Bench(Bench.configuration + "\nplugin_versions: 3\n")
        for number in 2...6 { _ = try await bench.control.load(path: try bench.write("alpha \(number).0.0 access", "next.so"), name: nil) }
        #expect(bench.copies == ["alpha/4", "alpha/5", "alpha/6"])
        #expect(await bench.control.state.versions["alpha"]?.map(\.generation) == [4, 5, 6])
    }

    @Test func errorsAndLatencyTakeBack() async throws {
        for (counters, word) in [
            (SetCounters.counters(calls: 200, failures: 21), "21 of 200 calls failed (10.5 %; allowed: 10 %)"),
            (SetCounters.counters(calls: 200, ticks: 9_000_000), "99th percentile of access is"),
        ] {
            let bench = try await Bench(), next = try bench.write("alpha 2.0.0 access", "next.so")
            let rollout = RolloutWish(share: 1, errorsMax: 10, latencyMaxMs: 5, minCalls: 100)
            _ = try await bench.control.startCanary("alpha", wish(path: next, rollout))
            await bench.control.watch(SetCounters(byGeneration: [2: .init()]))
            #expect(await bench.control.state.canaries["alpha"] != nil)
            await bench.control.watch(SetCounters(byGeneration: [2: counters]))
            #expect(await bench.control.state.canaries["alpha"] == nil)
            let event = try #require(await bench.control.state.events["alpha"])
            #expect(event.byItself && event.kind == .rolledBack && event.from == 2 && event.reason.contains(word), "\(event)")
        }
    }

    @Test func probationOfAReplacement() async throws {
        let bench = try await Bench()
        _ = try await bench.control.load(path: try bench.write("alpha 2.0.0 access", "next.so"), name: nil)
        #expect(await bench.control.state.probations["alpha"]?.generation == 2)
        await bench.control.watch(SetCounters(byGeneration: [2: SetCounters.counters(calls: 1000, failures: 400)]))
        #expect(await bench.control.state.plugin("alpha")?.generation == 2)  // 40 %: within the 50 of the configuration
        await bench.control.watch(SetCounters(byGeneration: [2: SetCounters.counters(calls: 1000, failures: 600)]))
        let now = try #require(await bench.control.state.plugin("alpha"))
        #expect(now.generation == 3 && now.restores == 1)
        #expect(await bench.control.state.probations["alpha"] == nil)  // what was brought back is not on trial
    }

    @Test func promotedByItself() async throws {
        let bench = try await Bench(), next = try bench.write("alpha 2.0.0 access", "next.so")
        _ = try await bench.control.startCanary("alpha", wish(path: next, RolloutWish(share: 1, minCalls: 10, seconds: 600)))
        let few = SetCounters(byGeneration: [2: SetCounters.counters(calls: 9)]),
            enough = SetCounters(byGeneration: [2: SetCounters.counters(calls: 10)])
        await bench.control.watch(enough)
        #expect(await bench.control.state.canaries["alpha"] != nil)  // too early
        let later = UnixTime.now + 601
        await bench.control.watch(few, at: later)
        #expect(await bench.control.state.canaries["alpha"] != nil)  // too few
        await bench.control.watch(enough, at: later)
        #expect(await bench.control.state.plugin("alpha")?.generation == 2)
    }

    @Test func oneCrashTakesBackWhatIsOnTrial() async throws {
        let bench = try await Bench()
        _ = try await bench.control.startCanary("alpha", wish(path: try bench.write("alpha 2.0.0 access", "next.so")))
        await bench.control.pluginCrashed("alpha", generation: 2, reason: "SIGSEGV at 0x0")
        #expect(bench.master.prepared.last == "r3 one:1 [alpha@1]")
        _ = try await bench.control.load(path: try bench.write("alpha 3.0.0 access", "third.so"), name: nil)
        await bench.control.pluginCrashed("alpha", generation: 3, reason: "SIGSEGV at 0x0")
        #expect(bench.master.prepared.last == "r5 one:1 [alpha@4]")
        #expect(await bench.control.state.plugin("alpha")?.version == "1.0.0")
        await bench.control.pluginCrashed("alpha", generation: 3, reason: "late news")
        #expect(bench.master.prepared.count == 4)
    }

    @Test func threeCrashesWithoutAnotherVersionLeaveTheFailureMode() async throws {
        let bench = try await Bench()
        for _ in 0..<2 { await bench.control.pluginCrashed("alpha", generation: 1, reason: "SIGSEGV at 0x0") }
        #expect(bench.master.prepared == [])
        await bench.control.pluginCrashed("alpha", generation: 1, reason: "SIGSEGV at 0x0")
        #expect(bench.master.prepared == ["r2 one:1 [alpha@1!]"])
        #expect(await bench.control.state.quarantines["alpha"]?.count == 1)
        // The same file is refused, by path and by reload; a restart does not forget.
        let refused = await refusal { try await bench.control.load(path: bench.folder + "/alpha.so", name: nil) }
        #expect(refused?.kind == .conflict && refused?.errors[0].contains("DELETE /v1/plugins/alpha/quarantine") == true)
        _ = try await bench.control.reload()
        #expect(bench.master.prepared.last == "r3 one:1 [alpha@1!]")
        let again = try await bench.control.assembler.assemble(
            await bench.control.configuration, from: await bench.control.state, keepLoaded: false)
        #expect(again.state.plugin("alpha")?.isQuarantined == true)
        // Lifted, it comes back as a generation of its own.
        _ = try await bench.control.liftQuarantine("alpha")
        #expect(bench.master.prepared.last == "r4 one:1 [alpha@2]")
        #expect(await bench.control.state.quarantines["alpha"] == nil)
        #expect(await refusal { try await bench.control.liftQuarantine("alpha") }?.kind == .unknown)
    }

    @Test func threeCrashesBringTheLastGoodOneBack() async throws {
        let bench = try await Bench(Bench.configuration + "\nplugin_probation: { seconds: 0 }\n")
        let bad = try bench.write("alpha 2.0.0 access", "next.so")
        _ = try await bench.control.load(path: bad, name: nil)
        for _ in 0..<3 { await bench.control.pluginCrashed("alpha", generation: 2, reason: "SIGABRT") }
        #expect(bench.master.prepared.last == "r3 one:1 [alpha@3]")
        let now = try #require(await bench.control.state.plugin("alpha"))
        #expect(now.version == "1.0.0" && !now.isQuarantined)
        #expect(await refusal { try await bench.control.load(path: bad, name: nil) }?.title == "plugin in quarantine")
        _ = try await bench.control.liftQuarantine("alpha")
        #expect(try await bench.control.load(path: bad, name: nil).plugin?.version == "2.0.0")
    }

    @Test func crashesCountWithinTheWindow() {
        var tally = CrashTally()
        #expect(tally.add("a@1", now: 100, seconds: 60) == 1)
        #expect(tally.add("a@1", now: 159, seconds: 60) == 2)
        #expect(tally.add("a@1", now: 160, seconds: 60) == 2)  // the first is a minute old
        #expect(tally.add("a@2", now: 160, seconds: 60) == 1)
    }

    @Test func refusedByAWorkerTheCanaryLeavesNothing() async throws {
        let bench = try await Bench(script: .init(answers: [0: "alpha: init failed"]))
        let next = try bench.write("alpha 2.0.0 access", "next.so")
        #expect(await refusal { try await bench.control.startCanary("alpha", wish(path: next)) }?.title == "refused by the workers")
        #expect(bench.copies == ["alpha/1"])
        #expect(await bench.control.state.canaries.isEmpty)
    }
}
