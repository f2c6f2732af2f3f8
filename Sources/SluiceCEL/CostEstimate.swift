// What an expression may cost at most, before it ever runs, by CEL's cost model (cel-go, checker/cost.go): a call or a look-up is 1, a list
// 10, a map 30, a byte walked over 0.1, a macro its step times the largest number of elements. Sizes are the largest that attributes can
// have. Nothing is refused here; `Checker` compares with the limit.
import SluiceModel

struct CostEstimate {
    /// Of a value: what it cost to make, its largest size (bytes, elements), and that of what is in it.
    struct Value {
        var cost: UInt64 = 0
        var size: UInt64 = 1
        var inner: UInt64 = 1
    }
    private let expression: Expression
    private let environment: CELEnvironment
    private var locals: [Value] = []

    static func of(_ expression: Expression, _ environment: CELEnvironment) -> UInt64 {
        var estimate = CostEstimate(expression: expression, environment: environment)
        return estimate.value(expression.root).cost
    }

    private init(expression: Expression, environment: CELEnvironment) {
        self.expression = expression
        self.environment = environment
    }

    private mutating func value(_ id: ExpressionID) -> Value {
        switch expression[id].kind {
        case .literal(.string(let text)): return Value(size: UInt64(text.utf8.count))
        case .literal(.bytes(let bytes)): return Value(size: UInt64(bytes.count))
        case .literal, .name: return Value()
        case .local(let number):
            let known = locals.indices.contains(number) ? locals[number] : Value()
            return Value(cost: 1, size: known.size, inner: known.inner)
        case .attribute(let attribute): return self.attribute(attribute)
        case .select(let operand, _, let isTest):
            let map = value(operand)
            return Value(cost: map.cost +! 1, size: isTest ? 1 : map.inner, inner: map.inner)
        case .call(_, let target, let arguments):
            return Value(cost: sum(((target.map { [$0] } ?? []) + arguments).map { value($0) }) +! 1, size: UInt64(Limits.headBytesMax))
        case .checkedCall(let overload, let arguments): return call(overload, arguments)
        case .list(let elements):
            let values = elements.map { value($0) }
            return Value(cost: sum(values) +! 10, size: UInt64(values.count), inner: values.map(\.size).max() ?? 0)
        case .map(let entries):
            let values = entries.flatMap { [value($0.key), value($0.value)] }
            return Value(cost: sum(values) +! 30, size: UInt64(entries.count), inner: values.map(\.size).max() ?? 0)
        case .comprehension(let fold): return comprehension(fold)
        }
    }

    private func sum(_ values: [Value]) -> UInt64 { values.reduce(0) { $0 +! $1.cost } }

    private func attribute(_ id: AttributeID) -> Value {
        guard let row = Attributes.row(id) else {
            return Value(cost: 1, size: UInt64(Attributes.head), inner: UInt64(Attributes.head))
        }
        if case .map = row.type { return Value(cost: 1, size: UInt64(row.sizeMax), inner: UInt64(Attributes.head)) }
        return Value(cost: 1, size: UInt64(row.sizeMax))
    }

    private mutating func comprehension(_ fold: Comprehension) -> Value {
        let range = value(fold.range), initial = value(fold.initial)
        let first = locals.count
        locals.append(Value(size: range.inner, inner: range.inner))
        locals.append(Value(size: max(initial.size, range.size), inner: initial.inner))
        let condition = value(fold.condition), step = value(fold.step)
        locals[first + 1].inner = max(initial.inner, step.inner)
        let final = value(fold.final)
        locals.removeLast(2)
        let turns = range.size *! (condition.cost +! step.cost)
        return Value(cost: range.cost +! initial.cost +! turns +! final.cost, size: final.size, inner: final.inner)
    }

    private mutating func call(_ overload: OverloadID, _ arguments: [ExpressionID]) -> Value {
        let values = arguments.map { value($0) }
        let all = sum(values)
        switch overload {
        case .and, .or, .not, .notStrictlyFalse: return Value(cost: all)
        case .conditional:
            let (yes, no) = (values[1], values[2])
            return Value(cost: values[0].cost +! max(yes.cost, no.cost), size: max(yes.size, no.size), inner: max(yes.inner, no.inner))
        case .index, .indexList, .indexMap: return Value(cost: all +! 1, size: values[0].inner, inner: values[0].inner)
        default: break
        }
        let row = Overloads.row(overload) ?? Overloads.all.first { $0.group == overload }
        let kind = overload.pluginIndex != nil ? .plugin : row?.cost ?? .walk
        var inner = values.map { max($0.inner, 1) }.max() ?? 1
        // The pieces of a text are together no longer than the text, so each byte of them counts once, with its piece.
        if overload == .split || overload == .splitCount { inner = 1 }
        return Value(cost: all +! 1 +! work(kind, values), size: size(row, values), inner: inner)
    }

    private func work(_ kind: CostClass, _ values: [Value]) -> UInt64 {
        let sizes = values.map(\.size)
        return switch kind {
        case .constant: 0
        case .walk: tenth(sizes.reduce(0, +!))
        case .compare: tenth(sizes.min() ?? 0)
        case .walkLast: tenth(sizes.last ?? 0)
        case .product: tenth(sizes.first ?? 0) *! max(1, tenth(sizes.dropFirst().max() ?? 0))
        case .regex: tenth(sizes.first ?? 0) *! max(1, (sizes.dropFirst().max() ?? 0) / 4)
        case .search: (values.last?.size ?? 0) *! max(1, tenth(values.first?.size ?? 1))
        case .plugin: Limits.expressionPluginCallCost
        }
    }

    /// Largest size of what a call gives.
    private func size(_ row: Overload?, _ values: [Value]) -> UInt64 {
        guard let row else { return UInt64(Limits.functionResultBytesMax) }
        let all = values.map(\.size).reduce(0, +!)
        switch (row.result, row.cost) {
        case (.string, .product): return all *! max(1, values.last?.size ?? 1)
        case (.string, _), (.bytes, _), (.list, _), (.map, _), (.dyn, _), (.parameter, _):
            // join: all elements.
            return max(64, all +! (row.name == "join" ? (values[0].size *! values[0].inner) : 0))
        default: return 1
        }
    }

    private func tenth(_ size: UInt64) -> UInt64 { size / 10 + (size % 10 == 0 ? 0 : 1) }
}

infix operator +! : AdditionPrecedence
infix operator *! : MultiplicationPrecedence

/// Sums and products that stay at the largest number instead of overflowing.
private func +! (a: UInt64, b: UInt64) -> UInt64 {
    let (sum, over) = a.addingReportingOverflow(b)
    return over ? .max : sum
}
private func *! (a: UInt64, b: UInt64) -> UInt64 {
    let (product, over) = a.multipliedReportingOverflow(by: b)
    return over ? .max : product
}
