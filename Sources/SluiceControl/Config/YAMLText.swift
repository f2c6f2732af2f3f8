// JSON → YAML in the form of the configuration file: block style, two spaces a level, quotes only where a plain text would be read as
// something else. What is written here reads back as the same value (`YAMLTree`), with `$` doubled so that `Variables` leaves it alone.
import SluiceModel

enum YAMLText {
    /// The document, with a last newline.
    static func text(_ value: JSONValue) -> String {
        var out = ""
        switch value {
        case .object(let members) where !members.isEmpty: write(members, &out, 0)
        case .array(let items) where !items.isEmpty: write(items, &out, 0)
        default: out += scalar(value) + "\n"
        }
        return out
    }

    private static func write(_ members: [(String, JSONValue)], _ out: inout String, _ level: Int, isFirstOpen: Bool = false) {
        for (index, (key, value)) in members.enumerated() {
            if index > 0 || !isFirstOpen { out += String(repeating: "  ", count: level) }
            out += plain(key) ? key : quoted(key)
            out += ":"
            nested(value, &out, level)
        }
    }

    private static func nested(_ value: JSONValue, _ out: inout String, _ level: Int) {
        switch value {
        case .object(let members) where !members.isEmpty:
            out += "\n"
            write(members, &out, level + 1)
        case .array(let items) where !items.isEmpty:
            if items.count <= 8, items.allSatisfy(isShort) {
                out += " [" + items.map(scalar).joined(separator: ", ") + "]\n"
            } else {
                out += "\n"
                write(items, &out, level + 1)
            }
        case .string(let text) where isBlock(text):
            out += " |\n"
            for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
                out += line.isEmpty ? "\n" : String(repeating: "  ", count: level + 1) + line.replacing("$", with: "$$") + "\n"
            }
        default: out += " " + scalar(value) + "\n"
        }
    }

    private static func write(_ items: [JSONValue], _ out: inout String, _ level: Int) {
        for item in items {
            out += String(repeating: "  ", count: level) + "-"
            switch item {
            case .object(let members) where !members.isEmpty:
                out += " "
                write(members, &out, level + 1, isFirstOpen: true)
            default: nested(item, &out, level)
            }
        }
    }

    private static func isShort(_ value: JSONValue) -> Bool {
        switch value {
        case .array, .object: false
        case .string(let text): text.utf8.count <= 40
        default: true
        }
    }

    /// Several lines of printable text that end with one newline, such as a certificate.
    private static func isBlock(_ text: String) -> Bool {
        guard text.hasSuffix("\n"), !text.hasSuffix("\n\n"), text.utf8.count > 1, let first = text.unicodeScalars.first else {
            return false
        }
        return first != " " && first != "\n" && text.dropLast().contains("\n")
            && text.unicodeScalars.allSatisfy { $0 == "\n" || ($0.value >= 0x20 && $0.value < 0x7f) }
    }

    private static func scalar(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool(let flag): flag ? "true" : "false"
        case .number(let text): text
        case .string(let text): plain(text) ? text : quoted(text)
        case .array(let items): "[" + items.map(scalar).joined(separator: ", ") + "]"
        case .object(let members):
            "{" + members.map { (plain($0.0) ? $0.0 : quoted($0.0)) + ": " + scalar($0.1) }.joined(separator: ", ") + "}"
        }
    }

    /// Whether the text stands for itself without quotes, here and in other readers of YAML (so `yes` and 1.0 are quoted as well).
    private static func plain(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, let last = bytes.last, bytes.count <= 120 else { return false }
        func isLetter(_ b: UInt8) -> Bool { (0x41...0x5a).contains(b) || (0x61...0x7a).contains(b) }
        guard isLetter(first) || first == UInt8(ascii: "/") || first == UInt8(ascii: "_") || isUnit(bytes), last != UInt8(ascii: ":") else {
            return false
        }
        let reserved: Set = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"]
        guard !reserved.contains(text.lowercased()) else { return false }
        return bytes.allSatisfy { b in
            isLetter(b) || (0x30...0x39).contains(b) || "/_-.+@:~*".utf8.contains(b)
        } && !text.contains(": ")
    }

    /// A number with a unit or address parts, 10s and 10.0.0.1:80: begins with a digit, but is no number to anybody.
    private static func isUnit(_ bytes: [UInt8]) -> Bool {
        guard let first = bytes.first, (0x30...0x39).contains(first), let last = bytes.last else { return false }
        let text = String(decoding: bytes, as: UTF8.self)
        if text.hasPrefix("0x") || text.hasPrefix("0o") || text.hasPrefix("0b") { return false }
        let dots = bytes.count { $0 == UInt8(ascii: ".") }
        // Sexagesimal numbers of YAML 1.1 (1:20), exponents (1e3) and dates are quoted.
        let isQuantity = bytes.dropLast().allSatisfy { (0x30...0x39).contains($0) } && "smhdBb".utf8.contains(last)
        let isMilli = text.hasSuffix("ms") && bytes.dropLast(2).allSatisfy { (0x30...0x39).contains($0) }
        let isSize = ["KiB", "MiB", "GiB"].contains { text.hasSuffix($0) } && bytes.dropLast(3).allSatisfy { (0x30...0x39).contains($0) }
        let isAddress = dots == 3 && bytes.allSatisfy { (0x30...0x39).contains($0) || "./:".utf8.contains($0) }
        return isQuantity || isMilli || isSize || isAddress
    }

    private static func quoted(_ text: String) -> String {
        var json = "", out = ""
        JSONValue.write(text.replacing("$", with: "$$"), into: &json)
        for scalar in json.unicodeScalars {
            switch scalar.value {
            // Line breaks of YAML 1.1 and what its readers refuse to see unescaped.
            case 0x80...0x9f, 0x2028, 0x2029, 0xfeff, 0xfffe, 0xffff:
                let hex = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}
