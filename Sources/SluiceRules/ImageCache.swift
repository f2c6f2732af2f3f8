// What a builder keeps from one image to the next, so that a change of one route among many costs only what depends on it. The images are
// the same to whoever looks something up, byte for byte they need not be: indices and strings stay where they were.
import SluiceModel

/// Owned by whoever builds one image after the other; one build at a time, its owner sees to that.
public final class ImageCache: @unchecked Sendable {
    /// Everything that records of routes depend on beside the route itself.
    struct Context: Equatable {
        var clusters: [String]
        var plugins: [PluginSource]
        var globalPlugins: [PluginBinding]
        var artifacts: [PluginArtifact?]
        var canaries: [PluginCanary?]
        var functions: [FunctionSource]
        var libraries: [LibraryArtifact?]
        var ipSets: [IPSet]
        var bodyBytesMax: UInt64?
    }

    var context: Context?
    /// With its routes as they stood in the image before; nil after a build that failed.
    var compiler: ImageCompiler?
    var regexes = RegexSets()

    public init() {}

    /// The compiler to go on with, or a new one. Takes it out: a build that fails must not leave half of itself behind.
    func begin(_ input: ImageBuilder) -> ImageCompiler {
        let now = Context(input)
        defer { context = now }
        if var old = compiler, context == now, !old.isWorn {
            compiler = nil
            old.input = input
            return old
        }
        compiler = nil
        if regexes.isWorn { regexes = RegexSets() }
        regexes.forgetUses()
        var new = ImageCompiler(input: input)
        new.regexes = regexes
        return new
    }

    func end(_ compiler: ImageCompiler) {
        regexes = compiler.regexes
        self.compiler = compiler
    }
}

extension ImageCache.Context {
    init(_ input: ImageBuilder) {
        let c = input.configuration
        let names = c.plugins.map(\.name) + c.globalPlugins.map(\.name)
        clusters = c.clusters.map(\.id)
        plugins = c.plugins
        globalPlugins = c.globalPlugins
        artifacts = names.map(input.plugin)
        canaries = names.map(input.canary)
        functions = c.functions
        libraries = c.functions.map { input.library($0.library) }
        ipSets = c.ipSets
        bodyBytesMax = c.limits.bodyBytesMax
    }
}
