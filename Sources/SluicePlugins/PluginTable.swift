// The plugins of one image, ready to run: an array of bindings that the pipeline indexes as the image's chains do.
// It also says which typed functions rules may call. Made by `PluginHost.prepare`, given back by `PluginHost.retire` when no
// request uses it any more.
import SluiceRules

/// One configuration of one generation; bindings of several tables share it while plugin and configuration stay the same.
final class Instance {
    let key: UInt64
    let generation: Generation
    let config: String
    let pointer: UnsafeMutableRawPointer?
    var tables = 0

    init(key: UInt64, generation: Generation, config: String, pointer: UnsafeMutableRawPointer?) {
        (self.key, self.generation, self.config, self.pointer) = (key, generation, config, pointer)
    }
    func release() { generation.filter.release?(generation.state, pointer) }
}

public final class PluginTable {
    /// Indexed like `image.bindings`; valid while the table lives.
    public let bound: UnsafeMutablePointer<BoundPlugin>
    public let count: Int
    let generations: [Generation]
    let instances: [Instance]  // of the bindings whose plugin is loaded
    /// Empty once the table is retired, so that its libraries go.
    var functions: FunctionTable
    var isRetired = false
    /// Requests that generations show as in flight because of it.
    var inFlightShown = 0

    init(
        bound: UnsafeMutablePointer<BoundPlugin>, count: Int, generations: [Generation], instances: [Instance], functions: FunctionTable
    ) {
        (self.bound, self.count, self.generations, self.instances, self.functions) = (bound, count, generations, instances, functions)
    }
    /// What rules of this configuration call as "geo.country"; nil: nobody declares it. Valid until the table is retired.
    public func function(_ name: String) -> TypedFunction? { functions.all[name] }
    deinit { bound.deallocate() }
}
