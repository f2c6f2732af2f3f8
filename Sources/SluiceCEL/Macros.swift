// has, all, exists, exists_one, map and filter become tests and folds while they are parsed. Source: CEL language definition, "Macros".
import SluiceModel

extension Parser {
    /// What a fold is called where its parts refer to it; no name of a user can be this.
    static let result = "@result"
    static let macros: Set<String> = ["has", "all", "exists", "exists_one", "map", "filter"]

    /// What a call stands for if it is a macro; nil: an ordinary call.
    mutating func macro(
        _ name: String, target: ExpressionID?, _ arguments: [ExpressionID], from start: SourceRange, name place: SourceRange
    ) throws(CELProblem) -> ExpressionID? {
        guard let target else { return name == "has" ? try has(arguments, from: start, place) : nil }
        switch (name, arguments.count) {
        case ("all", 2), ("exists", 2), ("exists_one", 2), ("existsOne", 2), ("map", 2), ("map", 3), ("filter", 2): break
        default: return nil
        }
        guard case .name(let element) = expression[arguments[0]].kind, !element.hasPrefix(".") else {
            throw problem(
                "the first argument of \(name)() is the name of its variable, for example \(name)(x, …)", expression[arguments[0]].range)
        }
        let end = tokens[max(0, position - 1)].range
        var fold = Fold(
            parser: self, element: element, list: target, place: place,
            range: SourceRange(offset: start.offset, count: end.offset + end.count - start.offset))
        let expanded = try fold.expand(name, arguments)
        self = fold.parser
        return expanded
    }

    private mutating func has(_ arguments: [ExpressionID], from start: SourceRange, _ place: SourceRange) throws(CELProblem) -> ExpressionID
    {
        guard arguments.count == 1, case .select(let operand, let field, false) = expression[arguments[0]].kind else {
            throw problem("has() takes one field, for example has(request.headers.host) or has(request.headers.`x-beta`)", place)
        }
        return try add(.select(operand, field: field, isTest: true), from: start, name: expression.nameRanges[arguments[0]])
    }
}

/// Builds one comprehension.
private struct Fold {
    var parser: Parser
    let element: String
    let list: ExpressionID
    let place: SourceRange
    let range: SourceRange

    mutating func expand(_ name: String, _ arguments: [ExpressionID]) throws(CELProblem) -> ExpressionID {
        let first = arguments[1]
        switch name {
        case "all":
            let goesOn = try call("@not_strictly_false", [result()])
            return try fold(literal(.bool(true)), goesOn, call("_&&_", [result(), first]), result())
        case "exists":
            let goesOn = try call("@not_strictly_false", [call("!_", [result()])])
            return try fold(literal(.bool(false)), goesOn, call("_||_", [result(), first]), result())
        case "exists_one", "existsOne":
            let more = try call("_+_", [result(), literal(.int(1))])
            let step = try call("_?_:_", [first, more, result()])
            return try fold(literal(.int(0)), literal(.bool(true)), step, call("_==_", [result(), literal(.int(1))]))
        case "filter":
            let more = try append(node(.name(element)))
            return try fold(node(.list([])), literal(.bool(true)), call("_?_:_", [first, more, result()]), result())
        default:
            let more = try append(arguments.last!)
            let step = arguments.count == 3 ? try call("_?_:_", [first, more, result()]) : more
            return try fold(node(.list([])), literal(.bool(true)), step, result())
        }
    }

    private mutating func fold(
        _ initial: ExpressionID, _ condition: ExpressionID, _ step: ExpressionID, _ final: ExpressionID
    ) throws(CELProblem) -> ExpressionID {
        try node(
            .comprehension(
                Comprehension(
                    element: element, result: Parser.result, range: list, initial: initial, condition: condition, step: step, final: final))
        )
    }
    private mutating func append(_ value: ExpressionID) throws(CELProblem) -> ExpressionID {
        try call("_+_", [result(), node(.list([value]))])
    }
    private mutating func result() throws(CELProblem) -> ExpressionID { try node(.name(Parser.result)) }
    private mutating func literal(_ literal: Literal) throws(CELProblem) -> ExpressionID { try node(.literal(literal)) }
    private mutating func call(_ name: String, _ arguments: [ExpressionID]) throws(CELProblem) -> ExpressionID {
        try node(.call(name, target: nil, arguments: arguments))
    }
    private mutating func node(_ kind: NodeKind) throws(CELProblem) -> ExpressionID { try parser.add(kind, range, name: place) }
}
