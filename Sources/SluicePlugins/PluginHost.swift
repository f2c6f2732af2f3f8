// Plugins inside one worker: which generations are loaded, which configurations they have, who still uses them. Control
// operations only, between two requests; what a request runs is `BoundPlugin`. Loading one generation is in `Generation.swift`.
//
//   prepare(image) ─► PluginTable ─► activate ─► (requests) ─► retire      generations and instances live as long as a table names them
import CSluiceABI
import SluiceBytes
import SluiceInspect
import SluiceLoop
import SluiceModel
import SluiceRules
import SluiceShared

public final class PluginHost {
    let block: WorkerBlock
    let board: TaskBoard
    let services: WorkerServices
    private let workerIndex: Int
    let log: (Int, String) -> Void
    private(set) var generations: [Generation] = []
    private var instances: [Instance] = []
    private var tables: [PluginTable] = []
    /// Named by no table any more, but with something under way, and when that is cancelled, in ms.
    var leaving: [(generation: Generation, deadlineMs: UInt64)] = []
    /// What new requests use.
    private var serving: PluginTable?
    private lazy var nobody = Quarantine.owner(board, block)
    /// A generation was let go: unmapped, or parked (still mapped, never called again).
    public var released: ((_ name: String, _ generation: UInt64, _ parked: Bool) -> Void)?

    /// - Parameters:
    ///   - shared: this worker's block; its generation entries are cleared, for nothing is loaded yet.
    ///   - worker: its number, from 0.
    ///   - log: level (SLUICE_LOG_…: 0 debug … 4 error) and one line without its end.
    public init(shared: WorkerBlock, worker: Int = 0, log: @escaping (Int, String) -> Void) {
        (block, workerIndex, self.log) = (shared, worker, log)
        board = TaskBoard(head: shared.head)
        services = WorkerServices(shared)
        for i in 0..<SharedLimits.generationSlots { shared.generations[i] = GenerationState() }
        shared.head.pointee.currentPlugin = 0
    }

    /// Loads the generations that the image names and this worker does not have, and configures the bindings that are new.
    /// All or nothing: on error everything that this call did is undone, and older tables are untouched.
    public func prepare(_ image: ImageView) throws(PluginFailure) -> PluginTable {
        let specs = image.plugins.map { p in
            PluginSpec(
                name: image.text(p.name).string, path: image.text(p.path).string, generation: p.generation, digest: p.digest,
                statSlot: Int(p.statSlot),
                failOpen: p.flags & PluginRecord.failOpen != 0, isQuarantined: p.flags & PluginRecord.quarantined != 0,
                capabilities: p.capabilities)
        }
        let bindings = image.bindings.map { b in
            BindingSpec(
                plugin: Int(b.plugin), config: image.text(b.config).string, key: b.key,
                alternative: b.alternative == .max ? -1 : Int(b.alternative), isConditional: b.condition != .max, share: b.share)
        }
        return try prepare(plugins: specs, bindings: bindings, functions: image.functions.map { FunctionSpec($0, image) })
    }

    struct BindingSpec {
        /// Index of its plugin.
        var plugin: Int
        var config: String
        var key: UInt64
        /// Index of the binding that takes `share` of 2^32 requests in its place; -1 = none.
        var alternative = -1
        var isConditional = false
        var share: UInt32 = 0
    }

    func prepare(plugins: [PluginSpec], bindings: [BindingSpec], functions: [FunctionSpec] = []) throws(PluginFailure) -> PluginTable {
        var loaded: [Generation] = []  // by this call
        var made: [Instance] = []  // by this call
        do throws(PluginFailure) {
            var used: [Generation?] = []  // nil: in quarantine
            for spec in plugins { used.append(spec.isQuarantined ? nil : try generation(spec, &loaded)) }
            var chosen: [Instance?] = []
            for (i, b) in bindings.enumerated() {
                if let generation = used[b.plugin] {
                    chosen.append(try instance(b, generation, index: i, &made))
                } else {
                    chosen.append(nil)
                }
            }
            var callable = FunctionTable()
            for g in used.compactMap(\.self) { try callable.add(g.functions, plugin: g.spec) }
            try callable.add(functions, known: tables.flatMap(\.functions.openLibraries))
            return keep(specs: plugins, bindings, used, chosen, callable)
        } catch {
            for instance in made.reversed() { drop(instance) }
            for generation in loaded.reversed() { drop(generation) }
            throw error
        }
    }

    /// The table is what new requests use from now on: its generations are shown as active, all others as draining.
    /// Without this call the newest table is shown so once an older one is retired.
    public func activate(_ table: PluginTable) {
        serving = table
        for g in generations { g.show(table.generations.contains { $0 === g } ? .active : .draining) }
    }

    /// No request uses the table any more (also: a prepared image was aborted). Instances that no other table has are released,
    /// generations that no other table has are destroyed, then unmapped (C) or parked (Swift) and reported through `released`.
    public func retire(_ table: PluginTable) {
        if table.isRetired { return }
        table.isRetired = true
        tables.removeAll { $0 === table }
        for instance in table.instances {
            instance.tables -= 1
            if instance.tables == 0 { drop(instance) }
        }
        for generation in table.generations where generation.releaseTable() { letGo(generation) }
        table.functions = FunctionTable()
        if serving === table { serving = nil }
        if let now = serving ?? tables.last { activate(now) }
    }

    /// Number of a variable for rules and the access log (`MessageContext.variable`); nil: no such name can be, or too many are.
    public func variable(named name: String) -> UInt32? {
        var name = name
        let isName = name.withUTF8 { utf8 in VariableNames.isName(utf8.baseAddress.map { ByteView($0, utf8.count) } ?? .empty) }
        return isName ? services.variables.number(name).map(UInt32.init) : nil
    }

    /// The name of a variable's number, valid as long as the worker; nil: no such number.
    public func variableName(_ number: UInt32) -> ByteView? {
        number &- 1 < UInt32(services.variables.names.count) ? services.variables.names[Int(number) - 1] : nil
    }

    /// `requests` are in flight with a table that was replaced: what keeps its generations that no newer table has.
    public func showInFlight(_ requests: Int, of table: PluginTable) {
        let shift = requests - table.inFlightShown
        table.inFlightShown = requests
        for g in table.generations where shift != 0 {
            if let now = serving, now !== table, now.generations.contains(where: { $0 === g }) { continue }
            g.show(requests: shift, nowUs: LoopClock.readUs())
        }
    }

    // MARK: finding or making

    private func generation(_ spec: PluginSpec, _ loaded: inout [Generation]) throws(PluginFailure) -> Generation {
        finishLeaving(name: spec.name, generation: spec.generation)
        if let known = generations.first(where: { $0.spec.name == spec.name && $0.spec.generation == spec.generation }) { return known }
        do throws(PluginFailure) {
            guard spec.statSlot >= 0, spec.statSlot < SharedLimits.pluginSlots else {
                throw PluginFailure("has counter slot \(spec.statSlot); 0 to \(SharedLimits.pluginSlots - 1) are possible")
            }
            if generations.contains(where: { $0.spec.path == spec.path }) {
                throw PluginFailure("\(spec.path) is loaded already; every generation needs a path of its own")
            }
            claimCounters(spec)
            let new = try Generation(
                spec, shared: try freeEntry(), counters: block.plugins + spec.statSlot, board: board, workerIndex: workerIndex,
                services: services, log: log)
            generations.append(new)
            loaded.append(new)
            return new
        } catch {
            throw PluginFailure("plugin \(spec.label): \(error.description)")
        }
    }

    /// The slot counts for this generation from now on; a worker that was respawned goes on where its predecessor was.
    private func claimCounters(_ spec: PluginSpec) {
        let slot = block.plugins + spec.statSlot, owner = ImageHash.hash(spec.name)
        if slot.pointee.generation == spec.generation && slot.pointee.owner == owner { return }
        slot.pointee = PluginCounters()
        (slot.pointee.generation, slot.pointee.owner) = (spec.generation, owner)
    }

    /// A free entry in shared memory; that of the longest parked generation when there is none.
    private func freeEntry() throws(PluginFailure) -> UnsafeMutablePointer<GenerationState> {
        let all = UnsafeMutableBufferPointer(start: block.generations, count: SharedLimits.generationSlots)
        if let free = all.firstIndex(where: { $0.plugin == 0 }) { return block.generations + free }
        let parked = all.indices.filter { all[$0].state == GenerationPhase.parked.rawValue }.min { all[$0].generation < all[$1].generation }
        guard let parked else { throw PluginFailure("\(SharedLimits.generationSlots) generations are loaded; unload some first") }
        return block.generations + parked
    }

    private func instance(_ b: BindingSpec, _ generation: Generation, index: Int, _ made: inout [Instance]) throws(PluginFailure)
        -> Instance
    {
        if let known = instances.first(where: { $0.key == b.key && $0.generation === generation && $0.config == b.config }) { return known }
        do throws(PluginFailure) {
            block.head.pointee.enter(generation.spec, phase: UInt64(PluginPhase.configure.rawValue))
            defer { block.head.pointee.leave() }
            let new = Instance(key: b.key, generation: generation, config: b.config, pointer: try Self.configure(generation, b.config))
            instances.append(new)
            made.append(new)
            return new
        } catch {
            throw PluginFailure("plugin \(generation.spec.label), binding \(index): \(error.description)")
        }
    }

    private static func configure(_ generation: Generation, _ config: String) throws(PluginFailure) -> UnsafeMutableRawPointer? {
        var config = config.isEmpty ? "{}" : config
        let root: JSONNode
        do { root = try StrictJSON.parse(Array(config.utf8), depthMax: Limits.pluginConfigDepthMax) } catch {
            throw PluginFailure("the configuration is not JSON: \(error)")
        }
        guard case .object(let members) = root.value else { throw PluginFailure("the configuration is \(root.kind); an object is needed") }
        guard let configure = generation.filter.configure else {
            if members.isEmpty { return nil }
            throw PluginFailure("it takes no configuration, but \"\(members[0].key)\" is configured")
        }
        var instance: UnsafeMutableRawPointer?
        return try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Limits.pluginErrorBytesMax) { text throws(PluginFailure) in
            var error = sluice_error(
                text: UnsafeMutableRawPointer(text.baseAddress!).assumingMemoryBound(to: CChar.self), room: UInt32(text.count), size: 0)
            let code = config.withUTF8 { bytes in
                generation.inside(.configure) {
                    configure(generation.state, sluice_view(data: bytes.baseAddress, size: UInt64(bytes.count)), &instance, &error)
                }
            }
            if code >= 0 { return instance }
            let said = PluginText.clean(UnsafeBufferPointer(start: text.baseAddress, count: min(Int(error.size), text.count)))
            throw PluginFailure("configuration refused (status \(code)): \(said.isEmpty ? "the plugin does not say why" : said)")
        }
    }

    // MARK: keeping and dropping

    private func keep(
        specs: [PluginSpec], _ bindings: [BindingSpec], _ used: [Generation?], _ chosen: [Instance?], _ functions: FunctionTable
    ) -> PluginTable {
        let bound = UnsafeMutablePointer<BoundPlugin>.allocate(capacity: max(1, bindings.count))
        for (i, b) in bindings.enumerated() {
            let spec = specs[b.plugin]
            guard let g = used[b.plugin], let instance = chosen[i] else {
                (bound + i).initialize(to: Quarantine.bound(spec, block, owner: nobody, address: bound + i))
                continue
            }
            (bound + i).initialize(
                to: BoundPlugin(
                    hooks: g.filter.hooks, instance: instance.pointer, counters: block.plugins + spec.statSlot, head: block.head,
                    currentPlugin: UInt64(spec.statSlot) + 1,
                    generation: spec.generation, phases: g.filter.phases, allPhases: g.filter.phases, failOpen: spec.failOpen,
                    fiberPhases: g.runsOnFibers ? g.filter.phases & PluginPhase.parking : 0, owner: g.owner, address: bound + i))
        }
        for (i, b) in bindings.enumerated() where b.isConditional { bound[i].isChosen = true }
        for (i, b) in bindings.enumerated() where b.alternative >= 0 {
            bound[i].isChosen = true
            (bound[i].alternative, bound[i].share) = (bound + b.alternative, b.share)
            bound[i].allPhases |= bound[b.alternative].phases
        }
        let generations = used.compactMap(\.self), instances = chosen.compactMap(\.self)
        for g in generations { g.retain() }
        for i in instances { i.tables += 1 }
        let table = PluginTable(bound: bound, count: bindings.count, generations: generations, instances: instances, functions: functions)
        tables.append(table)
        if tables.count == 1 { activate(table) }  // the first one: nothing else serves
        return table
    }

    private func drop(_ instance: Instance) {
        instances.removeAll { $0 === instance }
        block.head.pointee.enter(instance.generation.spec, phase: PhaseName.release)
        instance.release()
        block.head.pointee.leave()
    }

    @discardableResult func drop(_ generation: Generation) -> Bool {
        leaving.removeAll { $0.generation === generation }
        generations.removeAll { $0 === generation }
        block.head.pointee.enter(generation.spec, phase: PhaseName.unload)
        defer { block.head.pointee.leave() }
        return generation.end()
    }
}
