// Values as JSON, for `sluice rule eval --json` and POST /v1/rules/eval: numbers as numbers, what JSON has no form for as the text that
// string(x) gives, bytes as base64, maps with their keys as text. And errors as messages with a place. Allocates; not for requests.
import SluiceBytes

extension ValueText {
    public static func json(_ v: Value) -> String {
        switch v.tag {
        case .null: return "null"
        case .bool: return v.a != 0 ? "true" : "false"
        case .int: return String(v.asInt)
        case .uint: return String(v.a)
        case .double: return v.asDouble.isFinite ? DoubleText.text(v.asDouble) : quotedJSON(DoubleText.text(v.asDouble))
        case .string: return quotedJSON(v.view.string)
        case .bytes: return "\"" + base64(v.view) + "\""
        case .timestamp: return quotedJSON(CivilTime.text(v))
        case .duration: return quotedJSON(CivilTime.durationText(v.asInt))
        case .ip: return quotedJSON(AddressText.text(v))
        case .cidr: return quotedJSON(AddressText.networkText(v))
        case .type: return quotedJSON(literal(v))
        case .list: return "[" + (0..<v.count).map { json(v.items![$0]) }.joined(separator: ",") + "]"
        case .map:
            return "{" + pairs(v).map { "\(key($0)):\(json($1))" }.joined(separator: ",") + "}"
        case .addressSet, .attributeMap: return "{}"
        case .error: return "null"
        }
    }
    private static func key(_ v: Value) -> String { v.tag == .string ? json(v) : quotedJSON(literal(v)) }

    private static func quotedJSON(_ s: String) -> String { quoted(s, control: "\\u00") { $0 < 32 } }

    /// RFC 4648 section 4.
    private static func base64(_ v: ByteView) -> String {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var out: [UInt8] = []
        for i in stride(from: 0, to: v.count, by: 3) {
            let n = min(3, v.count - i)
            let bits = UInt32(v[i]) << 16 | (n > 1 ? UInt32(v[i + 1]) << 8 : 0) | (n > 2 ? UInt32(v[i + 2]) : 0)
            for k in 0..<4 { out.append(k <= n ? digits[Int(bits >> UInt32(18 - 6 * k)) & 63] : 0x3d) }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// The message of an error with its place in the expression; nil: the value is none.
    public static func problem(_ v: Value, in text: String) -> CELProblem? {
        guard let error = v.error else { return nil }
        return CELProblem(error.text, at: SourceRange(offset: Int32(bitPattern: max(v.aux, 1) - 1), count: 1), in: text)
    }
}
