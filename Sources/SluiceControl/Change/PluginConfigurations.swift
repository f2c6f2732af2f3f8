// Every configuration that a file or a change gives to plugins, against the schema of the generation that will get it. Done before
// anything is published, so that a mistake is told with its place and no worker is asked.
import SluiceModel
import SluiceRules

enum PluginConfigurations {
    /// - Throws: `ImageError` with the path of the first mistake.
    static func check(_ configuration: Configuration, _ state: ControlState) throws {
        var schemas: [String: [ConfigSchema]] = [:]
        for plugin in state.plugins + state.canaries.values.map(\.plugin) where !plugin.isQuarantined {
            if let text = plugin.configSchema { schemas[plugin.name, default: []].append(try ConfigSchema(text)) }
        }
        guard !schemas.isEmpty else { return }
        try check(configuration.globalPlugins, schemas, "global_plugins")
        for (index, route) in configuration.routes.enumerated() { try check(route.plugins, schemas, "routes[\(index)].plugins") }
    }

    private static func check(_ bindings: [PluginBinding], _ schemas: [String: [ConfigSchema]], _ path: String) throws {
        for (index, binding) in bindings.enumerated() {
            guard let list = schemas[binding.name] else { continue }
            let value = try JSONReader.read(Array(binding.configJSON.utf8))
            for schema in list {
                guard let problem = schema.problem(value) else { continue }
                throw ImageError(
                    path: "\(path)[\(index)].config" + problem.path, found: problem.found,
                    allowed: "\(problem.allowed) (schema of \(binding.name))")
            }
        }
    }
}
