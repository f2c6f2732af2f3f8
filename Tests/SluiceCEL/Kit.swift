// What tests of programs share: compile a text, check and run it over values in memory, and say what came out as a literal.
import SluiceBytes
import SluiceModel

@testable import SluiceCEL

/// The same numbers in every run (xorshift).
struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}

/// A program in aligned memory, with a provider and an evaluator.
final class Program {
    let view: ProgramView
    private let memory: UnsafeMutableRawPointer
    var evaluator = Evaluator()

    init(bytes: [UInt8]) {
        memory = .allocate(byteCount: max(bytes.count, 8), alignment: 8)
        memory.copyMemory(from: bytes, byteCount: bytes.count)
        view = ProgramView(base: memory, count: bytes.count)
    }
    deinit {
        memory.deallocate()
        evaluator.destroy()
    }
    var problem: String? { ProgramCheck.problem(view) }
    var opcodes: [Opcode] { (0..<view.instructionCount).map { view.instructions[$0].opcode } }

    func run(_ provider: SampleProvider, cost: Int = Limits.programCostMax) -> Value {
        evaluator.run(view, provider.attributes, arena: provider.arena, costLimit: cost)
    }
}

struct Refused: Error, CustomStringConvertible {
    let description: String
}

func compile(_ text: String, _ environment: CELEnvironment = .response, sets: [String] = ["office"]) throws -> Program {
    var environment = environment
    environment.costMax = .max
    let checked = try CELCheck.compileFront(text, environment: environment).get()
    let program = Program(bytes: try ProgramCompiler.compile(checked) { name in sets.firstIndex(of: name).map { UInt32($0) } })
    if let problem = program.problem { throw Refused(description: "\(text): \(problem)") }
    return program
}

/// What the expression gives, as a literal; errors by their case: "overflow".
func result(
    _ text: String, _ environment: CELEnvironment = .response, _ provider: SampleProvider = SampleRequest().provider(),
    cost: Int = Limits.programCostMax
) -> String {
    do {
        let program = try compile(text, environment)
        return withExtendedLifetime(program) {
            let v = program.run(provider, cost: cost)
            if let error = v.error { return "\(error)" }
            return ValueText.literal(v)
        }
    } catch { return "refused: \(error)" }
}
