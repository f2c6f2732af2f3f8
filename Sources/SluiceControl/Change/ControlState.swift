// What the control process must not forget beside the policies: counters of generations, counter slots, plugins with their older versions.
// It is part of the revision in the store (`History.swift`), so that a control process that comes back finds the one that matches what
// the workers run. Numbers and route slots are kept there too, but outlive a revision that is dropped.
import SluiceModel
import SluiceShared

struct ControlState: Codable, Sendable, Equatable {
    var revision: UInt64 = 0
    /// Last number given to a revision, refused ones included.
    var lastRevision: UInt64 = 0
    /// Last generation given to each plugin name, ever.
    var generations: [String: UInt64] = [:]
    var routeSlots = SlotTable(capacity: SharedLimits.routeSlots)
    /// By `LoadedPlugin.label`: every generation counts for itself.
    var pluginSlots = SlotTable(capacity: SharedLimits.pluginSlots)
    /// What serves, one of each name.
    var plugins: [LoadedPlugin] = []
    /// Generations in the store by name, oldest first; the one that serves and a canary are among them.
    var versions: [String: [LoadedPlugin]] = [:]
    var canaries: [String: Canary] = [:]
    var probations: [String: Probation] = [:]
    /// Files that crashed too often, by name, oldest first.
    var quarantines: [String: [QuarantineEntry]] = [:]
    /// The last change of each name that was not a plain load.
    var events: [String: RolloutEvent] = [:]
    /// What the file says of each plugin it names: where a load by name alone finds it.
    var fileSources: [String: FileSource] = [:]
    struct FileSource: Codable, Sendable, Equatable {
        var path: String
        /// nil = as the manifest says.
        var failOpen: Bool?
        var capabilities: [String] = []
    }

    /// What a revision keeps; the rest is kept beside it.
    private enum CodingKeys: String, CodingKey {
        case pluginSlots, plugins, versions, canaries, probations, quarantines, events, fileSources
    }

    /// Number of the change that is made next.
    var nextRevision: UInt64 { max(revision, lastRevision) + 1 }

    /// What a refused change leaves behind: numbers that were used are not used again.
    mutating func remember(numbersOf refused: ControlState) {
        lastRevision = max(lastRevision, refused.lastRevision)
        generations.merge(refused.generations) { max($0, $1) }
    }

    func plugin(_ name: String) -> LoadedPlugin? { plugins.first { $0.name == name } }
    mutating func nextGeneration(_ name: String) -> UInt64 {
        let next = (generations[name] ?? 0) + 1
        generations[name] = next
        return next
    }

    /// The generation `number` of a name in the store.
    func version(_ name: String, _ number: UInt64) -> LoadedPlugin? { versions[name]?.last { $0.generation == number } }

    /// Serving from the next revision on.
    mutating func serve(_ plugin: LoadedPlugin) {
        if let i = plugins.firstIndex(where: { $0.name == plugin.name }) { plugins[i] = plugin } else { plugins.append(plugin) }
    }

    /// The newest generation before the one that serves that was not taken back, is not in quarantine, and is another file.
    func previousGood(_ name: String) -> LoadedPlugin? {
        guard let now = plugin(name) else { return nil }
        return versions[name]?.last { $0.generation < now.generation && $0.sha256 != now.sha256 && isGood($0) }
    }

    func isGood(_ plugin: LoadedPlugin) -> Bool { plugin.withdrawn == nil && quarantine(of: plugin) == nil }

    /// Why this file is kept out; nil = it is not.
    func quarantine(of plugin: LoadedPlugin) -> QuarantineEntry? { quarantine(plugin.name, sha256: plugin.sha256) }
    func quarantine(_ name: String, sha256: String) -> QuarantineEntry? { quarantines[name]?.last { $0.sha256 == sha256 } }

    mutating func withdraw(_ name: String, _ generation: UInt64, _ why: String) {
        guard let i = versions[name]?.firstIndex(where: { $0.generation == generation }) else { return }
        versions[name]![i].withdrawn = why
    }

    /// The serving plugins as a configuration names them.
    var sources: [PluginSource] {
        plugins.map { plugin in
            var source = PluginSource(name: plugin.name, path: plugin.sourcePath)
            (source.failOpen, source.capabilities) = (plugin.failOpen, plugin.capabilitiesGranted)
            return source
        }
    }

    /// Where its counters are.
    func place(_ plugin: LoadedPlugin) -> PluginSlot { PluginSlot(slot: pluginSlots.slot(plugin.label), generation: plugin.generation) }

    /// Every private copy that must stay.
    var copies: Set<String> {
        Set(plugins.map(\.copyPath) + canaries.values.map(\.plugin.copyPath) + versions.values.flatMap { $0.map(\.copyPath) })
    }

    /// Brings what depends on the serving plugins in line with them: the store with at most `kept` generations a name, trials
    /// of generations that run, counter slots.
    mutating func settlePlugins(kept: Int) {
        let names = Set(plugins.map(\.name))
        canaries = canaries.filter { names.contains($0.key) }
        versions = versions.filter { names.contains($0.key) }
        events = events.filter { names.contains($0.key) }
        for plugin in plugins + canaries.values.map(\.plugin) {
            var list = versions[plugin.name] ?? []
            if let i = list.firstIndex(where: { $0.generation == plugin.generation }) { list[i] = plugin } else { list.append(plugin) }
            versions[plugin.name] = list
        }
        for plugin in plugins {
            var list = versions[plugin.name]!.sorted { $0.generation < $1.generation }
            let held = Set(
                [plugin.generation, canaries[plugin.name]?.plugin.generation, previousGood(plugin.name)?.generation].compactMap(\.self))
            while list.count > max(kept, held.count), let i = list.firstIndex(where: { !held.contains($0.generation) }) {
                list.remove(at: i)
            }
            versions[plugin.name] = list
        }
        probations = probations.filter { plugin($0.key)?.generation == $0.value.generation }
        pluginSlots.assign((plugins + canaries.values.map(\.plugin).sorted { $0.name < $1.name }).map(\.label))
    }
}
