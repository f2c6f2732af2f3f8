// JSON against the same grammar and rules as the file: turns values into trees, and places in trees into JSON pointers, so that an edit
// gets the words that the same mistake gets in the file.
import SluiceModel

extension ConfigNode {
    /// A tree whose every value stands at line 1: JSON that came with a request has no places worth telling.
    init(json: JSONValue) {
        let at = SourcePosition(line: 1, column: 1)
        switch json {
        case .null: self.init(.scalar("null", quoted: false), at: at)
        case .bool(let flag): self.init(.scalar(flag ? "true" : "false", quoted: false), at: at)
        case .number(let text): self.init(.scalar(text, quoted: false), at: at)
        case .string(let text): self.init(.scalar(text, quoted: true), at: at)
        case .array(let items): self.init(.list(items.map { ConfigNode(json: $0) }), at: at)
        case .object(let members):
            self.init(.map(members.map { ConfigEntry(key: $0.0, keyPosition: at, value: ConfigNode(json: $0.1)) }), at: at)
        }
    }

    /// "match.methods[1]" → "/match/methods/1" (RFC 6901). Keys that hold dots or brackets themselves are found by looking at the tree.
    func pointer(_ path: String) -> String {
        var rest = Substring(path), node: ConfigNode? = self, out = ""
        while !rest.isEmpty {
            if rest.first == "." { rest = rest.dropFirst() }
            if rest.first == "[", let end = rest.firstIndex(of: "]") {
                let number = rest[rest.index(after: rest.startIndex)..<end]
                out += "/" + number
                node = Int(number).flatMap { index in node.flatMap { $0.items.indices.contains(index) ? $0.items[index] : nil } }
                rest = rest[rest.index(after: end)...]
                continue
            }
            let known = (node?.entries ?? []).map(\.key).filter { key in
                guard rest.hasPrefix(key) else { return false }
                let next = rest.dropFirst(key.count).first
                return next == nil || next == "." || next == "["
            }
            let key = known.max { $0.count < $1.count } ?? String(rest.prefix { $0 != "." && $0 != "[" })
            out += "/" + key.replacing("~", with: "~0").replacing("/", with: "~1")
            node = node?[key]
            rest = rest.dropFirst(key.count)
        }
        return out
    }
}

enum PolicyCheck {
    /// An object in the shape that its kind has in the file.
    /// - Parameter pointer: where `json` stands in the operation's value.
    static func value(_ kind: PolicyKind, _ json: JSONValue, operation: Int, pointer: String, problems: inout [PolicyProblem])
        -> PolicyValue?
    {
        let node = ConfigNode(json: json)
        var check = SchemaCheck()
        check.check(node, kind.item, path: "")
        for problem in check.problems.sorted {
            problems.append(PolicyProblem(operation: operation, pointer: pointer + node.pointer(problem.path), message: problem.message))
        }
        return check.problems.isEmpty ? PolicyValue(kind, node) : nil
    }

    /// A merge patch (RFC 7396).
    static func merged(_ target: JSONValue, _ patch: JSONValue) -> JSONValue {
        guard case .object(let changes) = patch else { return patch }
        var members = target.members ?? []
        for (name, change) in changes {
            let index = members.firstIndex { $0.0 == name }
            if change == .null {
                if let index { members.remove(at: index) }
            } else if let index {
                members[index].1 = merged(members[index].1, change)
            } else {
                members.append((name, merged(.object([]), change)))
            }
        }
        return .object(members)
    }

    /// What was read masked may be written back: "***" stands for what is there already.
    static func unmasked(_ json: JSONValue, stored: JSONValue?) -> JSONValue {
        guard let stored else { return json }
        switch (json, stored) {
        case (.string("***"), .string): return stored
        case (.object(let members), .object): return .object(members.map { ($0.0, unmasked($0.1, stored: stored[$0.0])) })
        case (.array(let items), .array(let olds)):
            return .array(
                items.enumerated().map { index, item in
                    let name = item["id"] ?? item["name"]
                    let old =
                        name == nil ? (olds.indices.contains(index) ? olds[index] : nil) : olds.first { ($0["id"] ?? $0["name"]) == name }
                    return unmasked(item, stored: old)
                })
        default: return json
        }
    }

    /// The whole document of `apply`: its objects by kind, with where they stand. Anything but objects is told in `warnings`.
    static func document(_ json: JSONValue, operation: Int, warnings: inout [String], problems: inout [PolicyProblem])
        -> [(value: PolicyValue, pointer: String)]
    {
        guard let members = json.members else {
            problems.append(
                PolicyProblem(
                    operation: operation, pointer: "", found: "found no object",
                    allowed: "an object with \(PolicyKind.allCases.map(\.rawValue).joined(separator: ", "))"))
            return []
        }
        var out: [(value: PolicyValue, pointer: String)] = [], settings: [String] = []
        for (name, value) in members where name != "version" {
            guard let kind = PolicyKind(rawValue: name) else {
                if Grammar.root.contains(where: { $0.name == name }) {
                    settings.append(name)
                } else {
                    let known = PolicyKind.allCases.map(\.rawValue)
                    problems.append(
                        PolicyProblem(
                            operation: operation, pointer: ConfigNode(json: json).pointer(name), found: "unknown key \(quote(name))",
                            allowed: known.joined(separator: ", ") + Suggestion.clause(for: name, in: known)))
                }
                continue
            }
            guard let items = value.array, items.count <= kind.max else {
                let found = value.array.map { "found \($0.count) items" } ?? "found no list"
                problems.append(
                    PolicyProblem(operation: operation, pointer: "/" + name, found: found, allowed: "a list of at most \(kind.max)"))
                continue
            }
            for (index, item) in items.enumerated() where problems.count < SchemaLimits.problemsMax {
                let pointer = "/\(name)/\(index)"
                if let value = self.value(kind, item, operation: operation, pointer: pointer, problems: &problems) {
                    out.append((value, pointer))
                }
            }
        }
        if !settings.isEmpty {
            warnings.append("settings stay as the configuration file says: \(settings.joined(separator: ", ")) not applied")
        }
        return out
    }
}
