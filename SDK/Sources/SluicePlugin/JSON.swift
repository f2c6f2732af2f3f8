// A JSON text as a value: a small reader (RFC 8259) without Foundation, for configurations and answers of services. It refuses what it
// does not understand, and nests at most 32 deep. `ConfigDecoder.swift` makes typed values of it.
import CSluiceABI

public indirect enum JSON: Sendable {
    case null
    case bool(Bool)
    /// Written without fraction and exponent, and fits.
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSON])
    case object([(key: String, value: JSON)])

    /// Member of an object; nil when absent or not an object.
    public subscript(_ key: String) -> JSON? {
        if case .object(let members) = self { return members.first { $0.key == key }?.value }
        return nil
    }

    /// "an object", "a string", …, for messages.
    var kind: String {
        switch self {
        case .null: "null"
        case .bool: "true or false"
        case .integer, .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }

    public static func parse(_ text: Bytes) throws(ConfigurationError) -> JSON {
        var reader = Reader(text: text)
        let value = try reader.value(depth: 1)
        reader.skipSpace()
        if reader.at != text.count { throw reader.error("text behind the end of the value") }
        return value
    }

    private struct Reader {
        let text: Bytes
        var at = 0
        static let depthMax = 32

        var next: UInt8? { at < text.count ? text[at] : nil }
        func error(_ what: String) -> ConfigurationError { ConfigurationError("byte \(at)", what) }
        mutating func skipSpace() { while let c = next, c == 0x20 || c == 0x09 || c == 0x0a || c == 0x0d { at += 1 } }
        mutating func take(_ c: Unicode.Scalar) -> Bool {
            skipSpace()
            if next != UInt8(ascii: c) { return false }
            at += 1
            return true
        }

        mutating func value(depth: Int) throws(ConfigurationError) -> JSON {
            if depth > Self.depthMax { throw error("nested deeper than \(Self.depthMax)") }
            if take("{") { return try object(depth) }
            if take("[") { return try array(depth) }
            switch next {
            case UInt8(ascii: "\""): return .string(try string())
            case UInt8(ascii: "t"): return try word("true", .bool(true))
            case UInt8(ascii: "f"): return try word("false", .bool(false))
            case UInt8(ascii: "n"): return try word("null", .null)
            default: return try number()
            }
        }

        mutating func object(_ depth: Int) throws(ConfigurationError) -> JSON {
            var members: [(key: String, value: JSON)] = []
            if take("}") { return .object([]) }
            repeat {
                skipSpace()
                guard next == UInt8(ascii: "\"") else { throw error("expected a key in quotes") }
                let key = try string()
                guard take(":") else { throw error("expected :") }
                members.append((key, try value(depth: depth + 1)))
            } while take(",")
            guard take("}") else { throw error("expected , or }") }
            return .object(members)
        }

        mutating func array(_ depth: Int) throws(ConfigurationError) -> JSON {
            var values: [JSON] = []
            if take("]") { return .array([]) }
            repeat { values.append(try value(depth: depth + 1)) } while take(",")
            guard take("]") else { throw error("expected , or ]") }
            return .array(values)
        }

        mutating func word(_ w: Bytes, _ v: JSON) throws(ConfigurationError) -> JSON {
            guard text.count - at >= w.count, text[at..<at + w.count] == w else { throw error("expected a value") }
            at += w.count
            return v
        }

        mutating func number() throws(ConfigurationError) -> JSON {
            let start = at
            while let c = next, (0x30...0x39).contains(c) || c == 0x2b || c == 0x2d || c == 0x2e || c | 0x20 == 0x65 { at += 1 }
            guard at > start else { throw error("expected a value") }
            let word = text[start..<at].string
            if let n = Int64(word) { return .integer(n) }
            guard let n = Double(word) else { throw error("expected a value") }
            return .number(n)
        }

        mutating func hex4() throws(ConfigurationError) -> UInt32 {
            var u: UInt32 = 0
            for _ in 0..<4 {
                guard let c = next, c < 0x80, let d = Character(UnicodeScalar(c)).hexDigitValue else {
                    throw error("expected four hex digits")
                }
                u = u << 4 | UInt32(d)
                at += 1
            }
            return u
        }

        mutating func escaped() throws(ConfigurationError) -> [UInt8] {
            guard let c = next else { throw error("the text ends inside a string") }
            at += 1
            switch c {
            case UInt8(ascii: "b"): return [0x08]
            case UInt8(ascii: "f"): return [0x0c]
            case UInt8(ascii: "n"): return [0x0a]
            case UInt8(ascii: "r"): return [0x0d]
            case UInt8(ascii: "t"): return [0x09]
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [c]
            case UInt8(ascii: "u"):
                var u = try hex4()
                if (0xd800..<0xdc00).contains(u), text.count - at >= 6, text[at] == UInt8(ascii: "\\"), text[at + 1] == UInt8(ascii: "u") {
                    at += 2
                    let low = try hex4()
                    guard (0xdc00..<0xe000).contains(low) else { throw error("half a surrogate pair") }
                    u = 0x10000 + (u - 0xd800) << 10 + (low - 0xdc00)
                }
                guard let scalar = UnicodeScalar(u), let utf8 = UTF8.encode(scalar) else { throw error("half a surrogate pair") }
                return Array(utf8)
            default: throw error("unknown escape")
            }
        }

        mutating func string() throws(ConfigurationError) -> String {
            at += 1
            var out: [UInt8] = []
            while let c = next {
                at += 1
                if c == UInt8(ascii: "\"") { return String(decoding: out, as: UTF8.self) }
                if c == UInt8(ascii: "\\") { out += try escaped() } else { out.append(c) }
            }
            throw error("the text ends inside a string")
        }
    }
}
