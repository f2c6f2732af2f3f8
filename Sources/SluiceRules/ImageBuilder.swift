// Compiles a configuration into an image. Runs in the control process, where allocation is fine; the order of the steps is
// the order of the file's sections, each in an `ImageCompiler+….swift`. The result passes `ImageView.init` by construction.
import SluiceModel

/// What the builder needs to know about a plugin that is loaded.
public struct PluginArtifact: Sendable, Equatable {
    public var name: String
    public var version: String
    /// Absolute path of the private copy to load.
    public var path: String
    /// Rises with every load of this name.
    public var generation: UInt64
    public var digest: UInt64
    /// Counter slot in shared memory.
    public var statSlot: UInt32
    public var isSwift: Bool
    /// A failing call is skipped instead of refusing the request.
    public var failOpen: Bool
    /// Has a body filter: routes that bind it are marked `RouteRecord.filtersBody`.
    public var filtersBody: Bool
    /// Has a content hook: a route may be answered by it.
    public var makesContent: Bool
    /// Not loaded, its failure mode serves (`PluginRecord.quarantined`).
    public var isQuarantined: Bool
    /// Bits of `Capability` that it may use.
    public var capabilities: UInt32

    public init(
        name: String, version: String, path: String, generation: UInt64, digest: UInt64, statSlot: UInt32, isSwift: Bool = false,
        failOpen: Bool = false, filtersBody: Bool = false, makesContent: Bool = false, isQuarantined: Bool = false, capabilities: UInt32 = 0
    ) {
        self.name = name
        self.version = version
        self.path = path
        self.generation = generation
        self.digest = digest
        self.statSlot = statSlot
        self.isSwift = isSwift
        self.failOpen = failOpen
        self.filtersBody = filtersBody
        self.makesContent = makesContent
        self.isQuarantined = isQuarantined
        self.capabilities = capabilities
    }
}

/// A second generation of a plugin that takes a share of the requests of every route that binds it.
public struct PluginCanary: Sendable, Equatable {
    public var artifact: PluginArtifact
    /// Of 2^32; 0 = no request.
    public var share: UInt32
    public init(artifact: PluginArtifact, share: UInt32) { self.artifact = artifact; self.share = share }
}

/// For example:
///
///     let builder = ImageBuilder(
///         configuration: c, revision: 7, resolve: lookUp, routeSlot: slots, plugin: loaded, configPath: "/etc/sluice.yaml")
///     let image = try builder.build()
///
/// The same configuration and answers give the same bytes; with a cache, the same answers to every lookup.
public struct ImageBuilder {
    let configuration: Configuration
    let revision: UInt64
    let resolve: (String) throws -> [AddressRecord]
    let routeSlot: (String) -> UInt32
    let plugin: (String) -> PluginArtifact?
    let canary: (String) -> PluginCanary?
    let configPath: String
    let library: (String) -> LibraryArtifact?
    let program: ConditionCompiling?

    /// - Parameters:
    ///   - revision: number of the change, rising.
    ///   - resolve: the socket addresses of a "name:port" target, best first; called only for names.
    ///   - routeSlot: the counter slot that stays with a route id; 0 = none.
    ///   - plugin: the loaded plugin of this name. Asked for every name in `configuration.plugins` and in a binding.
    ///   - canary: its second generation, if it has one.
    ///   - library: the private copy of a library in `configuration.functions`.
    ///   - program: bytecode of a condition, from its text and the numbers of the address sets; nil: conditions are refused.
    public init(
        configuration: Configuration, revision: UInt64, resolve: @escaping (String) throws -> [AddressRecord],
        routeSlot: @escaping (String) -> UInt32, plugin: @escaping (String) -> PluginArtifact?,
        canary: @escaping (String) -> PluginCanary? = { _ in nil }, configPath: String,
        library: @escaping (String) -> LibraryArtifact? = { _ in nil },
        program: ConditionCompiling? = nil
    ) {
        self.configuration = configuration
        self.revision = revision
        self.resolve = resolve
        self.routeSlot = routeSlot
        self.plugin = plugin
        self.canary = canary
        self.configPath = configPath
        self.library = library
        self.program = program
    }

    /// The image's bytes, ready for a sealed memfd.
    ///
    /// - Parameter cache: of the image before, so that only what changed is compiled.
    public func build(_ cache: ImageCache = ImageCache()) throws(ImageError) -> [UInt8] {
        var compiler = cache.begin(self)
        try compiler.nameClusters()
        try compiler.compileIPSets()
        try compiler.compilePlugins()
        try compiler.compileRoutes()
        try compiler.compileConsumers()
        compiler.tail = StringPool(behind: compiler.strings)
        try compiler.compileSettings()
        try compiler.compileListeners()
        try compiler.compileClusters()
        try compiler.compileFunctions()
        let image = try compiler.assemble()
        cache.end(compiler)
        return image
    }
}

/// Where a condition is asked: while the route is still to be found, or when it is known.
public enum ConditionUse: Sendable, Hashable { case route, request }

/// From the text of a condition to its program, an expression of type bool; the number that a set of addresses has, by its name.
public typealias ConditionCompiling = (_ text: String, _ use: ConditionUse, _ addressSet: (String) -> UInt32?) throws -> [UInt8]

/// The sections while they grow. What belongs to routes stays for the next image (`ImageCache`); the rest is made for each, its texts in
/// `tail`, behind the lasting ones.
struct ImageCompiler {
    var input: ImageBuilder
    var configuration: Configuration { input.configuration }
    var strings = StringPool()
    var tail = StringPool()
    var settings = SettingsRecord()
    var listeners: [ListenerRecord] = []
    var clusters: [ClusterRecord] = []
    var clusterIndex: [String: UInt32] = [:]
    var targets: [TargetRecord] = []
    var plugins: [PluginRecord] = []
    var artifacts: [PluginArtifact] = []
    var pluginIndex: [String: UInt32] = [:]
    var canaryIndex: [String: UInt32] = [:]
    var bindings: [BindingRecord] = []
    var bindingIndex: [BindingKey: UInt32] = [:]
    var chains: [UInt32] = []
    var chainIndex: [[UInt32]: ImageRange] = [:]
    var routes: [RouteRecord] = []
    var networks: [NetworkRecord] = []
    var table = RouteTable()
    var groups = HostGroups()
    var names: [ImageText] = []
    var nameRuns: [[String]: UInt32] = [:]
    var regexes = RegexSets()
    /// Numbers of the expressions of routes that have any, by index of the route.
    var regexesOf: [UInt32: [UInt32]] = [:]
    /// Programs and sets of addresses, by their places in `code`.
    var programs: [ImageRange] = []
    var programIndex: [String: UInt32] = [:]
    var code: [UInt8] = []
    var ipSets: [IPSetRecord] = []
    var ipSetIndex: [String: UInt32] = [:]
    var consumers: [ConsumerRecord] = []
    var consumerIndex: [UInt32] = []
    var consumerLabels: [ConsumerLabel] = []
    var functions: [FunctionRecord] = []
    var extras: [RouteExtras] = []
    var branches: [SplitBranch] = []
    var templates: [TemplatePart] = []

    /// So many routes have changed that what is left of old ones is worth sweeping away.
    var isWorn: Bool { table.placements > 2 * routes.count + 10_000 }

    init(input: ImageBuilder) { self.input = input }

    /// A number that must lie in `range`.
    func number(_ value: Int, _ range: ClosedRange<Int>, at path: @autoclosure () -> String) throws(ImageError) -> UInt32 {
        if range.contains(value) { return UInt32(value) }
        throw ImageError(path: path(), found: "\(value)", allowed: "\(range.lowerBound)...\(range.upperBound)")
    }

    /// An identifier: 1...255 bytes, no control characters.
    func identifier(_ text: String, at path: @autoclosure () -> String) throws(ImageError) -> String {
        let size = text.utf8.count
        if size >= 1 && size <= Limits.idBytesMax && !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) { return text }
        throw ImageError(
            path: path(), found: "an id of \(size) bytes: \"\(text)\"", allowed: "1...\(Limits.idBytesMax) bytes without control characters"
        )
    }
}
