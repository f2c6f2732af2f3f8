// Words of the language: what the lexer makes and the parser reads.

struct Token {
    enum Kind: Equatable {
        case end
        case identifier(String)
        /// `content-type` in back quotes; only as the name of a field.
        case quotedIdentifier(String)
        /// Without its sign, which the parser sees as "-".
        case int(UInt64)
        case literal(Literal)
        /// Operators and brackets, and the word "in".
        case symbol(Symbol)
    }
    enum Symbol: String, CaseIterable {
        case or = "||", and = "&&", equals = "==", notEquals = "!=", lessEquals = "<=", greaterEquals = ">="
        case less = "<", greater = ">", plus = "+", minus = "-", times = "*", slash = "/", percent = "%", not = "!"
        case question = "?", colon = ":", dot = ".", comma = ",", openParenthesis = "(", closeParenthesis = ")"
        case openBracket = "[", closeBracket = "]", openBrace = "{", closeBrace = "}", isIn = "in"
    }
    var kind: Kind
    var range: SourceRange

    /// As messages call it.
    var found: String {
        switch kind {
        case .end: "the end of the expression"
        case .identifier(let name): "\"\(name)\""
        case .quotedIdentifier(let name): "`\(name)`"
        case .int, .literal(.uint), .literal(.double): "a number"
        case .literal(.string): "a string"
        case .literal(.bytes): "bytes"
        case .literal(.bool(let value)): "\"\(value)\""
        case .literal: "\"null\""
        case .symbol(let symbol): "\"\(symbol.rawValue)\""
        }
    }

    /// Words that are kept for other languages (CEL specification, "Values, types"): fine as names of fields, not as names of variables.
    static let reserved: Set<String> = [
        "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package", "namespace", "return",
        "var", "void", "while",
    ]
}
