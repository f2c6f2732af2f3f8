// How the host finds the plugin's type. The C entry calls the functions of `Entry.swift`; they call the one line in which the plugin
// registers, and find out by its conformances which hooks it has.
import CSluiceABI
import CSluiceSwift

/// Names the plugin of this file: `@c(sluice_swift_plugin) public func plugin() { register(Hello.self) }`. Called once.
public func register<P: Plugin>(_ type: P.Type) {
    withExtendedLifetime(sluice_plugin_v1.size) {}  // links the entry in
    Registered.type = PluginType(type)
}

enum Registered {
    nonisolated(unsafe) static var type: PluginType? = nil
    nonisolated(unsafe) static var tables: PluginTables? = nil
}

/// What the host must know of the type `P`.
struct PluginType {
    let name: String
    let hooks: Hooks
    let make: (Bytes) throws -> AnyInstance
    let worker: (any WorkerHooks.Type)?

    init<P: Plugin>(_ type: P.Type) {
        name = String(describing: type)
        hooks = Hooks(type)
        worker = type as? any WorkerHooks.Type
        make = { AnyInstance(try P(try ConfigDecoder.configuration(P.Config.self, from: $0)), waitMaxMs: P.waitMaxMs) }
    }
}

/// Which hooks a type has. The two sets share nothing.
struct Hooks {
    struct Set: OptionSet {
        let rawValue: UInt16
        static let rewrite = Set(rawValue: 1), access = Set(rawValue: 2), routing = Set(rawValue: 4), content = Set(rawValue: 8)
        static let balancer = Set(rawValue: 16), headerFilter = Set(rawValue: 32), bodyFilter = Set(rawValue: 64), log = Set(rawValue: 128)
    }
    private(set) var plain: Set = []
    private(set) var waiting: Set = []
    /// A phase with two hooks, one of each kind, is a mistake.
    var both: Set { plain.intersection(waiting) }
    var all: Set { plain.union(waiting) }

    init(_ type: any Plugin.Type) {
        if type is any RewriteHook.Type { plain.insert(.rewrite) }
        if type is any AccessHook.Type { plain.insert(.access) }
        if type is any RoutingHook.Type { plain.insert(.routing) }
        if type is any ContentHook.Type { plain.insert(.content) }
        if type is any BalancerHook.Type { plain.insert(.balancer) }
        if type is any HeaderFilterHook.Type { plain.insert(.headerFilter) }
        if type is any BodyFilterHook.Type { plain.insert(.bodyFilter) }
        if type is any LogHook.Type { plain.insert(.log) }
        if type is any AsyncRewriteHook.Type { waiting.insert(.rewrite) }
        if type is any AsyncAccessHook.Type { waiting.insert(.access) }
        if type is any AsyncContentHook.Type { waiting.insert(.content) }
        if type is any AsyncHeaderFilterHook.Type { waiting.insert(.headerFilter) }
        if type is any AsyncBodyFilterHook.Type { waiting.insert(.bodyFilter) }
    }
}
