// What can be said of an expression without a request: whether it is always the same, whom and what it names, what it may cost. Meaning
// is asked of SluiceCEL; nothing is parsed here. For the linter.
import SluiceCEL
import SluiceModel

/// What can be said of an expression without a request.
struct ExpressionFacts {
    var constant: Bool?
    /// Names that are compared with `consumer.name`.
    var consumers: [String] = []
    /// Literal arguments of `matches`.
    var patterns: [String] = []
    var cost: UInt64

    /// nil when the expression is refused, which is the check's business.
    static func of(_ text: String, _ use: CELUse, _ configuration: Configuration) -> ExpressionFacts? {
        guard let checked = try? Rules.checked(text, use, configuration) else { return nil }
        var facts = ExpressionFacts(cost: checked.cost)
        let tree = checked.expression
        facts.constant = verdict(tree, tree.root, checked, configuration)
        for node in tree.nodes {
            guard case .checkedCall(let overload, let arguments) = node.kind, arguments.count == 2 else { continue }
            let name = Rules.functionName(overload)
            if name == "matches", case .literal(.string(let pattern)) = tree[arguments[1]].kind { facts.patterns.append(pattern) }
            guard ["_==_", "_!=_", "@in"].contains(name), arguments.contains(where: { isConsumerName(tree, $0) }) else { continue }
            for argument in arguments { facts.consumers += strings(tree, argument) }
        }
        return facts
    }

    private static func isConsumerName(_ tree: Expression, _ id: ExpressionID) -> Bool {
        if case .attribute(.consumerName) = tree[id].kind { true } else { false }
    }

    private static func strings(_ tree: Expression, _ id: ExpressionID) -> [String] {
        switch tree[id].kind {
        case .literal(.string(let text)): text.isEmpty ? [] : [text]
        case .list(let items): items.flatMap { strings(tree, $0) }
        default: []
        }
    }

    /// Three-valued: && and || are decided by one side that is certain.
    private static func verdict(_ tree: Expression, _ id: ExpressionID, _ checked: CheckedExpression, _ configuration: Configuration)
        -> Bool?
    {
        if case .checkedCall(let overload, let arguments) = tree[id].kind {
            let name = Rules.functionName(overload)
            if name == "_&&_" || name == "_||_", arguments.count == 2 {
                let decides = name == "_||_"
                let sides = arguments.map { verdict(tree, $0, checked, configuration) }
                if sides.contains(decides) { return decides }
                return sides.allSatisfy { $0 == !decides } ? !decides : nil
            }
            if name == "!_", arguments.count == 1 { return verdict(tree, arguments[0], checked, configuration).map(!) }
        }
        guard isClosed(tree, id) else { return nil }
        var part = checked
        part.expression.root = id
        part.type = tree[id].type
        return (try? Rules.run(part, SampleRequest(), configuration))?.bool
    }

    /// Asks for nothing of a request and calls nothing that may answer differently tomorrow.
    private static func isClosed(_ tree: Expression, _ id: ExpressionID) -> Bool {
        switch tree[id].kind {
        case .literal: true
        case .list(let items): items.allSatisfy { isClosed(tree, $0) }
        case .checkedCall(let overload, let arguments):
            overload.rawValue < OverloadID.firstPlugin.rawValue && !["dict", "ipset"].contains(Rules.functionName(overload))
                && arguments.allSatisfy { isClosed(tree, $0) }
        default: false
        }
    }
}
