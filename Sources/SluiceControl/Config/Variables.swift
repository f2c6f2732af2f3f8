// `${NAME}` and `${NAME:-default}` in scalar values, `$$` for a dollar sign. Values are put in after parsing, so a value
// stays one scalar whatever it contains; keys are left alone, and a value is not looked through again.
import SluiceModel

struct Variables {
    /// Looks a name up; nil = unset.
    var value: @Sendable (String) -> String?
    private(set) var problems: [ConfigProblem] = []

    init(value: @escaping @Sendable (String) -> String?) { self.value = value }

    static let textBytesMax = SchemaLimits.textBytesMax

    mutating func expand(_ node: ConfigNode, path: String = "") -> ConfigNode {
        switch node.content {
        case .scalar(let text, let quoted):
            guard text.utf8.contains(UInt8(ascii: "$")) else { return node }
            return ConfigNode(.scalar(expand(text, at: node.position, path), quoted: quoted), at: node.position)
        case .list(let items):
            var out: [ConfigNode] = []
            out.reserveCapacity(items.count)
            for (index, item) in items.enumerated() { out.append(expand(item, path: "\(path)[\(index)]")) }
            return ConfigNode(.list(out), at: node.position)
        case .map(let entries):
            var out = entries
            for index in out.indices {
                out[index].value = expand(out[index].value, path: path.isEmpty ? out[index].key : path + "." + out[index].key)
            }
            return ConfigNode(.map(out), at: node.position)
        }
    }

    /// Only names of A-Z a-z 0-9 _ are variables: `${request.path}` is a plugin's template and stays as it is.
    private mutating func expand(_ text: String, at position: SourcePosition, _ path: String) -> String {
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        var index = 0
        while index < bytes.count {
            guard bytes[index] == UInt8(ascii: "$"), index + 1 < bytes.count else {
                out.append(bytes[index])
                index += 1
                continue
            }
            if bytes[index + 1] == UInt8(ascii: "$") {
                out.append(UInt8(ascii: "$"))
                index += 2
            } else if let found = reference(bytes, at: index) {
                if let given = value(found.name) ?? found.fallback {
                    out += Array(given.utf8)
                } else {
                    problems.append(
                        ConfigProblem(
                            at: position, path: path,
                            "variable \(quote(found.name)) is not set; allowed: set it, or write ${\(found.name):-default}"))
                }
                index = found.end
            } else {
                out.append(bytes[index])
                index += 1
            }
        }
        if out.count > Self.textBytesMax {
            problems.append(
                ConfigProblem(
                    at: position, path: path,
                    "text of \(out.count) bytes after variables were put in; allowed: at most \(Self.textBytesMax)"))
            return ""
        }
        return String(decoding: out, as: UTF8.self)
    }

    private func reference(_ bytes: [UInt8], at start: Int) -> (name: String, fallback: String?, end: Int)? {
        guard bytes[start + 1] == UInt8(ascii: "{"), let close = bytes[start...].firstIndex(of: UInt8(ascii: "}")) else { return nil }
        let inside = bytes[(start + 2)..<close]
        let nameEnd =
            inside.firstIndex { !($0 == 0x5f || (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0)) }
            ?? inside.endIndex
        let name = inside[inside.startIndex..<nameEnd], rest = inside[nameEnd...]
        guard let first = name.first, !(0x30...0x39).contains(first) else { return nil }
        let text = String(decoding: name, as: UTF8.self)
        if rest.isEmpty { return (text, nil, close + 1) }
        guard rest.starts(with: ":-".utf8) else { return nil }
        return (text, String(decoding: rest.dropFirst(2), as: UTF8.self), close + 1)
    }
}
