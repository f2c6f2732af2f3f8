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

    /// A configuration as read. `keepLoaded`: plugins that the admin API loaded stay (a reload), or not (a start).
    func assemble(_ configuration: Configuration, text: String, from old: ControlState, keepLoaded: Bool) throws -> Assembly {
        var state = old
        state.configText = text
        state.plugins = []
        state.fileSources = Dictionary(configuration.plugins.map { ($0.name, .init(path: $0.path, failOpen: $0.failOpen)) }) { first, _ in
            first
        }
        var copies: [String] = []
        do {
            for source in configuration.plugins {
                if keepLoaded, var loaded = old.plugin(source.name), loaded.origin == .api {
                    loaded.failOpen = source.failOpen
                    state.plugins.append(loaded)
                } else {
                    state.plugins.append(try load(source, old: old, state: &state, copies: &copies))
                }
            }
            if keepLoaded {
                let named = Set(configuration.plugins.map(\.name))
                state.plugins += old.plugins.filter { $0.origin == .api && !named.contains($0.name) }
            }
            return try finish(configuration, state, copies)
        } catch {
            for copy in copies { unlink(copy) }
            throw error
        }
    }

    /// The same configuration with another set of plugins.
    func assemble(_ configuration: Configuration, plugins: [LoadedPlugin], state: ControlState, newCopies: [String]) throws -> Assembly {
        var state = state
        state.plugins = plugins
        return try finish(configuration, state, newCopies)
    }

    private func load(_ source: PluginSource, old: ControlState, state: inout ControlState, copies: inout [String]) throws -> LoadedPlugin {
        let file = try library.find(source.path, configFolder: configFolder)
        let staged = try library.stage(file, name: source.name, in: directory)
        if var loaded = old.plugin(source.name), loaded.sha256 == staged.facts.sha256, access(loaded.copyPath, R_OK) == 0 {
            staged.drop()
            (loaded.failOpen, loaded.origin, loaded.sourcePath) = (source.failOpen, .file, file)
            return loaded
        }
        let loaded = try staged.keep(generation: state.nextGeneration(source.name), failOpen: source.failOpen, origin: .file, in: directory)
        copies.append(loaded.copyPath)
        return loaded
    }

    private func finish(_ configuration: Configuration, _ state: ControlState, _ copies: [String]) throws -> Assembly {
        var configuration = configuration, state = state
        state.revision = max(state.revision, state.lastRevision) + 1
        state.lastRevision = state.revision
        state.routeSlots.assign(configuration.routes.map(\.id))
        state.pluginSlots.assign(state.plugins.map(\.name))
        configuration.plugins = state.plugins.map { plugin in
            var source = PluginSource(name: plugin.name, path: plugin.sourcePath)
            source.failOpen = plugin.failOpen
            return source
        }
        let image = try compiler.compile(configuration, state: state, configPath: configPath)
        return Assembly(configuration: configuration, state: state, image: image, newCopies: copies)
    }
}
