// Text to tokens, with their places in bytes: blanks, comments, names, numbers, symbols. Strings are in Lexer+Strings.swift. Source: CEL
// language definition, "Syntax". Works on bytes and never looks past the end; a text of any bytes gives tokens or one problem.
import SluiceModel

struct Lexer {
    let text: String
    let bytes: [UInt8]
    var position = 0

    /// All tokens of a text, the last of kind `.end`.
    static func tokens(_ text: String) throws(CELProblem) -> [Token] {
        guard text.utf8.count <= Limits.expressionBytesMax else {
            throw CELProblem(
                "the expression has \(text.utf8.count) bytes; at most \(Limits.expressionBytesMax)", at: SourceRange(offset: 0, count: 0),
                in: text)
        }
        var lexer = Lexer(text: text, bytes: Array(text.utf8))
        var tokens: [Token] = []
        while true {
            let token = try lexer.next()
            tokens.append(token)
            if token.kind == .end { return tokens }
        }
    }

    /// The byte at `position + ahead`; 0 past the end.
    func peek(_ ahead: Int = 0) -> UInt8 { position + ahead < bytes.count ? bytes[position + ahead] : 0 }

    func range(from start: Int) -> SourceRange { SourceRange(offset: Int32(start), count: Int32(position - start)) }

    func problem(_ message: String, from start: Int, to end: Int? = nil) -> CELProblem {
        CELProblem(message, at: SourceRange(offset: Int32(start), count: Int32((end ?? position) - start)), in: text)
    }

    mutating func next() throws(CELProblem) -> Token {
        skipBlanks()
        let start = position
        guard position < bytes.count else { return Token(kind: .end, range: range(from: start)) }
        let kind = try kind()
        return Token(kind: kind, range: range(from: start))
    }

    private mutating func skipBlanks() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0C, 0x0D: position += 1
            case UInt8(ascii: "/") where peek(1) == UInt8(ascii: "/"):
                while position < bytes.count && bytes[position] != 0x0A { position += 1 }
            default: return
            }
        }
    }

    private mutating func kind() throws(CELProblem) -> Token.Kind {
        let byte = peek()
        if let string = try string() { return string }
        if Self.isDigit(byte) || byte == UInt8(ascii: ".") && Self.isDigit(peek(1)) { return try number() }
        if Self.isWordStart(byte) { return word() }
        if byte == UInt8(ascii: "`") { return try quotedIdentifier() }
        for count in [2, 1] where position + count <= bytes.count {
            let symbol = String(decoding: bytes[position..<position + count], as: UTF8.self)
            guard let known = Token.Symbol(rawValue: symbol) else { continue }
            position += count
            return .symbol(known)
        }
        throw strange()
    }

    /// A character that begins nothing, with what was probably meant.
    private func strange() -> CELProblem {
        let rest = String(decoding: bytes[position...].prefix(8), as: UTF8.self)
        let character = rest.unicodeScalars.first!
        let end = position + min(character.utf8.count, bytes.count - position)
        let hint =
            switch character {
            case "=": "; compare with \"==\""
            case "&": "; and is \"&&\""
            case "|": "; or is \"||\""
            case "\u{201C}", "\u{201D}", "\u{2018}", "\u{2019}": "; strings stand in \" or '"
            default: ""
            }
        let shown = character.value < 0x20 || character.value == 0x7F ? "control character \(character.value)" : "\"\(character)\""
        return problem("unexpected \(shown)\(hint)", from: position, to: end)
    }

    private mutating func word() -> Token.Kind {
        let start = position
        while Self.isWordPart(peek()) { position += 1 }
        let word = String(decoding: bytes[start..<position], as: UTF8.self)
        switch word {
        case "true": return .literal(.bool(true))
        case "false": return .literal(.bool(false))
        case "null": return .literal(.null)
        case "in": return .symbol(.isIn)
        default: return .identifier(word)
        }
    }

    private mutating func quotedIdentifier() throws(CELProblem) -> Token.Kind {
        let start = position
        position += 1
        while Self.isWordPart(peek()) || [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "/"), 0x20].contains(peek()) { position += 1 }
        guard peek() == UInt8(ascii: "`") else {
            if position < bytes.count {
                throw problem("in back quotes stand letters, digits, \"_\", \".\", \"-\", \"/\" and blanks", from: start)
            }
            throw problem("a name in back quotes is not closed", from: start)
        }
        position += 1
        guard position - start > 2 else { throw problem("an empty name in back quotes", from: start) }
        return .quotedIdentifier(String(decoding: bytes[start + 1..<position - 1], as: UTF8.self))
    }

    private mutating func number() throws(CELProblem) -> Token.Kind {
        let start = position
        let isHex = peek() == UInt8(ascii: "0") && (peek(1) | 0x20) == UInt8(ascii: "x") && Self.hexValue(peek(2)) != nil
        if isHex { position += 2 }
        let digits = position
        while isHex ? Self.hexValue(peek()) != nil : Self.isDigit(peek()) { position += 1 }
        if !isHex, let double = try fraction(from: start) { return .literal(.double(double)) }
        let written = String(decoding: bytes[digits..<position], as: UTF8.self)
        let isUnsigned = (peek() | 0x20) == UInt8(ascii: "u")
        if isUnsigned { position += 1 }
        try endOfNumber(start)
        guard let value = UInt64(written, radix: isHex ? 16 : 10) else {
            throw problem("the number does not fit in 64 bits", from: start)
        }
        if isUnsigned { return .literal(.uint(value)) }
        // -2^63 is written as a sign and this number.
        guard value <= UInt64(Int64.max) + 1 else {
            throw problem("the number does not fit in an int (64 bits with sign); unsigned numbers end with \"u\"", from: start)
        }
        return .int(value)
    }

    /// The rest of a double after its first digits; nil: there is none, it is an integer.
    private mutating func fraction(from start: Int) throws(CELProblem) -> Double? {
        var isDouble = false
        if peek() == UInt8(ascii: "."), Self.isDigit(peek(1)) {
            isDouble = true
            position += 1
            while Self.isDigit(peek()) { position += 1 }
        }
        if (peek() | 0x20) == UInt8(ascii: "e") {
            let sign = peek(1) == UInt8(ascii: "+") || peek(1) == UInt8(ascii: "-") ? 1 : 0
            if Self.isDigit(peek(1 + sign)) {
                isDouble = true
                position += 1 + sign
                while Self.isDigit(peek()) { position += 1 }
            }
        }
        guard isDouble else { return nil }
        try endOfNumber(start)
        var written = String(decoding: bytes[start..<position], as: UTF8.self)
        if written.hasPrefix(".") { written = "0" + written }
        guard let value = Double(written), value.isFinite else { throw problem("the number does not fit in a double", from: start) }
        return value
    }

    private mutating func endOfNumber(_ start: Int) throws(CELProblem) {
        guard Self.isWordPart(peek()) else { return }
        while Self.isWordPart(peek()) { position += 1 }
        throw problem("\"\(String(decoding: bytes[start..<position], as: UTF8.self))\" is neither a number nor a name", from: start)
    }

    static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }
    static func isWordStart(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 || byte == 0x5F }
    static func isWordPart(_ byte: UInt8) -> Bool { isWordStart(byte) || isDigit(byte) }
    static func hexValue(_ byte: UInt8) -> UInt32? {
        if isDigit(byte) { return UInt32(byte &- 0x30) }
        let letter = (byte | 0x20) &- 0x61
        return letter < 6 ? UInt32(letter) + 10 : nil
    }
}
