// Loading, replacing and unloading plugins: from a wish to a generation that every worker has. Nothing is running before a copy was
// inspected, kept to the policy, and stood its trial.
import Foundation
import SluiceChannel
import SluiceModel

/// What somebody wants to be loaded, as the admin API understood it.
struct LoadWish: Sendable, Equatable {
    /// Absolute; nil = the configured path of `name`.
    var path: String?
    var name: String?
    var upload: UploadedFile?
    var sha256: String?
    var signature: [UInt8]?
    var capabilities: [String]?
    /// A generation of the store, by number or version.
    var generation: UInt64?
    var version: String?
    var dryRun = false
    var rollout = RolloutWish()
}

/// How a generation is tried with traffic; nil = as configured.
struct RolloutWish: Sendable, Equatable {
    var share: Double?
    var errorsMax: Double?
    var latencyMaxMs: Double?
    var minCalls: UInt64?
    var seconds: Int?
    var isEmpty: Bool { self == RolloutWish() }
}

/// A file that came with a request, in the state directory; whoever takes it removes it.
struct UploadedFile: Sendable, Equatable {
    var path: String
    /// As the sender calls it; "upload" when he does not.
    var name: String
}

extension Control {
    /// Loads the plugin, or replaces the one of its name.
    func load(_ wish: LoadWish) async throws(ChangeRefusal) -> ChangeReport {
        try await alone { () async throws(ChangeRefusal) in try await self.loadAlone(wish) }
    }

    /// Everything that would stop a load, without loading. None of the plugin's code runs.
    func inspect(_ wish: LoadWish) async throws(ChangeRefusal) -> StagedPlugin {
        let staged = try await stage(wish)
        staged.drop()
        try notQuarantined(staged)
        return staged
    }

    /// Takes the plugin out of every worker.
    func unload(_ name: String) async throws(ChangeRefusal) -> ChangeReport {
        try await alone { () async throws(ChangeRefusal) in try await self.unloadAlone(name) }
    }

    /// What is still running of these generations is cancelled in every worker.
    func cancel(_ name: String, _ generations: Set<UInt64>) async {
        for generation in generations.sorted() {
            ControlLog.write(.notice, "plugin \(LoadedPlugin.label(name, generation)): what it still waits for is cancelled")
            // Without a master the process ends anyway.
            _ = await publisher.send(Frame(.cancelGeneration, value: generation, text: name))
        }
    }

    private func loadAlone(_ wish: LoadWish) async throws(ChangeRefusal) -> ChangeReport {
        guard history != nil else { throw unavailableStore }
        let staged = try await stage(wish), name = staged.facts.name
        if let canary = state.canaries[name] {
            staged.drop()
            throw ChangeRefusal(
                kind: .conflict, title: "canary running",
                errors: ["\(canary.plugin.label) runs as a canary; promote it or roll it back first"])
        }
        var next = state
        let plugin = try await admit(staged, wish, &next)
        next.serve(plugin)
        if !wish.rollout.isEmpty { next.probations[name] = probation(plugin, wish.rollout) }
        var report = try await change(to: next, title: "plugin refused", copies: [plugin.copyPath])
        report.plugin = plugin
        audit(plugin, "loaded")
        return report
    }

    private func unloadAlone(_ name: String) async throws(ChangeRefusal) -> ChangeReport {
        guard let plugin = state.plugin(name) else { throw ChangeRefusal(kind: .unknown, title: "no such plugin", errors: []) }
        guard routes(binding: name).isEmpty else {
            throw ChangeRefusal(kind: .conflict, title: "plugin in use", errors: routes(binding: name))
        }
        var next = state
        next.plugins.removeAll { $0.name == name }
        var report = try await change(to: next, title: "plugin not unloaded", copies: [])
        report.plugin = plugin
        ControlLog.write(.notice, "plugin \(plugin.label) unloaded")
        return report
    }

    /// Where the bytes of this request may go.
    func uploadPlace(_ request: AdminRequest) -> UploadPlace {
        guard configuration.pluginsAPI == .upload else {
            return .refused(
                .problem(
                    403, "forbidden", "Not allowed",
                    "plugins_api is \(configuration.pluginsAPI.rawValue) in the configuration; allowed to upload code: set it to upload"))
        }
        return .folder(assembler.directory.plugins)
    }

    // Steps

    /// A checked copy of what the wish means.
    func stage(_ wish: LoadWish) async throws(ChangeRefusal) -> StagedPlugin {
        let library = assembler.library, directory = assembler.directory, rules = assembler.rules(configuration, state)
        var offer: PluginOffer
        if wish.generation != nil || wish.version != nil {
            let kept = try kept(wish)
            offer = PluginOffer(path: kept.copyPath, shownAs: kept.sourcePath, name: kept.name, signature: .settled(kept.signature))
            offer.capabilities = kept.capabilitiesGranted
        } else if let upload = wish.upload {
            offer = PluginOffer(path: upload.path, shownAs: upload.name, name: wish.name, signature: .given(wish.signature))
        } else {
            offer = PluginOffer(path: try pluginFile(path: wish.path, name: wish.name), name: wish.name)
            if let signature = wish.signature { offer.signature = .given(signature) }
        }
        offer.sha256 = wish.sha256
        if let capabilities = wish.capabilities { offer.capabilities = capabilities }
        let wanted = offer
        return try await refusing("plugin refused") { try await offload { try library.stage(wanted, rules, in: directory) } }
    }

    /// The generation of the store that a wish names.
    func kept(_ wish: LoadWish) throws(ChangeRefusal) -> LoadedPlugin {
        let name = wish.name ?? "", list = state.versions[name] ?? []
        let found = list.last { plugin in
            (wish.generation == nil || plugin.generation == wish.generation) && (wish.version == nil || plugin.version == wish.version)
        }
        if let found { return found }
        let known = list.map { "\($0.generation) (\($0.version))" }.joined(separator: ", ")
        throw ChangeRefusal(
            kind: .unknown, title: "no such version",
            errors: ["the store has no such generation of \(name); it has: \(known.isEmpty ? "none" : known)"])
    }

    /// Gives a staged copy its generation, after its trial. On error nothing of it is left.
    func admit(_ staged: StagedPlugin, _ wish: LoadWish, _ next: inout ControlState) async throws(ChangeRefusal) -> LoadedPlugin {
        let name = staged.facts.name, directory = assembler.directory
        do throws(ChangeRefusal) {
            try notQuarantined(staged)
            guard state.plugin(name) != nil || state.plugins.count < Self.pluginsMax else {
                throw ChangeRefusal(
                    title: "plugin refused", errors: ["\(state.plugins.count) plugins are loaded; allowed: at most \(Self.pluginsMax)"])
            }
        } catch {
            staged.drop()
            throw error
        }
        let configured = state.fileSources[name]
        let isKept = wish.generation != nil || wish.version != nil
        var origin: LoadedPlugin.Origin = wish.upload != nil ? .upload : wish.path == nil && configured != nil ? .file : .api
        if isKept { origin = try kept(wish).origin }
        let generation = next.nextGeneration(name), failOpen = configured?.failOpen ?? staged.facts.failOpen
        var plugin = try await refusing("plugin refused") {
            try staged.keep(generation: generation, failOpen: failOpen, origin: origin, in: directory)
        }
        if isKept { plugin.restores = try kept(wish).generation }
        return plugin
    }

    private func notQuarantined(_ staged: StagedPlugin) throws(ChangeRefusal) {
        guard let entry = state.quarantine(staged.facts.name, sha256: staged.facts.sha256) else { return }
        throw ChangeRefusal(
            kind: .conflict, title: "plugin in quarantine",
            errors: [
                "this file is in quarantine since generation \(entry.generation): \(entry.reason); "
                    + "lift it with DELETE /v1/plugins/\(staged.facts.name)/quarantine"
            ])
    }

    /// What was loaded, from where, and what it may do: for whoever reads the error log afterwards.
    func audit(_ plugin: LoadedPlugin, _ what: String) {
        let key = plugin.signature.key.map { " by key \($0)" } ?? ""
        let granted = plugin.capabilitiesAsked.isEmpty ? "none" : plugin.capabilitiesAsked.joined(separator: ", ")
        ControlLog.write(
            .notice,
            "plugin \(plugin.label) (\(plugin.version)) \(what) from \(plugin.sourcePath), sha256 \(plugin.sha256), "
                + "signature \(plugin.signature.state.rawValue)\(key), capabilities: \(granted)")
        if configuration.pluginSignatures.policy == .warn, plugin.signature.state == .missing || plugin.signature.state == .wrong {
            ControlLog.write(
                .warn, "plugin \(plugin.label): its signature is \(plugin.signature.state.rawValue) (plugin_signatures.policy is warn)")
        }
    }
}
