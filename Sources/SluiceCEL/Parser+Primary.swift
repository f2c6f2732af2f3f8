// Members, indices, calls, names, literals, lists and maps: what binds tighter than any operator.
import SluiceModel

extension Parser {
    /// Member = Primary { "." field | "." function "(" … ")" | "[" index "]" }
    mutating func member() throws(CELProblem) -> ExpressionID {
        var value = try primary()
        while true {
            let start = expression[value].range
            let mark = current.range
            if take(.dot) {
                value = try field(of: value, start)
            } else if take(.openBracket) {
                if current.kind == .symbol(.question) { throw unexpected("an index; optional values are not part of these rules") }
                let index = try whole()
                try expect(.closeBracket, "\"]\"")
                value = try add(.call("_[_]", target: nil, arguments: [value, index]), from: start, name: mark)
            } else if current.kind == .symbol(.openBrace), isName(value) {
                throw problem("messages of protocol buffers are not part of these rules; maps are {\"key\": value}", current.range)
            } else {
                return value
            }
        }
    }

    private func isName(_ id: ExpressionID) -> Bool {
        switch expression[id].kind {
        case .name: true
        case .select(let operand, _, false): isName(operand)
        default: false
        }
    }

    private mutating func field(of value: ExpressionID, _ start: SourceRange) throws(CELProblem) -> ExpressionID {
        let token = current
        switch token.kind {
        case .quotedIdentifier(let name):
            advance()
            return try add(.select(value, field: name, isTest: false), from: start, name: token.range)
        case .identifier(let name):
            advance()
            guard take(.openParenthesis) else { return try add(.select(value, field: name, isTest: false), from: start, name: token.range) }
            let arguments = try list(until: .closeParenthesis, "an argument")
            return try call(name, target: value, arguments, from: start, name: token.range)
        case .symbol(.question): throw unexpected("the name of a field; optional values are not part of these rules")
        default: throw unexpected("the name of a field or function after \".\"")
        }
    }

    private mutating func primary() throws(CELProblem) -> ExpressionID {
        let token = current
        switch token.kind {
        case .literal(let literal):
            advance()
            return try add(.literal(literal), token.range)
        case .int(let magnitude):
            advance()
            guard let value = Int64(exactly: magnitude) else {
                throw problem("the number does not fit in an int (64 bits with sign)", token.range)
            }
            return try add(.literal(.int(value)), token.range)
        case .symbol(.minus): return try negativeNumber()
        case .symbol(.openParenthesis):
            advance()
            let value = try whole()
            try expect(.closeParenthesis, "\")\"")
            return value
        case .symbol(.openBracket):
            advance()
            if current.kind == .symbol(.question) { throw unexpected("an element; optional values are not part of these rules") }
            let elements = try list(until: .closeBracket, "an element")
            return try add(.list(elements), from: token.range)
        case .symbol(.openBrace):
            advance()
            return try map(token.range)
        case .symbol(.dot):
            advance()
            guard case .identifier(let name) = current.kind else { throw unexpected("a name after \".\"") }
            return try self.name("." + name, from: token.range)
        case .identifier(let name): return try self.name(name, from: token.range)
        case .quotedIdentifier: throw unexpected("a value; names in back quotes stand only after \".\"")
        default: throw unexpected("a value")
        }
    }

    private mutating func negativeNumber() throws(CELProblem) -> ExpressionID {
        let start = advance()
        let number = advance()
        switch number.kind {
        case .int(let magnitude): return try add(.literal(.int(Int64(truncatingIfNeeded: 0 &- magnitude))), from: start.range)
        case .literal(.double(let value)): return try add(.literal(.double(-value)), from: start.range)
        default: throw problem("found \(number.found); expected a number", number.range)
        }
    }

    /// A variable or the call of a function.
    private mutating func name(_ name: String, from start: SourceRange) throws(CELProblem) -> ExpressionID {
        let token = advance()
        if Token.reserved.contains(name) { throw problem("\"\(name)\" is a reserved word of CEL and cannot be a name", token.range) }
        guard take(.openParenthesis) else { return try add(.name(name), from: start, name: token.range) }
        let arguments = try list(until: .closeParenthesis, "an argument")
        return try call(name, target: nil, arguments, from: start, name: token.range)
    }

    private mutating func call(
        _ name: String, target: ExpressionID?, _ arguments: [ExpressionID], from start: SourceRange, name place: SourceRange
    ) throws(CELProblem) -> ExpressionID {
        if let expanded = try macro(name, target: target, arguments, from: start, name: place) { return expanded }
        return try add(.call(name, target: target, arguments: arguments), from: start, name: place)
    }

    /// Values with commas between them, and the closing bracket. A comma may follow the last one of a list, not of arguments.
    private mutating func list(until close: Token.Symbol, _ what: String) throws(CELProblem) -> [ExpressionID] {
        var values: [ExpressionID] = []
        if take(close) { return values }
        while true {
            values.append(try whole())
            if take(.comma) {
                if close == .closeBracket, take(close) { return values }
                continue
            }
            guard take(close) else { throw unexpected("\",\" and \(what), or \"\(close.rawValue)\"") }
            return values
        }
    }

    private mutating func map(_ start: SourceRange) throws(CELProblem) -> ExpressionID {
        var entries: [(key: ExpressionID, value: ExpressionID)] = []
        while !take(.closeBrace) {
            if current.kind == .symbol(.question) { throw unexpected("a key; optional values are not part of these rules") }
            let key = try whole()
            try expect(.colon, "\":\" and the value of the key")
            entries.append((key, try whole()))
            if take(.comma) { continue }
            guard take(.closeBrace) else { throw unexpected("\",\" and a key, or \"}\"") }
            break
        }
        return try add(.map(entries), from: start)
    }
}
