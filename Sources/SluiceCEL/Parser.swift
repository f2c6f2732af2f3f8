// Tokens to a tree: precedence as in the CEL grammar, by one loop over operators. Macros become comprehensions on the way (Macros.swift).
// Members, calls and literals are in Parser+Primary.swift. Depth, nodes and bytes are bounded, so that whoever walks the tree may recurse.
import SluiceModel

struct Parser {
    var tokens: [Token]
    var position = 0
    var expression: Expression
    /// Of each node: 1 + the deepest operand.
    private var depths: [Int] = []
    private var nesting = 0

    static func parse(_ text: String) throws(CELProblem) -> Expression {
        var parser = Parser(tokens: try Lexer.tokens(text), expression: Expression(text: text))
        if parser.current.kind == .end { throw parser.problem("the expression is empty", parser.current.range) }
        parser.expression.root = try parser.whole()
        guard parser.current.kind == .end else { throw parser.unexpected("an operator or the end") }
        return parser.expression
    }

    private init(tokens: [Token], expression: Expression) {
        self.tokens = tokens
        self.expression = expression
    }

    // MARK: Tokens

    var current: Token { tokens[position] }

    /// The token here; the next one is current after it. The last one stays.
    @discardableResult mutating func advance() -> Token {
        let token = tokens[position]
        if position + 1 < tokens.count { position += 1 }
        return token
    }

    mutating func take(_ symbol: Token.Symbol) -> Bool {
        guard current.kind == .symbol(symbol) else { return false }
        advance()
        return true
    }

    /// Goes past `symbol`; `opened` is where its partner stands.
    mutating func expect(_ symbol: Token.Symbol, _ what: String) throws(CELProblem) {
        guard take(symbol) else { throw unexpected(what) }
    }

    func problem(_ message: String, _ range: SourceRange) -> CELProblem { CELProblem(message, at: range, in: expression.text) }

    func unexpected(_ wanted: String) -> CELProblem { problem("found \(current.found); expected \(wanted)", current.range) }

    // MARK: Nodes

    /// Adds a node that stands from the beginning of `start` to the last token that was read.
    mutating func add(_ kind: NodeKind, from start: SourceRange, name: SourceRange? = nil) throws(CELProblem) -> ExpressionID {
        let last = tokens[max(0, position - 1)].range
        let end = max(start.offset + start.count, last.offset + last.count)
        return try add(kind, SourceRange(offset: start.offset, count: end - start.offset), name: name)
    }

    mutating func add(_ kind: NodeKind, _ range: SourceRange, name: SourceRange? = nil) throws(CELProblem) -> ExpressionID {
        guard expression.nodes.count < Limits.expressionNodesMax else {
            throw problem("the expression has more than \(Limits.expressionNodesMax) parts", range)
        }
        let depth = 1 + (kind.children.map { depths[Int($0.index)] }.max() ?? 0)
        guard depth <= Limits.expressionDepthMax else { throw tooDeep(name ?? range) }
        depths.append(depth)
        expression.nodes.append(Node(kind, range))
        let id = ExpressionID(Int32(expression.nodes.count - 1))
        if let name { expression.nameRanges[id] = name }
        return id
    }

    private func tooDeep(_ range: SourceRange) -> CELProblem {
        problem("operands are nested more than \(Limits.expressionDepthMax) deep", range)
    }

    /// Brackets, calls and signs that are open while `body` runs.
    mutating func nested<T>(_ body: (inout Parser) throws(CELProblem) -> T) throws(CELProblem) -> T {
        nesting += 1
        defer { nesting -= 1 }
        guard nesting <= Limits.expressionNestingMax else {
            throw problem("more than \(Limits.expressionNestingMax) brackets, calls and signs inside each other", current.range)
        }
        return try body(&self)
    }

    // MARK: Grammar

    /// Expr = ConditionalOr ["?" ConditionalOr ":" Expr]
    mutating func whole() throws(CELProblem) -> ExpressionID {
        try nested { parser throws(CELProblem) in
            let condition = try parser.logic(.or)
            let mark = parser.current.range
            guard parser.take(.question) else { return condition }
            let yes = try parser.logic(.or)
            try parser.expect(.colon, "\":\" and the value for false")
            let no = try parser.whole()
            return try parser.add(
                .call("_?_:_", target: nil, arguments: [condition, yes, no]), from: parser.expression[condition].range, name: mark)
        }
    }

    /// Chains of "||" of chains of "&&": balanced, so that many alternatives are not a deep tree. Their order does not matter to the result.
    private mutating func logic(_ symbol: Token.Symbol) throws(CELProblem) -> ExpressionID {
        var operands = [symbol == .or ? try logic(.and) : try binary(0)]
        var marks: [SourceRange] = []
        while current.kind == .symbol(symbol) {
            marks.append(advance().range)
            operands.append(symbol == .or ? try logic(.and) : try binary(0))
        }
        return try balanced("_\(symbol.rawValue)_", operands[...], marks[...])
    }

    private mutating func balanced(_ name: String, _ operands: ArraySlice<ExpressionID>, _ marks: ArraySlice<SourceRange>)
        throws(CELProblem)
        -> ExpressionID
    {
        if operands.count == 1 { return operands.first! }
        let half = (operands.count + 1) / 2
        let left = try balanced(name, operands.prefix(half), marks.prefix(half - 1))
        let right = try balanced(name, operands.dropFirst(half), marks.dropFirst(half))
        let mark = marks[marks.startIndex + half - 1]
        let first = expression[left].range, last = expression[right].range
        let range = SourceRange(offset: first.offset, count: last.offset + last.count - first.offset)
        return try add(.call(name, target: nil, arguments: [left, right]), range, name: mark)
    }

    /// Relations, sums, products: all from left to right.
    private static let levels: [[Token.Symbol]] = [
        [.equals, .notEquals, .less, .lessEquals, .greater, .greaterEquals, .isIn], [.plus, .minus], [.times, .slash, .percent],
    ]

    private mutating func binary(_ level: Int) throws(CELProblem) -> ExpressionID {
        guard level < Self.levels.count else { return try unary() }
        var left = try binary(level + 1)
        while case .symbol(let symbol) = current.kind, Self.levels[level].contains(symbol) {
            let mark = advance().range
            let right = try binary(level + 1)
            let name = symbol == .isIn ? "@in" : "_\(symbol.rawValue)_"
            left = try add(.call(name, target: nil, arguments: [left, right]), from: expression[left].range, name: mark)
        }
        return left
    }

    /// "!" and "-", also several. A "-" before a number belongs to it.
    private mutating func unary() throws(CELProblem) -> ExpressionID {
        let start = current
        guard start.kind == .symbol(.not) || start.kind == .symbol(.minus) else { return try member() }
        if start.kind == .symbol(.minus), isNumber(tokens[min(position + 1, tokens.count - 1)]) { return try member() }
        advance()
        let name = start.kind == .symbol(.not) ? "!_" : "-_"
        return try nested { parser throws(CELProblem) in
            let operand = try parser.unary()
            return try parser.add(.call(name, target: nil, arguments: [operand]), from: start.range, name: start.range)
        }
    }

    private func isNumber(_ token: Token) -> Bool {
        switch token.kind {
        case .int, .literal(.double): true
        default: false
        }
    }
}
