// The one who decides: holds the running configuration and its state, and makes every change one after the other. Each change is
// assembled, written down, published, and only then believed. The admin API, signals and the command line all end here. Loading
// and unloading are in `Control+Plugins.swift`, canaries and going back in `Control+Rollout.swift`, crashes in
// `Control+Quarantine.swift`; how a change reaches the workers is `Publisher.swift`.
import Foundation
import SluiceModel
import SluiceRules
import SluiceShared
import SluiceStore

/// Why a change was not made. Nothing changed.
struct ChangeRefusal: Error, Sendable, Equatable {
    enum Kind: Sendable {
        case refused, unknown, conflict, busy
        /// An ETag or revision that is no longer the one.
        case stale
        /// `problems` says what is wrong with the edit.
        case invalid
        /// Nothing can be kept: `errors` says why, and what repairs it.
        case unavailable
    }
    var kind = Kind.refused
    /// invalid configuration, plugin refused, refused by a worker…
    var title: String
    /// One line each.
    var errors: [String]
    var problems: [PolicyProblem] = []
}

/// What came of a change that was made.
struct ChangeReport: Sendable {
    var outcome: ChangeOutcome
    /// Keys of the file that changed and only hold after a restart.
    var needsRestart: [String] = []
    var plugin: LoadedPlugin?
}

actor Control {
    private(set) var configuration: Configuration
    /// Where each policy object stands in it.
    private(set) var table: PolicyTable
    /// What runs. Changes go through `change(to:)`; only what need not be published is set directly.
    var state: ControlState
    let publisher: Publisher
    let assembler: Assembler
    let prober: any PluginProbing
    let keeper: any SecretKeeping
    /// Nil: nothing can be kept, `unavailable` says why.
    var history: History?
    var unavailable: String?
    /// The revision that goes back by itself, and when.
    var waiting: RevisionRow?
    private var image: ImageKeeper
    let readFile: @Sendable (String) throws -> [UInt8]
    let surroundings: @Sendable (Surroundings) -> ConfigurationSurroundings
    private let onChange: @Sendable (Configuration) async -> Void
    var crashes = CrashTally()
    /// Libraries of `functions` that stood their trial in the last change.
    var soundLibraries: Set<ProbeRequest> = []
    private var isChanging = false
    private var queue: [CheckedContinuation<Void, Never>] = []
    static let queueMax = 64
    /// Counter slot 0 is nobody's.
    static let pluginsMax = min(Limits.pluginsMax, SharedLimits.pluginSlots - 1)

    /// - Parameters:
    ///   - present: what the store holds, which is what the workers run.
    ///   - unavailable: why there is no `history`.
    init(
        present: StoredPresent, history: History?, unavailable: String? = nil, publisher: Publisher, assembler: Assembler,
        prober: any PluginProbing = Probe(), keeper: any SecretKeeping = NoSecretKeeper(),
        readFile: @escaping @Sendable (String) throws -> [UInt8] = { try FileIO.read($0, max: SchemaLimits.fileBytesMax) },
        surroundings: @escaping @Sendable (Surroundings) -> ConfigurationSurroundings,
        onChange: @escaping @Sendable (Configuration) async -> Void = { _ in }
    ) {
        (configuration, table, state) = (present.configuration, present.table, present.state)
        (self.history, self.unavailable) = (history, unavailable)
        self.publisher = publisher
        self.assembler = assembler
        self.prober = prober
        self.keeper = keeper
        image = ImageKeeper(directory: assembler.directory)
        self.readFile = readFile
        self.surroundings = surroundings
        self.onChange = onChange
    }

    /// What a check needs to know of what runs.
    struct Surroundings: Sendable {
        /// Plugins that the file need not name.
        var plugins: Set<String>
        /// Clusters of the store.
        var clusters: Set<String> = []
        /// Names of targets are looked up again.
        var isFresh: Bool
    }

    // Changes

    /// Reads the file again.
    func reload() async throws(ChangeRefusal) -> ChangeReport {
        try await alone { () async throws(ChangeRefusal) in try await self.reloadAlone() }
    }

    private func reloadAlone() async throws(ChangeRefusal) -> ChangeReport {
        try mayChangePolicies()
        let path = assembler.configPath, read = readFile, keeper = self.keeper
        let kept = Set(state.plugins.filter { $0.origin != .file }.map(\.name))
        let around = surroundings(Surroundings(plugins: kept, clusters: Set(configuration.clusters.map(\.id)), isFresh: true))
        let text = try await refusing("configuration cannot be read") { try await offload { try read(path) } }
        let reading = await offload { ConfigurationReader.read(text, around) }
        guard reading.isGood else { throw ChangeRefusal(title: "configuration refused", errors: reading.lines(file: path)) }
        let assembler = self.assembler, old = state, stored = configuration, table = self.table, history = self.history
        let merge = try await refusing("configuration refused") {
            try await offload {
                try FileMerge(
                    file: reading.configuration, stored: stored, table: table, base: try history?.fileDigests() ?? [:], keeper: keeper,
                    revision: old.nextRevision)
            }
        }
        let assembly = try await refusing(
            "configuration refused", describe: { ($0 as? ImageError).map { merge.line(of: $0, reading, file: path) } }
        ) {
            try await offload { try assembler.assemble(merge.configuration, from: old, keepLoaded: true) }
        }
        let before = configuration
        var note = RevisionNote("file", .file)
        (note.changes, note.files, note.table) = (merge.changes, merge.files, merge.table)
        var report = try await publish(assembly, note)
        report.needsRestart = Self.needsRestart(before, reading.configuration)
        return report
    }

    /// Assembles what `next` says and publishes it; `copies` were made for it and go when it is refused.
    func change(to next: ControlState, title: String, copies: [String]) async throws(ChangeRefusal) -> ChangeReport {
        let assembler = self.assembler, configuration = self.configuration
        let assembly: Assembly
        do throws(ChangeRefusal) {
            assembly = try await refusing(title) {
                try await offload { try assembler.assemble(configuration, state: next, newCopies: copies) }
            }
        } catch {
            giveUp(next, copies)
            throw error
        }
        return try await publish(assembly, RevisionNote("plugin", ChangeActor(name: "plugins")))
    }

    /// Nothing of a change that is not made stays but the numbers it used.
    func giveUp(_ next: ControlState, _ copies: [String]) {
        for copy in copies { unlink(copy) }
        state.remember(numbersOf: next)
    }

    /// Writes the revision down, takes it to the workers, and believes it when they do.
    func publish(_ assembled: Assembly, _ note: RevisionNote) async throws(ChangeRefusal) -> ChangeReport {
        var assembly = assembled
        assembly.state.startProbations(after: state, assembly.configuration.pluginProbation)
        let revision = assembly.state.revision
        if let problems = await trials(assembly) { throw refuse(assembly, "plugin refused", problems) }
        let descriptor: Int32
        do {
            guard history != nil else { throw StoreProblem(unavailable ?? "there is no store") }
            try history!.begin(assembly, note, after: state)
            descriptor = try SealedImage.make(assembly.image)
        } catch {
            throw refuse(assembly, "state directory cannot be written", ["\(error)"])
        }
        let outcome = await publisher.publish(descriptor: descriptor, revision: revision)
        close(descriptor)
        guard outcome.committed else { throw refuse(assembly, "refused by the workers", outcome.reasons) }
        do { try history!.activate(revision) } catch {
            // It runs and is written down; a control process that starts finds that the workers run it.
            ControlLog.write(.error, "revision \(revision) runs, but is not marked so: \(error)")
        }
        believe(assembly, note)
        await onChange(configuration)
        return ChangeReport(outcome: outcome)
    }

    private func believe(_ assembly: Assembly, _ note: RevisionNote) {
        let copiesChanged = assembly.state.copies != state.copies
        (configuration, state) = (assembly.configuration, assembly.state)
        if let table = note.table { self.table = table }
        image.keep(assembly.image, revision: state.revision)
        if copiesChanged { assembler.directory.settle(state) }
    }

    private func refuse(_ assembly: Assembly, _ title: String, _ errors: [String]) -> ChangeRefusal {
        giveUp(assembly.state, assembly.newCopies)
        do {
            try history?.drop(assembly.state.revision)
            try history?.keepCounters(state)
        } catch {
            ControlLog.write(.error, "revision \(assembly.state.revision), which was refused, is not dropped yet: \(error)")
        }
        return ChangeRefusal(title: title, errors: errors)
    }

    /// - Throws: unavailable, or conflict while a revision waits to be confirmed.
    func mayChangePolicies() throws(ChangeRefusal) {
        guard history != nil else { throw unavailableStore }
        guard let waiting else { return }
        throw ChangeRefusal(
            kind: .conflict, title: "a revision waits to be confirmed",
            errors: ["revision \(waiting.number) of \(waiting.actor) must be confirmed first, or goes back by itself"])
    }

    /// Once, before the first change: what runs is what would be started again, and what waits to be confirmed goes on waiting.
    func started(_ running: [UInt8]) {
        image.keep(running, revision: state.revision)
        assembler.directory.dropUnfinished()
        guard let history else { return }  // which copies are needed is not known
        assembler.directory.settle(state)
        do { if let row = try history.store.waiting() { wait(for: row) } } catch {
            ControlLog.write(.error, "what waits to be confirmed is not known: \(error)")
        }
    }

    /// The last good image is on the disk.
    func imageKept() async { await image.wait() }

    // Helpers

    /// Of an edit: everything that runs is there already.
    var around: ConfigurationSurroundings {
        surroundings(Surroundings(plugins: Set(state.plugins.map(\.name)), isFresh: false))
    }

    /// The file that a wish means: `path`, or where a plugin of this name is or came from.
    func pluginFile(path: String?, name: String?) throws(ChangeRefusal) -> String {
        if let path { return path }
        let name = name ?? ""
        if let configured = state.fileSources[name] {
            do throws(PluginRefusal) { return try assembler.library.find(configured.path, configFolder: assembler.configFolder) } catch {
                throw ChangeRefusal(title: "plugin refused", errors: [error.description])
            }
        }
        guard let loaded = state.plugin(name) else {
            let known = Set(state.plugins.map(\.name)).union(state.fileSources.keys).sorted()
            throw ChangeRefusal(
                title: "plugin refused",
                errors: ["unknown plugin \(quote(name)); known: \(known.joined(separator: " "))\(Suggestion.clause(for: name, in: known))"])
        }
        guard loaded.origin != .upload else {
            throw ChangeRefusal(title: "plugin refused", errors: ["\(name) was uploaded; allowed: another upload, or a path"])
        }
        return loaded.sourcePath
    }

    /// Routes that run this plugin; "(every route)" for a global binding.
    func routes(binding name: String) -> [String] {
        (configuration.globalPlugins.contains { $0.name == name } ? ["(every route)"] : [])
            + configuration.routes.filter { $0.plugins.contains { $0.name == name } }.map(\.id)
    }

    private static func needsRestart(_ old: Configuration, _ new: Configuration) -> [String] {
        var keys: [String] = []
        if old.workers != new.workers { keys.append("workers") }
        if old.user != new.user { keys.append("user") }
        if old.group != new.group { keys.append("group") }
        if old.pidFile != new.pidFile { keys.append("pid_file") }
        if old.stateDirectory != new.stateDirectory { keys.append("state_directory") }
        if old.coreBytesMax != new.coreBytesMax { keys.append("core_bytes") }
        if old.log.errorPath != new.log.errorPath { keys.append("log.error") }
        if old.log.accessPath != new.log.accessPath { keys.append("log.access.path") }
        return keys
    }

    /// One change at a time, in the order they came.
    func alone<T: Sendable>(_ change: () async throws(ChangeRefusal) -> T) async throws(ChangeRefusal) -> T {
        if isChanging {
            guard queue.count < Self.queueMax else {
                throw ChangeRefusal(kind: .busy, title: "busy", errors: ["\(queue.count) changes wait already; try again"])
            }
            await withCheckedContinuation { queue.append($0) }
        }
        isChanging = true
        defer {
            if queue.isEmpty { isChanging = false } else { queue.removeFirst().resume() }
        }
        return try await change()
    }

    func refusing<T>(_ title: String, describe: (any Error) -> String? = { _ in nil }, _ body: () async throws -> T)
        async throws(ChangeRefusal) -> T
    {
        do { return try await body() } catch { throw ChangeRefusal(title: title, errors: [describe(error) ?? "\(error)"]) }
    }
}

/// Runs what blocks (files, name lookups, compiling) away from the few threads that tasks share.
func offload<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { waiter in
        DispatchQueue.global().async { waiter.resume(with: Result { try body() }) }
    }
}
func offload<T: Sendable>(_ body: @escaping @Sendable () -> T) async -> T {
    await withCheckedContinuation { waiter in
        DispatchQueue.global().async { waiter.resume(returning: body()) }
    }
}
