// The one who decides: holds the running configuration and its state, and makes every change one after the other. Each change is
// assembled, written down, published, and only then believed. The admin API, signals and the command line all end here. Loading
// and unloading are in `Control+Plugins.swift`, canaries and going back in `Control+Rollout.swift`, crashes in
// `Control+Quarantine.swift`; how a change reaches the workers is `Publisher.swift`.
import Foundation
import SluiceModel
import SluiceRules
import SluiceShared

/// Why a change was not made. Nothing changed.
struct ChangeRefusal: Error, Sendable, Equatable {
    enum Kind: Sendable { case refused, unknown, conflict, busy }
    var kind = Kind.refused
    /// invalid configuration, plugin refused, refused by a worker…
    var title: String
    /// One line each.
    var errors: [String]
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
    /// What runs. Changes go through `change(to:)`; only what need not be published is set directly.
    var state: ControlState
    let publisher: Publisher
    let assembler: Assembler
    let prober: any PluginProbing
    private let readFile: @Sendable (String) throws -> [UInt8]
    private let surroundings: @Sendable (Set<String>) -> ConfigurationSurroundings
    private let onChange: @Sendable (Configuration) async -> Void
    var crashes = CrashTally()
    /// Libraries of `functions` that stood their trial in the last change.
    var soundLibraries: Set<ProbeRequest> = []
    private var isChanging = false
    private var queue: [CheckedContinuation<Void, Never>] = []
    static let queueMax = 64
    /// Counter slot 0 is nobody's.
    static let pluginsMax = min(Limits.pluginsMax, SharedLimits.pluginSlots - 1)

    init(
        configuration: Configuration, state: ControlState, publisher: Publisher, assembler: Assembler, prober: any PluginProbing = Probe(),
        readFile: @escaping @Sendable (String) throws -> [UInt8] = { try FileIO.read($0, max: SchemaLimits.fileBytesMax) },
        surroundings: @escaping @Sendable (Set<String>) -> ConfigurationSurroundings,
        onChange: @escaping @Sendable (Configuration) async -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.state = state
        self.publisher = publisher
        self.assembler = assembler
        self.prober = prober
        self.readFile = readFile
        self.surroundings = surroundings
        self.onChange = onChange
    }

    // Changes

    /// Reads the file again.
    func reload() async throws(ChangeRefusal) -> ChangeReport {
        try await alone { () async throws(ChangeRefusal) in try await self.reloadAlone() }
    }

    private func reloadAlone() async throws(ChangeRefusal) -> ChangeReport {
        let path = assembler.configPath, read = readFile
        let around = surroundings(Set(state.plugins.filter { $0.origin != .file }.map(\.name)))
        let text = try await refusing("configuration cannot be read") { try await offload { try read(path) } }
        let reading = await offload { ConfigurationReader.read(text, around) }
        guard reading.isGood else { throw ChangeRefusal(title: "configuration refused", errors: reading.lines(file: path)) }
        let assembler = self.assembler, old = state
        let assembly = try await refusing(
            "configuration refused", describe: { ($0 as? ImageError).map { reading.line(of: $0, file: path) } }
        ) {
            try await offload {
                try assembler.assemble(reading.configuration, text: String(decoding: text, as: UTF8.self), from: old, keepLoaded: true)
            }
        }
        let before = configuration
        var report = try await publish(assembly)
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
        return try await publish(assembly)
    }

    /// Nothing of a change that is not made stays but the numbers it used.
    func giveUp(_ next: ControlState, _ copies: [String]) {
        for copy in copies { unlink(copy) }
        state.remember(numbersOf: next)
    }

    /// Writes the revision down, takes it to the workers, and believes it when they do.
    private func publish(_ assembled: Assembly) async throws(ChangeRefusal) -> ChangeReport {
        let directory = assembler.directory
        var assembly = assembled
        assembly.state.startProbations(after: state, assembly.configuration.pluginProbation)
        func refuse(_ title: String, _ errors: [String]) -> ChangeRefusal {
            giveUp(assembly.state, assembly.newCopies)
            directory.forget(assembly.state.revision)
            try? directory.save(state)  // the counters only; they are remembered in memory in any case
            return ChangeRefusal(title: title, errors: errors)
        }
        if let problems = await trials(assembly) { throw refuse("plugin refused", problems) }
        let descriptor: Int32
        do {
            try directory.save(assembly.state)
            descriptor = try SealedImage.make(assembly.image)
        } catch {
            throw refuse("state directory cannot be written", ["\(error)"])
        }
        let outcome = await publisher.publish(descriptor: descriptor, revision: assembly.state.revision)
        close(descriptor)
        guard outcome.committed else { throw refuse("refused by the workers", outcome.reasons) }
        (configuration, state) = (assembly.configuration, assembly.state)
        do {
            try directory.settle(state, image: assembly.image)
        } catch {
            ControlLog.write(.error, "revision \(state.revision) runs, but the last good image was not kept: \(error)")
        }
        await onChange(configuration)
        return ChangeReport(outcome: outcome)
    }

    // Helpers

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
