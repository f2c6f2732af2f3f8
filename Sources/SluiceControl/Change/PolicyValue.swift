// One policy object of any kind, and the configuration seen as lists of them. Everything that is the same for all kinds (edits, the
// store, history, export) works with these; the kinds themselves are SluiceModel's.
import SluiceModel

enum PolicyValue: Sendable, Equatable {
    case route(Route), cluster(Cluster), globalPlugin(PluginBinding), consumer(Consumer), certificate(Certificate), ipSet(IPSet)

    var key: PolicyKey {
        switch self {
        case .route(let route): PolicyKey(kind: .routes, id: route.id)
        case .cluster(let cluster): PolicyKey(kind: .clusters, id: cluster.id)
        case .globalPlugin(let binding): PolicyKey(kind: .globalPlugins, id: binding.id.isEmpty ? binding.name : binding.id)
        case .consumer(let consumer): PolicyKey(kind: .consumers, id: consumer.id)
        case .certificate(let certificate): PolicyKey(kind: .certificates, id: certificate.id)
        case .ipSet(let set): PolicyKey(kind: .ipSets, id: set.id)
        }
    }

    /// In the grammar of the file.
    func json(masked: Bool) -> JSONValue {
        switch self {
        case .route(let route): ConfigurationEncoder.route(route, masked)
        case .cluster(let cluster): ConfigurationEncoder.cluster(cluster)
        case .globalPlugin(let binding): ConfigurationEncoder.binding(binding, masked)
        case .consumer(let consumer): ConfigurationEncoder.consumer(consumer, masked)
        case .certificate(let certificate): ConfigurationEncoder.certificate(certificate, masked)
        case .ipSet(let set): ConfigurationEncoder.ipSet(set)
        }
    }

    /// A checked tree → the object.
    init(_ kind: PolicyKind, _ node: ConfigNode) {
        self =
            switch kind {
            case .routes: .route(ConfigurationDecoder.route(node))
            case .clusters: .cluster(ConfigurationDecoder.cluster(node))
            case .globalPlugins: .globalPlugin(ConfigurationDecoder.binding(node))
            case .consumers: .consumer(ConfigurationDecoder.consumer(node))
            case .certificates: .certificate(ConfigurationDecoder.certificate(node))
            case .ipSets: .ipSet(ConfigurationDecoder.ipSet(node))
            }
    }
}

extension PolicyKind {
    /// The list of this kind in the file, whose items are the objects.
    var grammar: SchemaKey { Grammar.root.first { $0.name == rawValue }! }

    /// Shape of one object.
    var item: SchemaKind {
        guard case .list(let item, _) = grammar.kind else { preconditionFailure("\(rawValue) is no list") }
        return item
    }
    /// How many there may be.
    var max: Int {
        guard case .list(_, let max) = grammar.kind else { preconditionFailure("\(rawValue) is no list") }
        return max
    }
    /// Global bindings run in the order of the list; elsewhere it means nothing.
    var isOrdered: Bool { self == .globalPlugins }
}

extension Configuration {
    func count(_ kind: PolicyKind) -> Int {
        switch kind {
        case .routes: routes.count
        case .clusters: clusters.count
        case .globalPlugins: globalPlugins.count
        case .consumers: consumers.count
        case .certificates: certificates.count
        case .ipSets: ipSets.count
        }
    }

    func policy(_ kind: PolicyKind, at index: Int) -> PolicyValue {
        switch kind {
        case .routes: .route(routes[index])
        case .clusters: .cluster(clusters[index])
        case .globalPlugins: .globalPlugin(globalPlugins[index])
        case .consumers: .consumer(consumers[index])
        case .certificates: .certificate(certificates[index])
        case .ipSets: .ipSet(ipSets[index])
        }
    }

    /// Replaces the object at `index`, or appends when it is the end.
    mutating func set(_ value: PolicyValue, at index: Int) {
        func put<T>(_ list: inout [T], _ item: T) { if index == list.count { list.append(item) } else { list[index] = item } }
        switch value {
        case .route(let route): put(&routes, route)
        case .cluster(let cluster): put(&clusters, cluster)
        case .globalPlugin(let binding): put(&globalPlugins, binding)
        case .consumer(let consumer): put(&consumers, consumer)
        case .certificate(let certificate): put(&certificates, certificate)
        case .ipSet(let set): put(&ipSets, set)
        }
    }

    /// Takes the object at `index` out. Where the order means nothing the last one takes its place, so that this costs the same however
    /// many there are.
    mutating func removePolicy(_ kind: PolicyKind, at index: Int) {
        func drop<T>(_ list: inout [T]) {
            if kind.isOrdered { list.remove(at: index); return }
            list.swapAt(index, list.count - 1)
            list.removeLast()
        }
        switch kind {
        case .routes: drop(&routes)
        case .clusters: drop(&clusters)
        case .globalPlugins: drop(&globalPlugins)
        case .consumers: drop(&consumers)
        case .certificates: drop(&certificates)
        case .ipSets: drop(&ipSets)
        }
    }

    /// Without a single object: what the file alone decides.
    var settingsOnly: Configuration {
        var out = self
        (out.routes, out.clusters, out.globalPlugins) = ([], [], [])
        (out.consumers, out.certificates, out.ipSets) = ([], [], [])
        return out
    }
}
