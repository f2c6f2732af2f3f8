// The rules between values: names given twice, references that lead nowhere, listeners in each other's way, limits that
// contradict each other, names without address, plugin files that cannot be loaded. Shapes are the schema check's business.
import SluiceModel

struct ConfigurationMeaning {
    let tree: ConfigNode
    let configuration: Configuration
    let around: ConfigurationSurroundings
    var problems: ProblemList

    mutating func check() {
        listeners()
        logs()
        limits()
        plugins()
        functions()
        clusters()
        routes()
    }

    private mutating func listeners() {
        let nodes = tree["listeners"]?.items ?? []
        if let list = tree["listeners"], nodes.isEmpty, !list.isEmpty || list.scalar != nil {
            problems.add(list.position, "listeners", "found none; allowed: at least one")
        }
        var seen: [(String, Address, SourcePosition)] = []
        func add(_ list: inout ProblemList, _ node: ConfigNode?, _ path: String) {
            guard let node, let text = node.scalar, text != "off", let socket = Address(checking: text) else { return }
            if let other = seen.first(where: { $0.1.overlaps(socket) }) {
                list.add(
                    node.position, path,
                    "\(quote(text)) overlaps \(other.0) (line \(other.2.line)); allowed: an address and port of its own")
            }
            seen.append((path, socket, node.position))
        }
        for (index, node) in nodes.enumerated() { add(&problems, node["address"], "listeners[\(index)].address") }
        add(&problems, tree["admin"]?["listen"], "admin.listen")
        add(&problems, tree["dyups"]?["listen"], "dyups.listen")
        if let node = tree["admin"]?["listen"], !configuration.admin.isLocal,
            configuration.admin.tls == nil || !configuration.admin.requireToken
        {
            let missing = [configuration.admin.tls == nil ? "tls" : nil, configuration.admin.requireToken ? nil : "require_token: true"]
            problems.add(
                node.position, "admin.listen",
                "\(quote(node.scalar ?? "")) can be reached from other machines; allowed: with "
                    + "\(missing.compactMap(\.self).joined(separator: " and ")), or a loopback address or Unix socket")
        }
    }

    private mutating func logs() {
        if let access = tree["log"]?["access"], access["path"] == nil, let format = access["format"]?.scalar,
            format == "combined" || format == "json"
        {
            problems.add(access.position, "log.access", "key \"path\" is missing; needed when format is \(format)")
        }
    }

    private mutating func limits() {
        let limits = configuration.limits
        if limits.targetBytesMax > limits.headBytesMax, let node = tree["limits"]?["target_bytes"] ?? tree["limits"]?["head_bytes"] {
            let path = tree["limits"]?["target_bytes"] != nil ? "limits.target_bytes" : "limits.head_bytes"
            problems.add(
                node.position, path,
                "target_bytes (\(limits.targetBytesMax)) is more than head_bytes (\(limits.headBytesMax)); allowed: at most head_bytes")
        }
    }

    private mutating func plugins() {
        unique(tree["plugins"]?.items ?? [], key: "name", list: "plugins")
        for (index, node) in (tree["plugins"]?.items ?? []).enumerated() {
            guard let path = node["path"], configuration.plugins.indices.contains(index), !configuration.plugins[index].path.isEmpty else {
                continue
            }
            if let problem = around.pluginProblem(configuration.plugins[index]) {
                problems.add(path.position, "plugins[\(index)].path", problem)
            }
        }
        bindings(tree["global_plugins"], path: "global_plugins")
    }

    private mutating func functions() {
        let nodes = tree["functions"]?.items ?? []
        unique(nodes, key: "name", list: "functions")
        for (index, node) in nodes.enumerated() {
            guard let library = node["library"], configuration.functions.indices.contains(index),
                !configuration.functions[index].library.isEmpty
            else { continue }
            if let problem = around.functionProblem(configuration.functions[index]) {
                problems.add(library.position, "functions[\(index)]", problem)
            }
        }
    }

    private mutating func clusters() {
        let nodes = tree["clusters"]?.items ?? []
        unique(nodes, key: "id", list: "clusters")
        for (index, node) in nodes.enumerated() {
            guard let targets = node["targets"] else { continue }
            if targets.items.isEmpty, targets.scalar == nil || targets.isEmpty {
                problems.add(targets.position, "clusters[\(index)].targets", "found none; allowed: at least one")
            }
            var seen: [String: Int] = [:]
            for (number, target) in targets.items.enumerated() {
                guard let address = target["address"], let text = address.scalar, let socket = Address(checking: text) else { continue }
                let path = "clusters[\(index)].targets[\(number)].address"
                if let first = seen.updateValue(address.position.line, forKey: text) {
                    problems.add(
                        address.position, path, "target \(quote(text)) given twice (first at line \(first)); allowed: once, with a weight")
                } else if socket.isName, let problem = around.nameProblem(text) {
                    problems.add(address.position, path, problem)
                }
            }
        }
    }

    private mutating func routes() {
        let nodes = tree["routes"]?.items ?? []
        unique(nodes, key: "id", list: "routes")
        let known = nodes.isEmpty ? [] : Set(configuration.clusters.map(\.id)).union(around.storedClusters)
        for (index, node) in nodes.enumerated() {
            if let cluster = node["action"]?["cluster"], let id = cluster.scalar, !cluster.isEmpty, !known.contains(id) {
                problems.add(cluster.position, "routes[\(index)].action.cluster", unknown("cluster", id, known))
            }
            if let status = node["action"]?["redirect"]?["status"], let text = status.scalar, let code = Int(text),
                (300...308).contains(code),
                ![301, 302, 303, 307, 308].contains(code)
            {
                problems.add(
                    status.position, "routes[\(index)].action.redirect.status", "found \(quote(text)); allowed: 301, 302, 303, 307, 308")
            }
            bindings(node["plugins"], path: "routes[\(index)].plugins")
        }
    }

    /// Bindings of one list: plugin known, and named once.
    private mutating func bindings(_ list: ConfigNode?, path: String) {
        guard let list else { return }
        let known = Set(configuration.plugins.map(\.name)).union(around.loadedPlugins)
        unique(list.items, key: "name", list: path)
        for (index, node) in list.items.enumerated() {
            guard let name = node["name"], let text = name.scalar, SchemaText.pluginName.problem(text) == nil, !known.contains(text) else {
                continue
            }
            problems.add(name.position, "\(path)[\(index)].name", unknown("plugin", text, known))
        }
    }

    private func unknown(_ what: String, _ name: String, _ known: Set<String>) -> String {
        let all = known.filter { !$0.isEmpty }.sorted()
        let list =
            all.isEmpty ? "none is defined" : all.prefix(20).joined(separator: " ") + (all.count > 20 ? " … (\(all.count) in all)" : "")
        return "unknown \(what) \(quote(name)); known: \(list)\(Suggestion.clause(for: name, in: all))"
    }

    private mutating func unique(_ nodes: [ConfigNode], key: String, list: String) {
        var seen: [String: Int] = [:]
        for (index, node) in nodes.enumerated() {
            guard let value = node[key], let text = value.scalar, !value.isEmpty else { continue }
            if let first = seen[text] {
                problems.add(
                    value.position, "\(list)[\(index)].\(key)", "\(quote(text)) given twice (first at line \(first)); allowed: once")
            } else {
                seen[text] = value.position.line
            }
        }
    }
}
