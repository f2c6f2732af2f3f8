// From a configuration and what is loaded to the next revision: plugin copies, counter slots, image. The first revision
// (`sluice run`) and every later one (reload, load, unload) are put together here. Nothing is published here.
import Foundation
import SluiceModel

/// Turns a configuration into an image; `ImageBuilder` of SluiceRules in the process, a fake in tests.
protocol ImageCompiling: Sendable {
    func compile(_ configuration: Configuration, state: ControlState, configPath: String) throws -> [UInt8]
}

/// The next revision, ready to be published.
struct Assembly: Sendable {
    var configuration: Configuration
    var state: ControlState
    var image: [UInt8]
    /// Copies made for it: removed again when it is refused.
    var newCopies: [String]
}

struct Assembler: Sendable {
    let library: PluginLibrary
    let compiler: any ImageCompiling
    /// Absolute path of the configuration file.
    let configPath: String
    let directory: StateDirectory
    var configFolder: String { (configPath as NSString).deletingLastPathComponent }

    /// A configuration as read and merged. `keepLoaded`: what the admin API loaded in the place of a plugin of the file stays (a reload),
    /// or not (a start). Plugins that the file does not name always stay: policies of the store may bind them.
    func assemble(_ configuration: Configuration, from old: ControlState, keepLoaded: Bool) throws -> Assembly {
        var state = old
        state.plugins = []
        state.fileSources = Dictionary(
            configuration.plugins.map { ($0.name, .init(path: $0.path, failOpen: $0.failOpen, capabilities: $0.capabilities)) }
        ) { first, _ in first }
        if !keepLoaded { (state.canaries, state.probations) = ([:], [:]) }
        var copies: [String] = []
        do {
            for source in configuration.plugins {
                if keepLoaded, var loaded = old.plugin(source.name), loaded.origin != .file {
                    loaded.failOpen = source.failOpen ?? loaded.failOpen
                    state.plugins.append(loaded)
                } else {
                    state.plugins.append(try load(source, configuration, old: old, keepLoaded: keepLoaded, state: &state, copies: &copies))
                }
            }
            let named = Set(configuration.plugins.map(\.name))
            state.plugins += old.plugins.filter { $0.origin != .file && !named.contains($0.name) && access($0.copyPath, R_OK) == 0 }
            return try finish(configuration, state, copies)
        } catch {
            for copy in copies { unlink(copy) }
            throw error
        }
    }

    /// The same configuration with the plugins of `state`.
    /// - Parameter changes: the only objects that differ from those of `state`; nil = look at all.
    func assemble(_ configuration: Configuration, state: ControlState, newCopies: [String], changes: [PolicyChange]? = nil) throws
        -> Assembly
    {
        try finish(configuration, state, newCopies, changes)
    }

    /// What a file must keep to under this configuration.
    func rules(_ configuration: Configuration, _ state: ControlState) -> AdmissionRules {
        let sources = state.fileSources, plugins = state.plugins
        return AdmissionRules(
            signatures: SignatureCheck(configuration.pluginSignatures, folder: configFolder),
            granted: { name in sources[name]?.capabilities ?? plugins.first { $0.name == name }?.capabilitiesGranted ?? [] })
    }

    private func load(
        _ source: PluginSource, _ configuration: Configuration, old: ControlState, keepLoaded: Bool, state: inout ControlState,
        copies: inout [String]
    ) throws -> LoadedPlugin {
        let file = try library.find(source.path, configFolder: configFolder)
        let offer = PluginOffer(path: file, name: source.name, capabilities: source.capabilities)
        let staged = try library.stage(offer, rules(configuration, state), in: directory)
        let failOpen = source.failOpen ?? staged.facts.failOpen
        if var loaded = old.plugin(source.name), loaded.sha256 == staged.facts.sha256, access(loaded.copyPath, R_OK) == 0 {
            staged.drop()
            (loaded.failOpen, loaded.origin, loaded.sourcePath) = (failOpen, .file, file)
            (loaded.signature, loaded.capabilitiesGranted) = (staged.signature, staged.granted)
            return loaded
        }
        // Going back holds over a reload; a start, or a load of the name, takes the file again.
        if keepLoaded, var loaded = old.plugin(source.name), loaded.restores != nil,
            old.versions[source.name]?.last(where: { $0.sha256 == staged.facts.sha256 })?.withdrawn != nil
        {
            staged.drop()
            ControlLog.write(.warn, "plugin \(source.name): \(file) was taken back, \(loaded.label) goes on; load it by name to try again")
            loaded.failOpen = source.failOpen ?? loaded.failOpen
            return loaded
        }
        let entry = old.quarantine(source.name, sha256: staged.facts.sha256)
        // What took over from a file in quarantine goes on.
        if let entry, let loaded = old.plugin(source.name), access(loaded.copyPath, R_OK) == 0 {
            staged.drop()
            ControlLog.write(.warn, "plugin \(source.name): \(file) stays in quarantine (\(entry.reason)); \(loaded.label) serves")
            return loaded
        }
        var loaded = try staged.keep(generation: state.nextGeneration(source.name), failOpen: failOpen, origin: .file, in: directory)
        copies.append(loaded.copyPath)
        loaded.isQuarantined = entry != nil
        return loaded
    }

    private func finish(_ configuration: Configuration, _ state: ControlState, _ copies: [String], _ changes: [PolicyChange]? = nil) throws
        -> Assembly
    {
        var configuration = configuration, state = state
        state.revision = state.nextRevision
        state.lastRevision = state.revision
        if let changes {
            let routes = changes.filter { $0.key.kind == .routes }
            state.routeSlots.change(
                added: routes.filter { $0.kind == .created }.map(\.key.id), removed: routes.filter { $0.kind == .deleted }.map(\.key.id))
        } else {
            state.routeSlots.assign(configuration.routes.map(\.id))
        }
        state.settlePlugins(kept: configuration.pluginVersionsKept)
        try PluginConfigurations.check(configuration, state)
        configuration.plugins = state.sources
        let image = try compiler.compile(configuration, state: state, configPath: configPath)
        return Assembly(configuration: configuration, state: state, image: image, newCopies: copies)
    }
}
