// From the text of a condition to the bytecode that workers run: what an expression may refer to in this configuration, and the message with
// its place when it is refused. The language itself is SluiceCEL.
import SluiceCEL
import SluiceModel
import SluiceRules

struct ConditionCompiler: Sendable {
    private let route: CELEnvironment
    private let request: CELEnvironment

    init(_ configuration: Configuration) {
        route = Self.environment(.route, configuration)
        request = Self.environment(.request, configuration)
    }

    /// Names that an expression may use there, in the order in which the image numbers them.
    static func environment(_ use: CELUse, _ configuration: Configuration) -> CELEnvironment {
        var environment = CELEnvironment(uses: use)
        environment.addressSets = Set(configuration.ipSets.map(\.id))
        environment.functions = configuration.functions.compactMap { source in
            (try? FunctionSignature(source.signature)).map { CELEnvironment.Function(name: source.name, signature: $0) }
        }
        return environment
    }

    /// The program of a condition; `addressSet` gives the number of a set in the image.
    ///
    /// - Throws: `CELProblem` with the place in the text, or `ProgramError`.
    @Sendable func program(_ text: String, use: ConditionUse, addressSet: (String) -> UInt32?) throws -> [UInt8] {
        let checked = try CELCheck.compileFront(text, environment: use == .route ? route : request, expecting: .bool).get()
        return try ProgramCompiler.compile(checked, addressSet: addressSet)
    }
}
