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
        var use: CELUse
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
            if let when = route.when { out.append(Place(text: when, path: "routes[\(index)].match.when", object: object, use: .route)) }
            if let unless = route.maintenance?.unless {
                out.append(Place(text: unless, path: "routes[\(index)].maintenance.unless", object: object, use: .request))
            }
        }
        for (binding, path, object) in allBindings {
            if let when = binding.when { out.append(Place(text: when, path: path + ".when", object: object, use: .request)) }
        }
        return out
    }

    mutating func conditions() {
        let consumers = Set(configuration.consumers.map(\.id))
        for place in expressions {
            guard let facts = ExpressionFacts.of(place.text, place.use, configuration) else { continue }
            if let value = facts.constant {
                let isRoute = place.path.hasSuffix("match.when")
                if isRoute, !value {
                    add(
                        .unreachableRoute, place.path, place.object, "its condition is false for every request",
                        "delete the route, or mend the condition")
                } else {
                    add(
                        .constantCondition, place.path, place.object, "the condition is \(value) for every request",
                        value ? "leave it out" : "delete what it guards, or mend it")
                }
            }
            for name in facts.consumers where !consumers.contains(name) {
                let known = configuration.consumers.map(\.id)
                add(
                    .unknownConsumer, place.path, place.object, "no consumer is called \(quote(name))",
                    "create it, or name one that is there" + Suggestion.clause(for: name, in: known))
            }
            if facts.cost > Limits.expressionCostMax / 4 {
                add(
                    .costlyCondition, place.path, place.object, "it may cost \(facts.cost) of \(Limits.expressionCostMax) units",
                    "ask for what is cheap first, and for less of headers and lists")
            }
            for pattern in facts.patterns {
                if let why = PatternCost.complaint(pattern) { add(.costlyPattern, place.path, place.object, why.message, why.advice) }
            }
        }
    }

    /// The value of a condition that has the same for every request; nil = it depends.
    func constant(_ text: String) -> Bool? { ExpressionFacts.of(text, .route, configuration)?.constant }
}
