// The machine that a configuration is checked on: environment, names, plugin files. One value a check, so that a name is
// looked up and a plugin file inspected once.
import Foundation
import SluiceModel

extension ConfigurationSurroundings {
    /// - Parameter looking: false when only the shape of the file is of interest (the machine is then not asked).
    static func machine(
        resolver: NameResolver, library: PluginLibrary, configFolder: String, loadedPlugins: Set<String> = [], looking: Bool = true,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> ConfigurationSurroundings {
        var out = ConfigurationSurroundings(variable: { environment[$0] })
        out.loadedPlugins = loadedPlugins
        guard looking else { return out }
        out.nameProblem = { resolver.problem($0) }
        out.pluginProblem = { source in
            do {
                let file = try library.find(source.path, configFolder: configFolder)
                let facts = try library.inspector.inspect(path: file)
                return facts.name == source.name ? nil : "\(quote(file)) calls itself \(quote(facts.name)); allowed: \(quote(source.name))"
            } catch {
                return "\(error)"
            }
        }
        out.functionProblem = { FunctionLibraries.problem($0, configFolder: configFolder) }
        return out
    }
}
