// Literals of strings and bytes: '…', "…", three quotes, prefixes r and b, escapes. Source: CEL language definition, "String and Bytes
// Values". In a string \xHH and \ooo are code points, in bytes they are bytes.

extension Lexer {
    /// A literal of a string or of bytes; nil: something else stands here.
    mutating func string() throws(CELProblem) -> Token.Kind? {
        var ahead = 0
        let isBytes = (peek() | 0x20) == UInt8(ascii: "b")
        if isBytes { ahead += 1 }
        let isRaw = (peek(ahead) | 0x20) == UInt8(ascii: "r")
        if isRaw { ahead += 1 }
        let quote = peek(ahead)
        guard quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else { return nil }
        let start = position
        position += ahead
        let isLong = peek(1) == quote && peek(2) == quote
        position += isLong ? 3 : 1
        var value: [UInt8] = []
        while true {
            guard position < bytes.count else { throw problem("the string is not closed", from: start) }
            let byte = bytes[position]
            if byte == quote, !isLong || peek(1) == quote && peek(2) == quote {
                position += isLong ? 3 : 1
                break
            }
            if !isLong, byte == 0x0A || byte == 0x0D {
                throw problem("the string is not closed on its line; over several lines it stands in three quotes", from: start)
            }
            if byte == UInt8(ascii: "\\"), !isRaw {
                try escape(inBytes: isBytes, into: &value)
                continue
            }
            value.append(byte)
            position += 1
        }
        // Text is UTF-8 and escapes give whole code points, so this changes nothing.
        return .literal(isBytes ? .bytes(value) : .string(String(decoding: value, as: UTF8.self)))
    }

    private mutating func escape(inBytes: Bool, into value: inout [UInt8]) throws(CELProblem) {
        let start = position
        let letter = peek(1)
        position += 2
        switch letter {
        case UInt8(ascii: "a"): value.append(0x07)
        case UInt8(ascii: "b"): value.append(0x08)
        case UInt8(ascii: "f"): value.append(0x0C)
        case UInt8(ascii: "n"): value.append(0x0A)
        case UInt8(ascii: "r"): value.append(0x0D)
        case UInt8(ascii: "t"): value.append(0x09)
        case UInt8(ascii: "v"): value.append(0x0B)
        case UInt8(ascii: "\\"), UInt8(ascii: "?"), UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "`"): value.append(letter)
        case UInt8(ascii: "x"), UInt8(ascii: "X"): try append(digits(2, radix: 16, start), inBytes, start, &value)
        case UInt8(ascii: "u") where !inBytes: try append(digits(4, radix: 16, start), false, start, &value)
        case UInt8(ascii: "U") where !inBytes: try append(digits(8, radix: 16, start), false, start, &value)
        case UInt8(ascii: "0")...UInt8(ascii: "3"):
            position -= 1
            try append(digits(3, radix: 8, start), inBytes, start, &value)
        default:
            position = min(position, bytes.count)
            let known = "known: \\a \\b \\f \\n \\r \\t \\v \\\\ \\? \\\" \\' \\` \\xHH \\ooo" + (inBytes ? "" : " \\uHHHH \\UHHHHHHHH")
            throw problem("unknown escape in a \(inBytes ? "bytes literal" : "string"); \(known), and r\"…\" has none", from: start)
        }
    }

    private mutating func digits(_ count: Int, radix: UInt32, _ start: Int) throws(CELProblem) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<count {
            guard let digit = Self.hexValue(peek()), digit < radix else {
                throw problem("the escape needs \(count) \(radix == 8 ? "octal" : "hexadecimal") digits", from: start)
            }
            value = value &* radix &+ digit
            position += 1
        }
        return value
    }

    private func append(_ code: UInt32, _ asByte: Bool, _ start: Int, _ value: inout [UInt8]) throws(CELProblem) {
        if asByte { return value.append(UInt8(truncatingIfNeeded: code)) }
        guard let scalar = Unicode.Scalar(code) else { throw problem("the escape is no Unicode code point", from: start) }
        value.append(contentsOf: UTF8.encode(scalar)!)
    }
}
