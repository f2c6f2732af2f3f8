// Values as people read them: `sluice rule eval`, explain. Allocates; not for requests.
import SluiceBytes

public enum ValueText {
    /// As a literal of the language where there is one: `"text"`, `1.0`, `7u`, `{"a": [1]}`, `timestamp("2024-…")`; errors as their text.
    public static func literal(_ v: Value) -> String {
        switch v.tag {
        case .null: return "null"
        case .bool: return v.a != 0 ? "true" : "false"
        case .int: return String(v.asInt)
        case .uint: return "\(v.a)u"
        case .double:
            let s = DoubleText.text(v.asDouble)
            return s.utf8.allSatisfy { ASCII.isDigit($0) || $0 == 0x2d } ? s + ".0" : s
        case .string: return quoted(v.view.string)
        case .bytes: return "b" + quotedBytes(v.view)
        case .timestamp: return "timestamp(\"\(CivilTime.text(v))\")"
        case .duration: return "duration(\"\(CivilTime.durationText(v.asInt))\")"
        case .type: return TypeName(rawValue: UInt8(truncatingIfNeeded: v.a))?.text ?? "type"
        case .ip: return "ip(\"\(AddressText.text(v))\")"
        case .cidr: return "cidr(\"\(AddressText.networkText(v))\")"
        case .addressSet: return "ipset(…)"
        case .list: return "[" + (0..<v.count).map { literal(v.items![$0]) }.joined(separator: ", ") + "]"
        case .map: return "{" + pairs(v).map { "\(literal($0)): \(literal($1))" }.joined(separator: ", ") + "}"
        case .attributeMap: return "{…}"
        case .error: return v.error?.text ?? "error"
        }
    }

    /// The name of its type; "error" for an error.
    public static func type(_ v: Value) -> String { v.isError ? "error" : TypeName(v.tag).text }

    static func pairs(_ v: Value) -> [(Value, Value)] { (0..<v.count).map { (v.items![2 * $0], v.items![2 * $0 + 1]) } }

    private static func quoted(_ s: String) -> String { quoted(s, control: "\\x") { $0 < 32 || $0 == 127 } }

    /// In quotes; characters that `isControl` picks are `control` and two hexadecimal digits.
    static func quoted(_ s: String, control: String, _ isControl: (UInt32) -> Bool) -> String {
        var out = "\""
        for c in s.unicodeScalars {
            switch c {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            default: out += isControl(c.value) ? control + hex(UInt8(c.value)) : String(c)
            }
        }
        return out + "\""
    }
    private static func quotedBytes(_ v: ByteView) -> String {
        var out = "\""
        for i in 0..<v.count {
            let c = v[i]
            out +=
                c == 0x22 || c == 0x5c
                ? "\\" + String(UnicodeScalar(c)) : (32..<127).contains(c) ? String(UnicodeScalar(c)) : "\\x" + hex(c)
        }
        return out + "\""
    }
    static func hex(_ c: UInt8) -> String { (c < 16 ? "0" : "") + String(c, radix: 16) }
}
