// The strict reader behind `JSONValue`: RFC 8259, nothing more; depth, keys and UTF-8 checked; errors with line and column.
import SluiceModel

struct JSONReader {
    struct Failure: Error, Equatable {
        var position: SourcePosition
        var message: String
    }
    static let depthMax = 64

    private let bytes: [UInt8]
    private var at = 0

    static func read(_ bytes: [UInt8]) throws(Failure) -> JSONValue {
        var reader = JSONReader(bytes: bytes)
        guard String(validating: bytes, as: UTF8.self) != nil else { throw reader.failure("not UTF-8; allowed: JSON in UTF-8") }
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.at == bytes.count else { throw reader.failure("something follows the value; allowed: one value") }
        return value
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private func failure(_ message: String) -> Failure {
        let before = bytes[..<min(at, bytes.count)]
        let line = before.count { $0 == 10 } + 1
        let start = before.lastIndex(of: 10).map { $0 + 1 } ?? 0
        return Failure(position: SourcePosition(line: line, column: before[start...].count { $0 & 0xc0 != 0x80 } + 1), message: message)
    }

    private var next: UInt8? { at < bytes.count ? bytes[at] : nil }
    private mutating func skipSpace() { while let b = next, b == 32 || b == 10 || b == 13 || b == 9 { at += 1 } }
    private mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        guard next == byte else { return false }
        at += 1
        return true
    }

    private mutating func value(depth: Int) throws(Failure) -> JSONValue {
        guard depth < Self.depthMax else { throw failure("nested deeper than \(Self.depthMax) levels") }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try object(depth)
        case UInt8(ascii: "["): return try array(depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case .some(let b) where b == UInt8(ascii: "-") || (0x30...0x39).contains(b): return try number()
        case nil: throw failure("the text ends where a value is needed")
        default: throw failure("no value starts like this")
        }
    }

    private mutating func word(_ text: String, _ value: JSONValue) throws(Failure) -> JSONValue {
        guard bytes[at...].starts(with: text.utf8) else { throw failure("no value starts like this; did you mean \(text)?") }
        at += text.utf8.count
        return value
    }

    private mutating func object(_ depth: Int) throws(Failure) -> JSONValue {
        at += 1
        var members: [(String, JSONValue)] = []
        var seen = Set<String>()
        if take(UInt8(ascii: "}")) { return .object(members) }
        repeat {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw failure("a key in double quotes is needed") }
            let start = at
            let key = try string()
            guard seen.insert(key).inserted else { at = start; throw failure("key \(quote(key)) given twice") }
            guard take(UInt8(ascii: ":")) else { throw failure("a colon is needed") }
            members.append((key, try value(depth: depth + 1)))
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw failure("a comma or } is needed") }
        return .object(members)
    }

    private mutating func array(_ depth: Int) throws(Failure) -> JSONValue {
        at += 1
        var items: [JSONValue] = []
        if take(UInt8(ascii: "]")) { return .array(items) }
        repeat { items.append(try value(depth: depth + 1)) } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw failure("a comma or ] is needed") }
        return .array(items)
    }

    private mutating func number() throws(Failure) -> JSONValue {
        let start = at
        if next == UInt8(ascii: "-") { at += 1 }
        if next == UInt8(ascii: "0") { at += 1 } else { try digits() }
        if next == UInt8(ascii: ".") { at += 1; try digits() }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            at += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { at += 1 }
            try digits()
        }
        return .number(String(decoding: bytes[start..<at], as: UTF8.self))
    }

    private mutating func digits() throws(Failure) {
        guard let b = next, (0x30...0x39).contains(b) else { throw failure("a digit is needed") }
        while let b = next, (0x30...0x39).contains(b) { at += 1 }
    }

    private mutating func string() throws(Failure) -> String {
        at += 1
        var out: [UInt8] = []
        while let b = next {
            at += 1
            switch b {
            case UInt8(ascii: "\""): return String(decoding: out, as: UTF8.self)
            case UInt8(ascii: "\\"): out += Array(try escape().utf8)
            case 0..<0x20: at -= 1; throw failure("a control character stands in a string; allowed: its \\u escape")
            default: out.append(b)
            }
        }
        throw failure("the text ends inside a string")
    }

    private mutating func escape() throws(Failure) -> String {
        guard let b = next else { throw failure("the text ends inside a string") }
        at += 1
        switch b {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return String(UnicodeScalar(b))
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            var unit = try hex()
            if (0xd800..<0xdc00).contains(unit) {
                guard next == UInt8(ascii: "\\"), at + 1 < bytes.count, bytes[at + 1] == UInt8(ascii: "u") else {
                    throw failure("half a surrogate pair")
                }
                at += 2
                let low = try hex()
                guard (0xdc00..<0xe000).contains(low) else { throw failure("half a surrogate pair") }
                unit = 0x10000 + (unit - 0xd800) << 10 + (low - 0xdc00)
            }
            guard let scalar = UnicodeScalar(unit) else { throw failure("half a surrogate pair") }
            return String(scalar)
        default: at -= 1; throw failure("unknown escape; allowed: \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX")
        }
    }

    private mutating func hex() throws(Failure) -> UInt32 {
        guard at + 4 <= bytes.count, let value = UInt32(String(decoding: bytes[at..<(at + 4)], as: UTF8.self), radix: 16),
            bytes[at] != UInt8(ascii: "+")
        else { throw failure("four hexadecimal digits are needed") }
        at += 4
        return value
    }
}
