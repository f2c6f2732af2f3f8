// What happened inside one run: the operands of &&, ||, ! and ?: with their values, in order. The evaluator is the one of requests; it is
// compiled a second time with the tracer switched on, so that requests pay nothing for it.
import SluiceBytes
import SluiceModel

/// Told about a run as it goes.
protocol Tracer {
    static var isOn: Bool { get }
    /// Before an instruction; `top` is what it looks at.
    mutating func before(_ p: ProgramView, _ pc: Int, _ op: Opcode, _ top: UnsafeMutablePointer<Value>)
    /// What the comparison at `range` compared.
    mutating func operand(_ range: SourceRange, _ value: Value)
}

struct NoTrace: Tracer {
    static var isOn: Bool { false }
    func before(_: ProgramView, _: Int, _: Opcode, _: UnsafeMutablePointer<Value>) {}
    func operand(_: SourceRange, _: Value) {}
}

/// One operand and what it was; the values live as long as the run's memory.
public struct TraceStep {
    public let range: SourceRange
    public let value: Value
    /// What it compared or looked at, when that is one thing: of `request.method == "GET"` the method.
    public let operand: Value?

    /// `request.method == "GET"` is false: the value is "POST".
    public func explanation(in text: String) -> String {
        let from = Int(range.offset), bytes = Array(text.utf8)
        let end = min(bytes.count, from + Int(range.count))
        let excerpt = String(decoding: bytes[min(from, end)..<end], as: UTF8.self)
        if let error = value.error { return "\(excerpt): \(error.text)" }
        let seen = operand.flatMap { $0.isError ? nil : ": the value is \(ValueText.literal($0))" } ?? ""
        return "\(excerpt) is \(ValueText.literal(value))\(seen)"
    }
}

public struct ConditionTrace: Tracer {
    static var isOn: Bool { true }
    /// Inner operands before the ones around them, the whole expression last; the first `Limits.programTraceStepsMax`.
    public private(set) var steps: [TraceStep] = []
    private var operand: (SourceRange, Value)?

    mutating func before(_ p: ProgramView, _ pc: Int, _ op: Opcode, _ top: UnsafeMutablePointer<Value>) {
        switch op {
        case .jumpIfFalse, .jumpIfTrue, .and, .or, .not, .branch, .finish: break
        default: return
        }
        let range = p.place(pc)
        if steps.count >= Limits.programTraceStepsMax && op != .finish { return }
        // A side that decided jumps to the instruction around: the same operand is not told twice.
        if let last = steps.last, last.range == range { return }
        let seen = operand.flatMap { $0.0 == range ? $0.1 : nil }
        steps.append(TraceStep(range: range, value: top.pointee, operand: seen))
    }
    mutating func operand(_ range: SourceRange, _ value: Value) { operand = (range, value) }

    /// The operand that decided: the last one looked at that holds no other.
    public var deciding: TraceStep? {
        steps.last { outer in
            !steps.contains { inner in
                inner.range != outer.range && inner.range.offset >= outer.range.offset
                    && inner.range.offset + inner.range.count <= outer.range.offset + outer.range.count
            }
        }
    }
}
