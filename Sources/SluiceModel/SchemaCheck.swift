// Holds a tree against the schema and notes everything that is wrong, not only the first thing. It knows types, ranges and
// forms; whether a reference leads somewhere is checked by `ConfigurationReader` on top of it.

/// Gathers the problems of one file, at most `SchemaLimits.problemsMax` of them.
public struct ProblemList: Sendable {
    public private(set) var problems: [ConfigProblem] = []
    public private(set) var dropped: Int
    /// - Parameter dropped: problems of an earlier list that did not fit.
    public init(dropped: Int = 0) { self.dropped = dropped }
    public var isEmpty: Bool { problems.isEmpty }
    public mutating func add(_ position: SourcePosition, _ path: String, _ message: String) {
        if problems.count < SchemaLimits.problemsMax {
            problems.append(ConfigProblem(at: position, path: path, message))
        } else {
            dropped += 1
        }
    }
    /// In the order of the file; the last line tells how many more there were.
    public var sorted: [ConfigProblem] {
        var list = problems.enumerated().sorted { ($0.element.position, $0.offset) < ($1.element.position, $1.offset) }.map(\.element)
        if dropped > 0, let last = list.last {
            list.append(ConfigProblem(at: last.position, path: "", "\(dropped) more problems are not shown"))
        }
        return list
    }
}

public struct SchemaCheck {
    public var problems = ProblemList()
    public init() {}

    /// Checks `node`, which stands at `path`, against `kind`.
    public mutating func check(_ node: ConfigNode, _ kind: SchemaKind, path: String) {
        switch kind {
        case .map(let keys): map(node, keys, path)
        case .oneOf(let keys): oneOf(node, keys, path)
        case .list(let item, let max): list(node, item, max, path)
        case .table(let name, let value, let max): table(node, name, value, max, path)
        case .json: json(node, path)
        default: scalar(node, kind, path)
        }
    }

    private mutating func map(_ node: ConfigNode, _ keys: [SchemaKey], _ path: String) {
        guard case .map(let entries) = node.content else {
            if node.isEmpty, !keys.contains(where: \.required) { return }
            return problems.add(node.position, path, "found \(node.found); allowed: a map with \(names(keys))")
        }
        var seen: [String: SourcePosition] = [:]
        for entry in entries {
            let where_ = join(path, entry.key)
            if let first = seen[entry.key] {
                problems.add(entry.keyPosition, where_, "key given twice (first at line \(first.line)); allowed: once")
                continue
            }
            seen[entry.key] = entry.keyPosition
            guard let key = keys.first(where: { $0.name == entry.key }) else {
                let hint = Suggestion.clause(for: entry.key, in: keys.map(\.name))
                problems.add(entry.keyPosition, where_, "unknown key \(quote(entry.key)); allowed: \(names(keys))\(hint)")
                continue
            }
            check(entry.value, key.kind, path: where_)
        }
        for key in keys where key.required && seen[key.name] == nil {
            problems.add(node.position, path, "key \(quote(key.name)) is missing; needed: \(Self.allowed(key.kind))")
        }
    }

    private mutating func oneOf(_ node: ConfigNode, _ keys: [SchemaKey], _ path: String) {
        if node.isEmpty { return problems.add(node.position, path, "found nothing; allowed: exactly one of \(names(keys))") }
        map(node, keys, path)
        guard case .map(let entries) = node.content, entries.allSatisfy({ entry in keys.contains { $0.name == entry.key } }) else { return }
        if entries.count != 1 { problems.add(node.position, path, "found \(entries.count) keys; allowed: exactly one of \(names(keys))") }
    }

    private mutating func list(_ node: ConfigNode, _ item: SchemaKind, _ max: Int, _ path: String) {
        guard case .list(let items) = node.content else {
            if node.isEmpty { return }
            return problems.add(node.position, path, "found \(node.found); allowed: a list, each item \(Self.allowed(item))")
        }
        if items.count > max { problems.add(node.position, path, "found \(items.count) items; allowed: at most \(max)") }
        for (index, each) in items.prefix(max).enumerated() { check(each, item, path: "\(path)[\(index)]") }
    }

    private mutating func table(_ node: ConfigNode, _ name: SchemaText, _ value: SchemaText, _ max: Int, _ path: String) {
        guard case .map(let entries) = node.content else {
            if node.isEmpty { return }
            return problems.add(node.position, path, "found \(node.found); allowed: a map of names to texts")
        }
        if entries.count > max { problems.add(node.position, path, "found \(entries.count) entries; allowed: at most \(max)") }
        var seen: [String: SourcePosition] = [:]
        for entry in entries.prefix(max) {
            let where_ = join(path, entry.key)
            if let first = seen.updateValue(entry.keyPosition, forKey: entry.key.lowercased()) {
                problems.add(entry.keyPosition, where_, "key given twice (first at line \(first.line)); allowed: once")
            }
            if let problem = name.problem(entry.key) { problems.add(entry.keyPosition, where_, problem) }
            scalar(entry.value, .text(value), where_)
        }
    }

    /// Free values: only keys given twice are wrong.
    private mutating func json(_ node: ConfigNode, _ path: String) {
        for (index, item) in node.items.enumerated() { json(item, "\(path)[\(index)]") }
        var seen: [String: SourcePosition] = [:]
        for entry in node.entries {
            let where_ = join(path, entry.key)
            if let first = seen.updateValue(entry.keyPosition, forKey: entry.key) {
                problems.add(entry.keyPosition, where_, "key given twice (first at line \(first.line)); allowed: once")
            }
            json(entry.value, where_)
        }
    }

    private mutating func scalar(_ node: ConfigNode, _ kind: SchemaKind, _ path: String) {
        guard let text = node.scalar, !node.isEmpty else {
            return problems.add(node.position, path, "found \(node.found); allowed: \(Self.allowed(kind))")
        }
        if case .text(let form) = kind {
            if let problem = form.problem(text) { problems.add(node.position, path, problem) }
        } else if !Self.accepts(text, kind) {
            var hint = ""
            if case .choice(let words) = kind { hint = Suggestion.clause(for: text, in: words) }
            problems.add(node.position, path, "found \(quote(text)); allowed: \(Self.allowed(kind))\(hint)")
        }
    }

    static func accepts(_ text: String, _ kind: SchemaKind) -> Bool {
        switch kind {
        case .whole(let range): number(text).map(range.contains) ?? false
        case .wholeOr(let word, let range): text == word || (number(text).map(range.contains) ?? false)
        case .flag: text == "true" || text == "false"
        case .duration(let range): Quantity.duration(text).map(range.contains) ?? false
        case .size(let range, let unlimited): unlimited && text == "unlimited" || (Quantity.size(text).map(range.contains) ?? false)
        case .choice(let words): words.contains(text)
        case .text(let form): form.accepts(text)
        default: false
        }
    }

    /// Digits only: "+5", "1_000" and "0x10" are no numbers here.
    static func number(_ text: String) -> UInt64? { text.utf8.allSatisfy(isDigit) ? UInt64(text) : nil }

    /// What a value of this kind may be, in words.
    public static func allowed(_ kind: SchemaKind) -> String {
        switch kind {
        case .map(let keys): "a map with \(names(keys))"
        case .oneOf(let keys): "exactly one of \(names(keys))"
        case .list(let item, _): "a list, each item \(allowed(item))"
        case .table: "a map of names to texts"
        case .json: "any value"
        case .text(let form): form.allowed
        case .whole(let range):
            range.lowerBound == range.upperBound ? "\(range.lowerBound)" : "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .wholeOr(let word, let range): "\(word), or a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .flag: "true or false"
        case .duration(let range):
            "a duration such as 500ms, 10s, 5m or 1h, from \(Quantity.text(ms: range.lowerBound)) to \(Quantity.text(ms: range.upperBound))"
        case .size(let range, let unlimited):
            "a size such as 512, 16KiB or 64MiB, from \(Quantity.text(bytes: range.lowerBound)) to \(Quantity.text(bytes: range.upperBound))"
                + (unlimited ? ", or unlimited" : "")
        case .choice(let words): words.joined(separator: ", ")
        }
    }
}

private func names(_ keys: [SchemaKey]) -> String { keys.map(\.name).joined(separator: ", ") }
private func join(_ path: String, _ key: String) -> String { path.isEmpty ? key : path + "." + key }
