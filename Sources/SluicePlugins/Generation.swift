// One generation of a plugin in this worker, from dlopen to unmapped or parked:
//
//   inspect ─► open ─► init ─► tables ─► [loaded] ─► [active] ─► [draining] ─► destroy ─► unmapped | [parked]
//
// The states in brackets are shown in shared memory. Control operations only; requests touch `BoundPlugin`.
import CSluiceABI
import Glibc
import SluiceBytes
import SluiceInspect
import SluiceModel
import SluiceRules
import SluiceShared

/// What an image says about a plugin, as Swift values.
struct PluginSpec {
    var name: String
    var path: String
    var generation: UInt64
    /// First 8 bytes of the file's SHA-256; 0 = not checked.
    var digest: UInt64
    var statSlot: Int
    var failOpen: Bool
    /// Not loaded: its bindings act out the failure mode.
    var isQuarantined = false
    /// Bits of `Capability` that the configuration grants.
    var capabilities: UInt32 = .max
    var label: String { "\(name)@\(generation)" }

    /// False when the table comes with a capability that the configuration does not grant.
    func mayUse(_ id: String) -> Bool {
        guard let needed = Capability.allCases.first(where: { $0.extensionID == id }) else { return true }
        return capabilities & needed.bit != 0
    }
}

final class Generation {
    let spec: PluginSpec
    private let module: PluginModule
    private(set) var filter: FilterTable
    private(set) var state: UnsafeMutableRawPointer?
    private let host: UnsafeMutablePointer<sluice_host>
    private let log: (Int, String) -> Void
    private let isParkedAtEnd: Bool
    /// Its file is mapped whole, near enough.
    private let fileBytes: Int
    /// What the host keeps for it; host functions find it through `host`.
    let services: UnsafeMutablePointer<GenerationServices>
    /// What rules may call; not after `end`.
    private(set) var functions: [TypedFunction] = []
    private let board: TaskBoard
    /// Whose everything is that the plugin has under way.
    let owner: Owner
    /// Hooks that may park run on fibers.
    let runsOnFibers: Bool
    private var worker = sluice_worker_v1()
    /// Entry in shared memory, and how many tables name this generation.
    let shared: UnsafeMutablePointer<GenerationState>
    private(set) var tables = 0

    /// Loads and initialises it; on error nothing of it stays (but a Swift image, mapped and idle).
    init(
        _ spec: PluginSpec, shared: UnsafeMutablePointer<GenerationState>, counters: UnsafeMutablePointer<PluginCounters>, board: TaskBoard,
        workerIndex: Int, services common: WorkerServices, log: @escaping (Int, String) -> Void
    ) throws(PluginFailure) {
        let inspection = try Self.inspect(spec)
        let head = board.head
        head.pointee.enter(spec, phase: PhaseName.load)
        defer { head.pointee.leave() }
        module = try PluginModule(opening: spec.path, isSwift: inspection.isSwift)
        (self.spec, self.shared, self.log) = (spec, shared, log)
        isParkedAtEnd = inspection.isSwift
        fileBytes = inspection.fileBytes
        runsOnFibers = inspection.concurrency == "fiber"
        self.board = board
        shared.pointee = GenerationState()
        owner = .allocate(capacity: 1)
        owner.initialize(
            to: PluginOwner(board: board, counters: counters, shared: shared, stat: UInt64(spec.statSlot) + 1, generation: spec.generation))
        filter = FilterTable()
        host = .allocate(capacity: 1)
        host.initialize(to: HostTable.make())
        services = GenerationServices.make(common)
        host.pointee.context = Unmanaged.passUnretained(self).toOpaque()
        head.pointee.enter(spec, phase: UInt64(PluginPhase.initialize.rawValue))
        do throws(PluginFailure) {
            try start(inspection, workerIndex)
        } catch {
            GenerationServices.end(services)
            _ = module.close()
            free()
            shared.pointee = GenerationState()
            throw error
        }
        shared.pointee.plugin = UInt64(spec.statSlot) + 1
        shared.pointee.generation = spec.generation
        shared.pointee.state = GenerationPhase.loaded.rawValue
    }

    private static func inspect(_ spec: PluginSpec) throws(PluginFailure) -> PluginInspection {
        let found: PluginInspection
        do { found = try PluginInspector.inspect(path: spec.path) } catch { throw PluginFailure(error.description) }
        guard found.name == spec.name else { throw PluginFailure("\(spec.path) is the plugin \"\(found.name)\"") }
        if spec.digest != 0 && found.digest64 != spec.digest {
            throw PluginFailure("\(spec.path) is not the file that was checked: its digest differs")
        }
        for id in found.needs where HostTables.find(id) == nil {
            throw PluginFailure("needs extension \"\(id)\", which this host does not have")
        }
        for id in found.needs where !spec.mayUse(id) {
            throw PluginFailure("needs extension \"\(id)\", whose capability the configuration does not grant")
        }
        return found
    }

    private func start(_ inspection: PluginInspection, _ workerIndex: Int) throws(PluginFailure) {
        let code = inside(.initialize) { module.entry.pointee.`init`(host, &state) }
        if code < 0 { throw refusal("init", code) }
        do throws(PluginFailure) {
            guard let table = module.entry.pointee.get_extension(state, SLUICE_FILTER_1) else {
                throw PluginFailure("has no \(SLUICE_FILTER_1)")
            }
            filter = try FilterTable(reading: table)
            if let routing = module.entry.pointee.get_extension(state, SLUICE_ROUTING_1) { try filter.add(routing: routing) }
            try filter.check(phases: inspection.phases)
            if let table = module.entry.pointee.get_extension(state, SLUICE_WORKER_1) {
                try FilterTable.read(table, SLUICE_WORKER_1, &worker)
            }
            let code = inside(.workerInit) { worker.worker_init?(state, UInt32(workerIndex)) ?? 0 }
            if code < 0 { throw refusal("worker_init", code) }
            functions = try RuleFunctions.read(module.entry.pointee.get_extension(state, SLUICE_RULE_FUNCTIONS_1), plugin: spec.name)
        } catch {
            destroy()
            throw error
        }
    }

    private func refusal(_ hook: String, _ code: Int32) -> PluginFailure {
        PluginFailure("\(hook) refused (status \(code))\(lastComplaint.isEmpty ? "" : ": " + lastComplaint)")
    }

    /// Runs a function of the plugin that belongs to no request; the worker's record says so meanwhile.
    func inside(_ phase: PluginPhase, _ body: () -> Int32) -> Int32 { board.entered(owner, phase, nil, nil, body) }

    // MARK: what the plugin says

    /// Last warning or error that it logged; explains a refusal.
    private var lastComplaint = ""

    func write(_ level: Int, _ text: sluice_view) {
        guard let bytes = bytes(text) else { return }
        let line = PluginText.clean(UnsafeBufferPointer(start: bytes.start, count: min(bytes.count, Limits.pluginLogBytesMax)))
        let level = min(level, Int(SLUICE_LOG_ERROR))
        if level >= Int(SLUICE_LOG_WARN) { lastComplaint = line }
        log(level, "plugin \(spec.label): \(line)")
    }

    // MARK: life

    func retain() {
        tables += 1
        shared.pointee.references = UInt64(tables)
    }
    /// True when no table names it any more.
    func releaseTable() -> Bool {
        tables -= 1
        shared.pointee.references = UInt64(tables)
        return tables == 0
    }
    /// `shift` more (or fewer) requests in flight use it.
    func show(requests shift: Int, nowUs: UInt64) {
        let kind = ReferenceKind.request.rawValue
        let before = Int(shared.pointee.held[kind]), now = max(0, before + shift)
        if before == 0 { shared.pointee.heldSinceUs[kind] = nowUs }
        shared.pointee.held[kind] = UInt64(now)
    }
    func show(_ state: GenerationPhase) { shared.pointee.state = state.rawValue }

    /// Its hook worker_exit, and the end of what would never end by itself. Afterwards no request may use it.
    func leave() {
        _ = inside(.workerExit) {
            worker.worker_exit?(state)
            return 0
        }
        board.cancelEndless(owner)
    }

    /// Ends what the plugin has under way, then the plugin. Jobs that its threads posted until they were joined are dropped.
    private func destroy() {
        board.cancelAll(owner)
        _ = inside(.workerExit) {
            module.entry.pointee.destroy?(state)
            return 0
        }
        board.flushJobs(owner)
    }
    private func free() {
        host.deallocate()
        owner.deinitialize(count: 1)
        owner.deallocate()
    }

    /// Destroys it and lets the file go. True: parked (still mapped), false: unmapped. Nothing of it may be called afterwards.
    func end() -> Bool {
        destroy()
        GenerationServices.end(services)
        let gone = module.close()
        if gone {
            shared.pointee = GenerationState()
        } else {
            show(.parked)
            shared.pointee.mappedBytes = UInt64(fileBytes)
            if !isParkedAtEnd {
                log(
                    Int(SLUICE_LOG_WARN),
                    "plugin \(spec.label): stays mapped after dlclose (a thread-local destructor, or another library holds it)")
            }
        }
        free()
        return !gone
    }
}

extension WorkerHead {
    mutating func enter(_ spec: PluginSpec, phase: UInt64) {
        enter(plugin: UInt64(spec.statSlot) + 1, generation: spec.generation, phase: phase)
    }
}

/// Text from plugins on its way into messages.
enum PluginText {
    /// Controls become '?', bad UTF-8 becomes U+FFFD: one line stays one line.
    static func clean(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
        String(decoding: bytes.map { $0 < 0x20 || $0 == 0x7f ? UInt8(ascii: "?") : $0 }, as: UTF8.self)
    }
}

/// sluice_host, one per generation; `context` finds the generation again.
enum HostTable {
    static func make() -> sluice_host {
        sluice_host(
            size: UInt32(MemoryLayout<sluice_host>.size), abi_major: UInt16(SLUICE_ABI_MAJOR), abi_minor: UInt16(SLUICE_ABI_MINOR),
            context: nil,
            get_extension: { host, id in
                guard let id, let table = HostTables.find(id) else { return nil }
                guard let context = host?.pointee.context else { return nil }
                let spec = Unmanaged<Generation>.fromOpaque(context).takeUnretainedValue().spec
                return spec.mayUse(String(cString: id)) ? table : nil
            },
            log: { host, level, text in
                guard let context = host?.pointee.context else { return }
                Unmanaged<Generation>.fromOpaque(context).takeUnretainedValue().write(Int(level), text)
            })
    }
}
