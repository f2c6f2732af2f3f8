// Plugins as the admin API shows them: what serves, what every worker still has of it, what it did, what the store keeps. Reads only.
import Foundation
import SluiceModel
import SluiceShared

extension JSONValue {
    /// At most three decimals, no exponent.
    static func decimal(_ value: Double) -> JSONValue {
        guard value.isFinite else { return .null }
        var text = String(format: "%.3f", value)
        while text.contains("."), text.hasSuffix("0") || text.hasSuffix(".") {
            let last = text.removeLast()
            if last == "." { break }
        }
        return .number(text)
    }
}

extension LoadedPlugin {
    /// What an answer to a change names.
    var short: [(String, JSONValue)] {
        [("name", .string(name)), ("version", .string(version)), ("generation", .int(generation)), ("sha256", .string(sha256))]
            + (restores.map { [("restores", JSONValue.int($0))] } ?? []) + [("signature", signature.json)]
    }
}

extension SignatureVerdict {
    var json: JSONValue {
        .object([("verdict", .string(state.rawValue))] + (key.map { [("key", JSONValue.string($0))] } ?? []))
    }
}

extension StagedPlugin {
    /// The full verdict of an inspection.
    var members: [(String, JSONValue)] {
        var out: [(String, JSONValue)] = [
            ("name", .string(facts.name)), ("version", .string(facts.version)), ("vendor", .string(facts.vendor)),
            ("license", .string(facts.license)), ("language", .string(facts.language)), ("concurrency", .string(facts.concurrency)),
            ("phases", .strings(facts.phases)), ("swift", .bool(facts.isSwift)), ("bytes", .int(facts.fileBytes)),
            ("sha256", .string(facts.sha256)), ("signature", signature.json),
            ("capabilities", .object([("asked", .strings(facts.capabilities)), ("granted", .strings(granted))])),
            ("on_failure", .string(facts.failOpen ? "open" : "closed")), ("needs", .strings(facts.needs)),
        ]
        if let schema = facts.configSchema, let value = try? JSONReader.read(Array(schema.utf8)) { out.append(("config_schema", value)) }
        return out
    }
}

/// A generation as one worker has it.
struct HeldGeneration: Sendable {
    var worker: Int
    var entry: GenerationState
    var nowUs: UInt64
    var isDraining: Bool { entry.state == GenerationPhase.draining.rawValue }
    var isParked: Bool { entry.state == GenerationPhase.parked.rawValue }

    var json: JSONValue {
        var out: [(String, JSONValue)] = [
            ("worker", .int(worker)), ("generation", .int(entry.generation)),
            ("state", .string(GenerationPhase(rawValue: entry.state).map { "\($0)" } ?? "unknown")), ("references", .int(entry.references)),
        ]
        if entry.stateSinceUs > 0 { out.append(("state_ms", .int(age(entry.stateSinceUs)))) }
        out.append(("blockers", .object(blockers)))
        if isParked { out.append(("parked_bytes", .int(entry.mappedBytes))) }
        return .object(out)
    }

    /// What keeps it, by kind: how many, and since when there was always one.
    private var blockers: [(String, JSONValue)] {
        ReferenceKind.allCases.compactMap { kind in
            let count = entry.held[kind.rawValue]
            guard count > 0 else { return nil }
            return (kind.name, .object([("count", .int(count)), ("age_ms", .int(age(entry.heldSinceUs[kind.rawValue])))]))
        }
    }
    private func age(_ since: UInt64) -> UInt64 { nowUs > since ? (nowUs - since) / 1000 : 0 }
}

extension AdminAPI {
    func plugins() async -> AdminResponse {
        let state = await control.state
        var out: [JSONValue] = []
        let counted = counters.snapshot(routeSlots: [], plugins: (state.plugins + state.canaries.values.map(\.plugin)).map(state.place))
        for plugin in state.plugins { out.append(await view(plugin, state, counted)) }
        let parked = counted.workers.flatMap(\.generations).filter { $0.state == GenerationPhase.parked.rawValue }
        let sum = JSONValue.object([
            ("generations", .int(parked.count)), ("bytes", .int(parked.reduce(0) { $0 &+ $1.mappedBytes })),
        ])
        return .json(.object([("plugins", .array(out)), ("parked", sum)]))
    }

    func plugin(_ name: String) async -> AdminResponse {
        let state = await control.state
        guard let plugin = state.plugin(name) else { return await notLoaded(name, state) }
        let places = [plugin, state.canaries[name]?.plugin].compactMap(\.self).map(state.place)
        return .json(await view(plugin, state, counters.snapshot(routeSlots: [], plugins: places)))
    }

    /// Gone, or on its way out.
    private func notLoaded(_ name: String, _ state: ControlState) async -> AdminResponse {
        let left = await held(name)
        if left.contains(where: \.isDraining) {
            let members = [("name", JSONValue.string(name)), ("state", .string("draining"))]
            return .json(.object(members + [("generations", .array(left.map(\.json)))]))
        }
        let hint = Suggestion.clause(for: name, in: state.plugins.map(\.name))
        var quarantine = ""
        if let entry = state.quarantines[name]?.last { quarantine = "; its generation \(entry.generation) is in quarantine" }
        return .problem(404, "not-found", "Not found", "no plugin \(quote(name)) is loaded\(hint)\(quarantine)")
    }

    /// Every generation of this name that a worker still has.
    func held(_ name: String) async -> [HeldGeneration] {
        Self.held(name, await control.state, counters.snapshot(routeSlots: [], plugins: []))
    }

    private static func held(_ name: String, _ state: ControlState, _ counted: CounterSnapshot) -> [HeldGeneration] {
        counted.workers.flatMap { worker in
            worker.generations.filter { state.pluginSlots.slot(LoadedPlugin.label(name, $0.generation)) + 1 == $0.plugin && $0.plugin > 1 }
                .map {
                    HeldGeneration(worker: worker.index, entry: $0, nowUs: counted.takenUs)
                }
        }
    }

    private func view(_ plugin: LoadedPlugin, _ state: ControlState, _ counted: CounterSnapshot) async -> JSONValue {
        let held = Self.held(plugin.name, state, counted), parked = held.filter(\.isParked)
        let counts = counted.plugins[state.place(plugin).slot] ?? PluginCounters()
        var out: [(String, JSONValue)] = [
            ("name", .string(plugin.name)), ("version", .string(plugin.version)), ("vendor", .string(plugin.vendor)),
            ("license", .string(plugin.license)), ("language", .string(plugin.language)), ("concurrency", .string(plugin.concurrency)),
            ("generation", .int(plugin.generation)), ("state", .string(plugin.isQuarantined ? "quarantined" : "serving")),
            ("origin", .string(plugin.origin.rawValue)), ("path", .string(plugin.sourcePath)), ("loaded_at", .int(plugin.loadedAt)),
            ("bytes", .int(plugin.fileBytes)), ("sha256", .string(plugin.sha256)), ("signature", plugin.signature.json),
            ("capabilities", .object([("asked", .strings(plugin.capabilitiesAsked)), ("granted", .strings(plugin.capabilitiesGranted))])),
            ("on_failure", .string(plugin.failOpen ? "open" : "closed")), ("routes", .strings(await control.routes(binding: plugin.name))),
            ("phases", .object(phases(plugin, counts, counted.ticksPerUs))), ("misuse", .int(counts.misuse)),
            ("host_bytes", .int(counts.hostBytes)), ("generations", .array(held.map(\.json))),
            (
                "parked",
                .object([("generations", .int(parked.count)), ("bytes", .int(parked.reduce(0) { $0 &+ $1.entry.mappedBytes }))])
            ),
            ("versions", .array((state.versions[plugin.name] ?? []).map { version($0, plugin, state) })),
        ]
        out += rollout(plugin, state, counted)
        return .object(out)
    }

    /// Phases that it names, and those it was called in.
    private func phases(_ plugin: LoadedPlugin, _ counts: PluginCounters, _ ticksPerUs: Double) -> [(String, JSONValue)] {
        PhaseNames.all.enumerated().filter { plugin.phases.contains($0.element) || counts.calls[$0.offset] > 0 }.map { index, name in
            var out: [(String, JSONValue)] = [("calls", .int(counts.calls[index])), ("errors", .int(counts.failures[index]))]
            out.append(("cpu_us", Self.times(counts.cpu[index], ticksPerUs)))
            if counts.parked[index].count > 0 { out.append(("parked_us", Self.times(counts.parked[index], ticksPerUs))) }
            return (name, .object(out))
        }
    }

    private static func times(_ seen: TickHistogram, _ ticksPerUs: Double) -> JSONValue {
        guard ticksPerUs > 0 else { return .object([]) }
        return .object([
            ("p50", .decimal(seen.quantile(0.5) / ticksPerUs)), ("p99", .decimal(seen.quantile(0.99) / ticksPerUs)),
            ("sum", .decimal(Double(seen.sum) / ticksPerUs)),
        ])
    }

    private func version(_ kept: LoadedPlugin, _ serving: LoadedPlugin, _ state: ControlState) -> JSONValue {
        var what = "kept"
        if kept.generation == serving.generation {
            what = "serving"
        } else if kept.generation == state.canaries[kept.name]?.plugin.generation {
            what = "canary"
        } else if kept.withdrawn != nil {
            what = "withdrawn"
        }
        var out: [(String, JSONValue)] = [
            ("generation", .int(kept.generation)), ("version", .string(kept.version)), ("sha256", .string(kept.sha256)),
            ("state", .string(state.quarantine(of: kept) != nil ? "quarantined" : what)), ("origin", .string(kept.origin.rawValue)),
            ("path", .string(kept.sourcePath)), ("loaded_at", .int(kept.loadedAt)),
        ]
        if let restores = kept.restores { out.append(("restores", .int(restores))) }
        if let reason = kept.withdrawn { out.append(("reason", .string(reason))) }
        return .object(out)
    }

    /// Canary, probation, quarantine and what happened last.
    private func rollout(_ plugin: LoadedPlugin, _ state: ControlState, _ counted: CounterSnapshot) -> [(String, JSONValue)] {
        var out: [(String, JSONValue)] = []
        if let canary = state.canaries[plugin.name] {
            let counts = counted.plugins[state.place(canary.plugin).slot] ?? PluginCounters()
            var members: [(String, JSONValue)] =
                canary.plugin.short + [
                    ("share", .decimal(canary.sharePercent)), ("started_at", .int(canary.startedAt)),
                ]
            if let at = canary.promoteAt { members.append(("promote_at", .int(at))) }
            members += [("budget", canary.budget.json), ("phases", .object(phases(canary.plugin, counts, counted.ticksPerUs)))]
            out.append(("canary", .object(members)))
        }
        if let probation = state.probations[plugin.name] {
            out.append(("probation", .object([("until", .int(probation.until)), ("budget", probation.budget.json)])))
        }
        if let entries = state.quarantines[plugin.name], !entries.isEmpty {
            out.append(("quarantine", .array(entries.map(\.json))))
        }
        if let event = state.events[plugin.name] { out.append(("last_change", event.json)) }
        return out
    }
}

extension RolloutBudget {
    var json: JSONValue {
        var out: [(String, JSONValue)] = []
        if let errorsMax { out.append(("errors_max", .decimal(errorsMax))) }
        if let latencyMaxMs { out.append(("latency_max_ms", .decimal(latencyMaxMs))) }
        return .object(out + [("min_calls", .int(minCalls))])
    }
}

extension QuarantineEntry {
    var json: JSONValue {
        .object([
            ("generation", .int(generation)), ("version", .string(version)), ("sha256", .string(sha256)), ("since", .int(since)),
            ("reason", .string(reason)),
        ])
    }
}

extension RolloutEvent {
    var json: JSONValue {
        .object([
            ("kind", .string(kind.rawValue)), ("at", .int(at)), ("from", .int(from)), ("to", to.map { .int($0) } ?? .null),
            ("reason", .string(reason)), ("by_itself", .bool(byItself)),
        ])
    }
}
