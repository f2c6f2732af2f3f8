// JSON as a value: keys keep the order they were given in. A strict reader (RFC 8259; bounded depth, no key twice) that
// says line and column, and a writer. Plugin configurations, admin bodies and the JSON Schema go through it.
import SluiceModel

enum JSONValue: Sendable, Equatable {
    case null, bool(Bool), number(String), string(String), array([JSONValue]), object([(String, JSONValue)])

    static func int(_ value: some BinaryInteger) -> JSONValue { .number(String(value)) }
    static func strings(_ values: some Sequence<String>) -> JSONValue { .array(values.map(JSONValue.string)) }

    subscript(key: String) -> JSONValue? {
        if case .object(let members) = self { return members.first { $0.0 == key }?.1 }
        return nil
    }
    var string: String? { if case .string(let text) = self { text } else { nil } }
    var bool: Bool? { if case .bool(let flag) = self { flag } else { nil } }
    var array: [JSONValue]? { if case .array(let items) = self { items } else { nil } }
    var members: [(String, JSONValue)]? { if case .object(let members) = self { members } else { nil } }
    var int: Int? { if case .number(let text) = self { Int(text) } else { nil } }

    static func == (a: JSONValue, b: JSONValue) -> Bool {
        switch (a, b) {
        case (.null, .null): true
        case (.bool(let x), .bool(let y)): x == y
        case (.number(let x), .number(let y)): x == y
        case (.string(let x), .string(let y)): x == y
        case (.array(let x), .array(let y)): x == y
        case (.object(let x), .object(let y)): x.count == y.count && zip(x, y).allSatisfy { $0.0 == $1.0 && $0.1 == $1.1 }
        default: false
        }
    }

    /// On one line; `sorted` orders keys, so that equal values are equal texts.
    func text(sorted: Bool = false) -> String {
        var out = ""
        write(into: &out, indent: nil, sorted: sorted)
        return out
    }
    /// On many lines, two spaces a level, with a last newline.
    var pretty: String {
        var out = ""
        write(into: &out, indent: 0, sorted: false)
        return out + "\n"
    }

    private func write(into out: inout String, indent: Int?, sorted: Bool) {
        switch self {
        case .null: out += "null"
        case .bool(let flag): out += flag ? "true" : "false"
        case .number(let text): out += text
        case .string(let text): Self.write(text, into: &out)
        case .array(let items):
            Self.write(items, "[", "]", into: &out, indent) { $1.write(into: &$0, indent: indent.map { $0 + 1 }, sorted: sorted) }
        case .object(let members):
            let ordered = sorted ? members.sorted { Array($0.0.utf8).lexicographicallyPrecedes(Array($1.0.utf8)) } : members
            Self.write(ordered, "{", "}", into: &out, indent) { text, member in
                Self.write(member.0, into: &text)
                text += indent == nil ? ":" : ": "
                member.1.write(into: &text, indent: indent.map { $0 + 1 }, sorted: sorted)
            }
        }
    }

    private static func write<T>(
        _ items: [T], _ open: String, _ close: String, into out: inout String, _ indent: Int?, each: (inout String, T) -> Void
    ) {
        out += open
        for (index, item) in items.enumerated() {
            if index > 0 { out += "," }
            if let indent { out += "\n" + String(repeating: "  ", count: indent + 1) }
            each(&out, item)
        }
        if let indent, !items.isEmpty { out += "\n" + String(repeating: "  ", count: indent) }
        out += close
    }

    static func write(_ text: String, into out: inout String) {
        out += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            default:
                if scalar.value < 0x20 || scalar.value == 0x7f {
                    let hex = String(scalar.value, radix: 16)
                    out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
                } else {
                    out.unicodeScalars.append(scalar)
                }
            }
        }
        out += "\""
    }
}
