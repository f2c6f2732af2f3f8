// The linter's look at conditions: those that are always the same, those that ask for consumers that nobody is, those that cost. What an
// expression means is asked of SluiceCEL.
import SluiceCEL
import SluiceModel

extension Linter {
    /// An expression of the configuration and its place.
    struct Place {
        var text: String
        var path: String
        var object: String
        var environment: CELEnvironment
    }

    var allBindings: [(binding: PluginBinding, path: String, object: String)] {
        var out: [(PluginBinding, String, String)] = []
        func add(_ list: [PluginBinding], _ path: String, _ object: String) {
            for (index, binding) in list.enumerated() { out.append((binding, "\(path)[\(index)]", object)) }
        }
        for (index, binding) in configuration.globalPlugins.enumerated() {
            out.append((binding, "global_plugins[\(index)]", "global_plugins/\(binding.id.isEmpty ? binding.name : binding.id)"))
        }
        for (index, route) in configuration.routes.enumerated() {
            add(route.plugins, "routes[\(index)].plugins", "routes/\(route.id)")
            if case .plugin(let binding) = route.action { out.append((binding, "routes[\(index)].action.plugin", "routes/\(route.id)")) }
        }
        for (index, consumer) in configuration.consumers.enumerated() {
            add(consumer.plugins, "consumers[\(index)].plugins", "consumers/\(consumer.id)")
        }
        return out
    }

    /// Every condition there is.
    var expressions: [Place] {
        var out: [Place] = []
        for (index, route) in configuration.routes.enumerated() {
            let object = "routes/\(route.id)"
            if let when = route.when {
                out.append(Place(text: when, path: "routes[\(index)].match.when", object: object, environment: .route))
            }
            if let unless = route.maintenance?.unless {
                out.append(Place(text: unless, path: "routes[\(index)].maintenance.unless", object: object, environment: .request))
            }
        }
        for (binding, path, object) in allBindings {
            if let when = binding.when { out.append(Place(text: when, path: path + ".when", object: object, environment: .request)) }
        }
        return out
    }

    /// The value of a condition that has the same for every request; nil = it depends.
    func constant(_ text: String) -> Bool? { nil }
}
