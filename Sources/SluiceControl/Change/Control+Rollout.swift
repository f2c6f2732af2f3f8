// Trying a generation on a share of the requests, taking it for all of them, and going back: by hand, or because it broke its
// budget. A generation that comes back is a new one with the file of the old: no path is ever loaded twice.
import Foundation
import SluiceModel
import SluiceShared

enum UnixTime {
    static var now: UInt64 { UInt64(Date().timeIntervalSince1970) }
    static var nowMs: UInt64 { UInt64(Date().timeIntervalSince1970 * 1000) }
}

extension Control {
    /// A second generation of `name` takes `share` percent of the requests.
    func startCanary(_ name: String, _ wish: LoadWish) async throws(ChangeRefusal) -> ChangeReport {
        try await alone { () async throws(ChangeRefusal) in try await self.canaryAlone(name, wish) }
    }

    /// The canary takes all requests.
    func promote(_ name: String, byItself: Bool = false) async throws(ChangeRefusal) -> ChangeReport {
        try await alone { () async throws(ChangeRefusal) in try await self.promoteAlone(name, byItself: byItself) }
    }

    /// Ends the canary; or, without one, goes back to generation `to` of the store (nil = the previous good one).
    /// - Parameter onlyFrom: nothing is done unless this generation still runs (it was judged, and a person may have been faster).
    func rollBack(_ name: String, to: LoadWish = LoadWish(), reason: String, onlyFrom: UInt64? = nil) async throws(ChangeRefusal)
        -> ChangeReport
    {
        try await alone { () async throws(ChangeRefusal) in
            try await self.rollBackAlone(name, to: to, reason: reason, onlyFrom: onlyFrom)
        }
    }

    private func serving(_ name: String) throws(ChangeRefusal) -> LoadedPlugin {
        if let plugin = state.plugin(name) { return plugin }
        throw ChangeRefusal(kind: .unknown, title: "no such plugin", errors: [])
    }

    private func canaryAlone(_ name: String, _ wish: LoadWish) async throws(ChangeRefusal) -> ChangeReport {
        let stable = try serving(name)
        if let canary = state.canaries[name] {
            throw ChangeRefusal(
                kind: .conflict, title: "canary running",
                errors: ["\(canary.plugin.label) runs as a canary; promote it or roll it back first"])
        }
        guard !stable.isQuarantined else {
            throw ChangeRefusal(
                kind: .conflict, title: "plugin in quarantine",
                errors: ["\(stable.label) serves its failure mode; load the other generation"])
        }
        var named = wish
        named.name = name
        var next = state
        let plugin = try await admit(try await stage(named), named, &next)
        let now = UnixTime.now, rollout = wish.rollout
        let canary = Canary(
            plugin: plugin, sharePercent: rollout.share ?? 1, budget: budget(rollout), startedAt: now,
            promoteAt: rollout.seconds.map { now + UInt64($0) })
        next.canaries[name] = canary
        var report = try await change(to: next, title: "plugin refused", copies: [plugin.copyPath])
        report.plugin = plugin
        audit(plugin, "takes \(canary.sharePercent) % of the requests of \(stable.label),")
        return report
    }

    private func promoteAlone(_ name: String, byItself: Bool) async throws(ChangeRefusal) -> ChangeReport {
        let stable = try serving(name)
        guard let canary = state.canaries[name] else {
            throw ChangeRefusal(kind: .conflict, title: "no canary", errors: ["\(name) has no canary; start one first"])
        }
        var next = state
        next.canaries[name] = nil
        next.serve(canary.plugin)
        next.events[name] = RolloutEvent(
            kind: .promoted, at: UnixTime.now, from: stable.generation, to: canary.plugin.generation,
            reason: byItself ? "within its budget to the end" : "asked for", byItself: byItself)
        if configuration.pluginProbation.seconds > 0 {
            let until = UnixTime.now + UInt64(configuration.pluginProbation.seconds)
            next.probations[name] = Probation(generation: canary.plugin.generation, budget: canary.budget, until: until)
        }
        var report = try await change(to: next, title: "canary not promoted", copies: [])
        report.plugin = canary.plugin
        ControlLog.write(.notice, "plugin \(canary.plugin.label) promoted in the place of \(stable.label)")
        return report
    }

    private func rollBackAlone(_ name: String, to: LoadWish, reason: String, onlyFrom: UInt64?) async throws(ChangeRefusal) -> ChangeReport
    {
        let stable = try serving(name), byItself = onlyFrom != nil
        if let canary = state.canaries[name], to.generation == nil, to.version == nil,
            onlyFrom == nil || onlyFrom == canary.plugin.generation
        {
            var next = state
            next.canaries[name] = nil
            next.withdraw(name, canary.plugin.generation, reason)
            next.events[name] = RolloutEvent(
                kind: .rolledBack, at: UnixTime.now, from: canary.plugin.generation, to: stable.generation, reason: reason,
                byItself: byItself)
            var report = try await change(to: next, title: "canary not rolled back", copies: [])
            report.plugin = stable
            ControlLog.write(byItself ? .warn : .notice, "plugin \(canary.plugin.label) rolled back to \(stable.label): \(reason)")
            return report
        }
        if let onlyFrom, onlyFrom != stable.generation {
            throw ChangeRefusal(kind: .conflict, title: "not rolled back", errors: ["generation \(onlyFrom) no longer runs"])
        }
        var wish = to
        wish.name = name
        if wish.generation == nil, wish.version == nil { wish.generation = state.previousGood(name)?.generation }
        guard wish.generation != nil || wish.version != nil else {
            throw ChangeRefusal(
                kind: .conflict, title: "nothing to go back to",
                errors: ["the store has no other good generation of \(name) before \(stable.generation)"])
        }
        return try await restore(try kept(wish), in: stable, kind: .rolledBack, reason: reason, byItself: byItself)
    }

    /// The file of `old` serves again, as a new generation, in the place of `stable`.
    func restore(_ old: LoadedPlugin, in stable: LoadedPlugin, kind: RolloutEvent.Kind, reason: String, byItself: Bool)
        async throws(ChangeRefusal) -> ChangeReport
    {
        let name = stable.name
        var wish = LoadWish()
        (wish.name, wish.generation) = (name, old.generation)
        var next = state
        let plugin = try await admit(try await stage(wish), wish, &next)
        next.serve(plugin)
        if kind == .rolledBack { next.withdraw(name, stable.generation, reason) }
        next.events[name] = RolloutEvent(
            kind: kind, at: UnixTime.now, from: stable.generation, to: plugin.generation, reason: reason, byItself: byItself)
        var report = try await change(to: next, title: "plugin not rolled back", copies: [plugin.copyPath])
        report.plugin = plugin
        ControlLog.write(
            byItself ? .warn : .notice,
            "plugin \(stable.label) rolled back to the file of generation \(old.generation), now \(plugin.label): \(reason)")
        return report
    }

    // Budgets

    private func budget(_ wish: RolloutWish) -> RolloutBudget {
        let configured = RolloutBudget(configuration.pluginProbation)
        return RolloutBudget(
            errorsMax: wish.errorsMax ?? configured.errorsMax, latencyMaxMs: wish.latencyMaxMs ?? configured.latencyMaxMs,
            minCalls: wish.minCalls ?? configured.minCalls)
    }

    func probation(_ plugin: LoadedPlugin, _ wish: RolloutWish) -> Probation {
        let seconds = wish.seconds ?? configuration.pluginProbation.seconds
        return Probation(generation: plugin.generation, budget: budget(wish), until: UnixTime.now + UInt64(seconds))
    }

    /// One look at everything that is on trial: takes back what broke its budget, promotes what is through.
    func watch(_ counters: any CounterSource, at now: UInt64 = UnixTime.now) async {
        let running = state
        guard !running.canaries.isEmpty || !running.probations.isEmpty else { return }
        for (name, canary) in running.canaries {
            if let problem = judge(canary.plugin, canary.budget, counters) {
                await takeBack(name, canary.plugin.generation, problem)
            } else if let at = canary.promoteAt, now >= at, enough(canary, counters) {
                _ = try? await promote(name, byItself: true)
            }
        }
        for (name, probation) in running.probations {
            guard let plugin = running.plugin(name), plugin.generation == probation.generation, !plugin.isQuarantined else { continue }
            if now >= probation.until {
                state.probations[name] = nil  // written down with the next change
            } else if let problem = judge(plugin, probation.budget, counters) {
                await takeBack(name, plugin.generation, problem)
            }
        }
    }

    private func counted(_ plugin: LoadedPlugin, _ counters: any CounterSource) -> (PluginCounters, Double) {
        let slot = state.pluginSlots.slot(plugin.label)
        let seen = counters.snapshot(routeSlots: [], plugins: [PluginSlot(slot: slot, generation: plugin.generation)])
        return (seen.plugins[slot] ?? PluginCounters(), seen.ticksPerUs)
    }

    private func judge(_ plugin: LoadedPlugin, _ budget: RolloutBudget, _ counters: any CounterSource) -> String? {
        let (seen, ticks) = counted(plugin, counters)
        return budget.problem(seen, ticksPerUs: ticks)
    }

    private func enough(_ canary: Canary, _ counters: any CounterSource) -> Bool {
        counted(canary.plugin, counters).0.requestCalls >= canary.budget.minCalls
    }

    /// Without anything to go back to it stays, and that is said once.
    func takeBack(_ name: String, _ generation: UInt64, _ problem: String) async {
        do throws(ChangeRefusal) { _ = try await rollBack(name, reason: problem, onlyFrom: generation) } catch {
            if state.probations[name]?.generation == generation { state.probations[name] = nil }
            ControlLog.write(
                .error,
                "plugin \(LoadedPlugin.label(name, generation)): \(problem); not rolled back: \(error.errors.joined(separator: "; "))")
        }
    }
}

extension RolloutBudget {
    init(_ configured: PluginProbation) {
        errorsMax = Double(configured.errorsMax)
        latencyMaxMs = configured.latencyMaxMs.map(Double.init)
        minCalls = UInt64(configured.minCalls)
    }

    /// Why a generation with these counters is past the budget; nil = it is not, or there are too few calls to say.
    func problem(_ seen: PluginCounters, ticksPerUs: Double) -> String? {
        let calls = seen.requestCalls
        if let errorsMax, calls >= minCalls, calls > 0 {
            let percent = 100 * Double(seen.requestFailures) / Double(calls)
            if percent > errorsMax {
                return "\(seen.requestFailures) of \(calls) calls failed (\(Self.text(percent)) %; allowed: \(Self.text(errorsMax)) %)"
            }
        }
        guard let latencyMaxMs, ticksPerUs > 0 else { return nil }
        for phase in PluginCounters.requestPhases where seen.cpu[phase].count >= max(1, minCalls) {
            let ms = seen.cpu[phase].quantile(0.99) / ticksPerUs / 1000
            if ms > latencyMaxMs {
                return
                    "the 99th percentile of \(PhaseNames.all[phase]) is \(Self.text(ms)) ms on the processor (allowed: \(Self.text(latencyMaxMs)) ms)"
            }
        }
        return nil
    }

    private static func text(_ number: Double) -> String { String(format: "%.3g", number) }
}

extension PluginCounters {
    /// Numbers of the phases that a request passes.
    static let requestPhases = 0..<8
    var requestCalls: UInt64 { Self.requestPhases.reduce(0) { $0 &+ calls[$1] } }
    var requestFailures: UInt64 { Self.requestPhases.reduce(0) { $0 &+ failures[$1] } }
}

extension ControlState {
    /// Every generation that replaced another in this change is on probation; one that was brought back is not.
    mutating func startProbations(after old: ControlState, _ configured: PluginProbation) {
        guard configured.seconds > 0 else { return }
        for plugin in plugins where probations[plugin.name]?.generation != plugin.generation && plugin.restores == nil {
            guard let before = old.plugin(plugin.name), before.generation != plugin.generation else { continue }
            probations[plugin.name] = Probation(
                generation: plugin.generation, budget: RolloutBudget(configured), until: UnixTime.now + UInt64(configured.seconds))
        }
    }
}
