// A configuration file → `Configuration`, or every problem it has: syntax, then variables, schema and meaning together.
// The steps are pure; what must look at this machine (names, plugin files) comes in as functions. Decoding is in
// `ConfigurationDecoder.swift`, the rules between values in `ConfigurationMeaning.swift`.
import SluiceModel
import SluiceRules

/// What was read. `configuration` is complete even when there are problems (defaults stand in), and then only good for messages.
struct ConfigurationReading: Sendable {
    var configuration = Configuration()
    var problems: [ConfigProblem] = []
    var tree: ConfigNode?
    var isGood: Bool { problems.isEmpty }
    /// What the image compiler still had to say, with its place in the file.
    func line(of error: ImageError, file: String) -> String {
        let start = SourcePosition(line: 1, column: 1)
        return ConfigProblem(at: tree?.locate(error.path) ?? start, path: error.path, "\(error.found); allowed: \(error.allowed)").line(
            file: file)
    }
    func lines(file: String) -> [String] { problems.map { $0.line(file: file) } }
}

/// What the check may ask about the machine it runs on.
struct ConfigurationSurroundings: Sendable {
    var variable: @Sendable (String) -> String?
    /// Why "name:port" has no address; nil = it has, or is not looked up.
    var nameProblem: @Sendable (String) -> String? = { _ in nil }
    /// Why this plugin cannot be loaded; nil = it can, or is not looked at.
    var pluginProblem: @Sendable (PluginSource) -> String? = { _ in nil }
    /// Why this function's library cannot be loaded; nil = it can, or is not looked at.
    var functionProblem: @Sendable (FunctionSource) -> String? = { _ in nil }
    /// Plugins that the admin API loaded beside those of the file.
    var loadedPlugins: Set<String> = []
    /// Clusters of the store beside those of the file.
    var storedClusters: Set<String> = []
}

enum ConfigurationReader {
    static func read(_ text: [UInt8], _ around: ConfigurationSurroundings) -> ConfigurationReading {
        read(text, variable: around.variable) { _ in around }
    }

    /// - Parameter around: made when the file could be parsed, from its values as they stand there.
    static func read(
        _ text: [UInt8], variable: @escaping @Sendable (String) -> String?, around: (ConfigNode) throws -> ConfigurationSurroundings
    ) rethrows -> ConfigurationReading {
        var reading = ConfigurationReading()
        switch YAMLTree.parse(text) {
        case .failure(let problem): reading.problems = [problem]
        case .success(let raw):
            var variables = Variables(value: variable)
            let tree = variables.expand(raw)
            var check = SchemaCheck()
            check.check(tree, .map(Grammar.root), path: "")
            // A value whose variable is missing is reported once, not again for its form.
            let unset = Set(variables.problems.map(\.position))
            var list = ProblemList(dropped: check.problems.dropped)
            for problem in variables.problems { list.add(problem.position, problem.path, problem.message) }
            for problem in check.problems.problems where !unset.contains(problem.position) {
                list.add(problem.position, problem.path, problem.message)
            }
            reading.tree = tree
            reading.configuration = ConfigurationDecoder.configuration(tree)
            var meaning = ConfigurationMeaning(
                tree: tree, configuration: reading.configuration, around: try around(tree), problems: list)
            meaning.check()
            reading.problems = meaning.problems.sorted
        }
        return reading
    }
}
