// Expressions as people write them: checked against what a configuration has, compiled, and run. `sluice rule eval`, POST /v1/rules/eval and the
// linter come here; the checker and the compiler are those that make the programs of an image.
import SluiceCEL
import SluiceModel

extension Rules {
    /// Checked against what this configuration has.
    static func checked(_ text: String, _ use: CELUse, _ configuration: Configuration) throws(CELProblem) -> CheckedExpression {
        try CELCheck.compileFront(text, environment: ConditionCompiler.environment(use, configuration)).get()
    }

    static func evaluate(
        _ text: String, _ request: SampleRequest, _ use: CELUse, _ configuration: Configuration
    ) throws(CELProblem) -> Outcome {
        try run(checked(text, use, configuration), request, configuration)
    }

    static func run(_ checked: CheckedExpression, _ request: SampleRequest, _ configuration: Configuration) throws(CELProblem) -> Outcome {
        let numbers = Dictionary(configuration.ipSets.enumerated().map { ($1.id, UInt32($0)) }) { first, _ in first }
        let bytes: [UInt8]
        do { bytes = try ProgramCompiler.compile(checked, addressSet: { numbers[$0] }) } catch {
            throw CELProblem(error.description, at: error.range, in: checked.expression.text)
        }
        let provider = request.provider()
        provider.addressSets = configuration.ipSets.map { $0.addresses.compactMap(network) }
        // 8-byte aligned, as in an image.
        let memory = UnsafeMutableRawPointer.allocate(byteCount: max(bytes.count, 8), alignment: 8)
        defer { memory.deallocate() }
        memory.copyMemory(from: bytes, byteCount: bytes.count)
        return run(ProgramView(base: UnsafeRawPointer(memory), count: bytes.count), checked.expression.text, provider)
    }
}
