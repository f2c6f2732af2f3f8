// Which plugins and libraries a change makes trials of: those whose code, configurations or functions no worker has run yet. The trial
// itself is `Probe.swift`.
import SluiceModel

extension Control {
    /// Why the change must not reach the workers; nil when every trial went well.
    func trials(_ assembly: Assembly) async -> [String]? {
        if assembly.state.plugins.isEmpty, assembly.state.canaries.isEmpty, assembly.configuration.functions.isEmpty { return nil }
        let known = Set(Self.probes(configuration, state))
        let libraries = FunctionLibraries.trials(assembly.configuration.functions, image: assembly.image)
        let new =
            Self.probes(assembly.configuration, assembly.state).filter { !known.contains($0) }
            + libraries.filter { !soundLibraries.contains($0) }
        let prober = self.prober
        // One by one: a plugin that eats the machine does it alone.
        var problems: [String] = []
        for request in new {
            let verdict = await prober.run(request)
            ControlLog.write(
                .debug, "trial of \(request.label) took \(verdict.tookMs) ms: \(verdict.problem ?? "sound")")
            guard let problem = verdict.problem else { continue }
            problems.append("\(request.label): \(problem)")
        }
        if problems.isEmpty { soundLibraries = Set(libraries) }
        return problems.isEmpty ? nil : problems
    }

    /// What a worker would load and configure for this configuration.
    static func probes(_ configuration: Configuration, _ state: ControlState) -> [ProbeRequest] {
        var configurations: [String: Set<String>] = [:]
        for binding in configuration.globalPlugins + configuration.routes.flatMap(\.plugins) {
            configurations[binding.name, default: []].insert(binding.configJSON)
        }
        return (state.plugins + state.canaries.values.map(\.plugin)).filter { !$0.isQuarantined }.map { plugin in
            ProbeRequest(
                path: plugin.copyPath, name: plugin.name, generation: plugin.generation, digest: plugin.digest,
                configurations: (configurations[plugin.name] ?? []).sorted())
        }
    }
}
