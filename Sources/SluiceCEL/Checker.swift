// Types, names and overloads of a parsed tree, from the operands up. What it cannot be sure of is `dyn`; what cannot be right is refused
// with its place, what was found and what is expected. Names are in Checker+Names.swift, calls in Checker+Calls.swift, cost in
// CostEstimate.swift. Source: CEL language definition, "Type Checking". Recursion is bounded by the parser's depth.
import SluiceModel

struct Checker {
    var expression: Expression
    let environment: CELEnvironment
    var types = TypeBindings()
    /// Variables of the open comprehensions: two each, as numbered by `NodeKind.local`.
    var locals: [(name: String, type: CELType, isOpen: Bool)] = []
    var attributesUsed: [AttributeID] = []

    init(expression: Expression, environment: CELEnvironment) {
        self.expression = expression
        self.environment = environment
    }

    mutating func whole(expecting: CELType?) throws(CELProblem) -> CheckedExpression {
        let root = expression.root
        let found = try check(root)
        if environment.isChecked, let expecting {
            var tried = types
            guard tried.assign(expecting, found) else {
                throw problem("the expression gives \(types.final(found)); expected \(expecting)", expression[root].range)
            }
        }
        for i in expression.nodes.indices { expression.nodes[i].type = types.final(expression.nodes[i].type) }
        let cost = CostEstimate.of(expression, environment)
        guard cost <= environment.costMax else {
            throw problem(
                "the expression may cost \(cost) units; at most \(environment.costMax) (a call is 1, a byte walked over 0.1)",
                expression[root].range)
        }
        return CheckedExpression(expression: expression, type: types.final(found), cost: cost, attributesUsed: attributesUsed)
    }

    func problem(_ message: String, _ range: SourceRange) -> CELProblem { CELProblem(message, at: range, in: expression.text) }

    /// Where the name of a field, function or operator stands.
    func place(_ id: ExpressionID) -> SourceRange { expression.nameRanges[id] ?? expression[id].range }

    /// Checks a node and what it is made of; its type.
    @discardableResult mutating func check(_ id: ExpressionID) throws(CELProblem) -> CELType {
        let type = environment.isChecked ? try checkKind(id) : unchecked(try checkKind(id))
        expression[id].type = type
        return type
    }

    private func unchecked(_: CELType) -> CELType { .dyn }

    private mutating func checkKind(_ id: ExpressionID) throws(CELProblem) -> CELType {
        switch expression[id].kind {
        case .literal(let literal): return Self.type(of: literal)
        case .name(let name): return try check(name: name, id)
        case .select(let operand, let field, let isTest): return try check(select: id, operand, field, isTest)
        case .call(let name, let target, let arguments): return try check(call: id, name, target, arguments)
        case .list(let elements): return .list(try join(elements))
        case .map(let entries): return try check(map: entries)
        case .comprehension(let comprehension): return try check(comprehension, id)
        case .local, .attribute, .checkedCall: return expression[id].type
        }
    }

    static func type(of literal: Literal) -> CELType {
        switch literal {
        case .null: .null
        case .bool: .bool
        case .int: .int
        case .uint: .uint
        case .double: .double
        case .string: .string
        case .bytes: .bytes
        case .type: .type
        }
    }

    /// The type that all of these have; `dyn` when they differ.
    private mutating func join(_ ids: [ExpressionID]) throws(CELProblem) -> CELType {
        guard let first = ids.first else { return types.fresh() }
        var joined = try check(first)
        for id in ids.dropFirst() { joined = types.join(joined, try check(id)) }
        return joined
    }

    private mutating func check(map entries: [(key: ExpressionID, value: ExpressionID)]) throws(CELProblem) -> CELType {
        let key = try join(entries.map(\.key))
        for entry in entries where environment.isChecked {
            switch types.final(expression[entry.key].type) {
            case .bool, .int, .uint, .string, .dyn: break
            case let found: throw problem("a key of a map cannot be \(found); it is bool, int, uint or string", expression[entry.key].range)
            }
        }
        return .map(key, try join(entries.map(\.value)))
    }

    private mutating func check(_ fold: Comprehension, _ id: ExpressionID) throws(CELProblem) -> CELType {
        let range = types.resolve(try check(fold.range))
        let element: CELType
        switch range {
        case .list(let type), .map(let type, _): element = type
        case .dyn, .parameter: element = .dyn
        default:
            throw problem("found \(range); this macro goes over the elements of a list or the keys of a map", expression[fold.range].range)
        }
        let initial = try check(fold.initial)
        guard locals.count < 2 * Limits.expressionLocalsMax else {
            throw problem("more than \(Limits.expressionLocalsMax) macros inside each other", place(id))
        }
        let first = locals.count
        locals.append((fold.element, element, true))
        locals.append((fold.result, initial, true))
        try require(fold.condition, .bool, "this macro needs a bool for each element")
        let step = try check(fold.step)
        guard !environment.isChecked || types.assign(initial, step) else {
            throw problem(
                "this macro gathers \(types.final(initial)), but its step gives \(types.final(step))", expression[fold.step].range)
        }
        locals[first].isOpen = false
        let result = try check(fold.final)
        locals.removeLast(2)
        return result
    }

    private mutating func require(_ id: ExpressionID, _ wanted: CELType, _ why: String) throws(CELProblem) {
        let found = try check(id)
        guard !environment.isChecked || types.assign(wanted, found) else {
            throw problem("\(why); found \(types.final(found))", expression[id].range)
        }
    }
}
