// The rule language for the control process: one program over a described request, with the evaluator that workers have. What comes of it is
// text, because values end with the memory of the run. Expressions are checked and compiled in `Rules+Check.swift`.
import SluiceBytes
import SluiceCEL
import SluiceModel

enum Rules {
    /// What came of a run. Texts, because values end with the memory of the run.
    struct Outcome: Sendable {
        var text: String
        var json: JSONValue
        /// "bool", "list"; "error".
        var type: String
        /// The value of a condition; nil = it is none, or failed.
        var bool: Bool?
        /// In the units of the cost limit.
        var cost: Int
        /// The operand that decided, as written, with its value and with what it compared.
        var decided: Decision?
        /// Where in the text it failed, in bytes.
        var failedAt: Int?
    }
    struct Decision: Sendable, Equatable {
        var text: String
        var value: String
        /// "POST", of `request.method == "GET"`; nil = not one thing.
        var found: String?
    }

    static func run(_ program: ProgramView, _ text: String, _ provider: SampleProvider) -> Outcome {
        let evaluator = Evaluator()
        defer { evaluator.destroy() }
        let (value, cost, trace) = evaluator.trace(program, provider.attributes, arena: provider.arena)
        let place = value.isError && value.aux > 0 ? Int(value.aux) - 1 : nil
        return Outcome(
            text: ValueText.literal(value), json: (try? JSONReader.read(Array(ValueText.json(value).utf8))) ?? .null,
            type: ValueText.type(value), bool: value.tag == .bool ? value.isTrue : nil, cost: cost,
            decided: trace.deciding.map { step in
                Decision(
                    text: slice(text, Int(step.range.offset), Int(step.range.count)), value: ValueText.literal(step.value),
                    found: step.operand.map(ValueText.literal))
            }, failedAt: place)
    }

    /// An address alone is a network of one.
    static func network(_ text: String) -> IPNetwork? { IPNetwork(text) }

    static func functionName(_ id: OverloadID) -> String { Overloads.row(id)?.name ?? groups[id] ?? "" }
    private static let groups = Dictionary(Overloads.all.map { ($0.group, $0.name) }) { first, _ in first }

    private static func slice(_ text: String, _ offset: Int, _ count: Int) -> String {
        let bytes = Array(text.utf8)
        guard offset >= 0, count >= 0, offset + count <= bytes.count else { return text }
        return String(decoding: bytes[offset..<(offset + count)], as: UTF8.self)
    }
}
