// From operations to what they change: each operation is held against what is there (and against the operations before it), checked, and
// becomes created, updated, deleted or unchanged objects. Pure. Costs what the edit names, not what there is; only `apply` with pruning
// and deleting a cluster look at everything.
import SluiceModel

struct PolicyPlan: Sendable {
    /// What an edit is held against.
    struct Base: Sendable {
        var configuration: Configuration
        var table: PolicyTable
        var keeper: any SecretKeeping = NoSecretKeeper()
        /// Objects at an older revision, those that differ from now: nil = gone. Throws when that revision is not kept.
        var past: @Sendable (UInt64) throws(ChangeRefusal) -> [PolicyKey: PolicyValue?] = { number throws(ChangeRefusal) in
            throw ChangeRefusal(kind: .unknown, title: "no such revision", errors: ["revision \(number) is not kept"])
        }
    }

    private let base: Base
    private(set) var warnings: [String] = []
    private var problems: [PolicyProblem] = []
    /// In the order in which the operations named them first.
    private var order: [PolicyKey] = []
    private var after: [PolicyKey: PolicyValue?] = [:]
    /// Where the value came from, for pointers.
    private var places: [PolicyKey: (operation: Int, pointer: String)] = [:]

    /// - Throws: unknown, stale, conflict, or invalid with every problem of form.
    init(_ operations: [PolicyOperation], base: Base) throws(ChangeRefusal) {
        self.base = base
        for (index, operation) in operations.enumerated() { try take(operation, index) }
        guard problems.isEmpty else { throw ChangeRefusal.invalid(problems) }
    }

    /// Every object that the operations named.
    var changes: [PolicyChange] {
        order.map { key in
            let before = stored(key), after = self.after[key] ?? nil
            let kind: PolicyChange.Kind =
                switch (before, after) {
                case (nil, nil): .unchanged
                case (nil, _): .created
                case (_, nil): .deleted
                default: before == after ? .unchanged : .updated
                }
            return PolicyChange(key: key, kind: kind, before: before, after: after)
        }
    }

    /// The problem that stands at `path` of the configuration ("routes[17].match.when") as one of the edit; `index` says which object is
    /// the one of that number.
    func problem(path: String, found: String, allowed: String, object: (PolicyKind, Int) -> PolicyValue?) -> PolicyProblem {
        let general = PolicyProblem(pointer: "", found: path.isEmpty ? found : "\(path): \(found)", allowed: allowed)
        let parts = path.split(separator: "[", maxSplits: 1)
        guard parts.count == 2, let kind = PolicyKind(rawValue: String(parts[0])), let end = parts[1].firstIndex(of: "]"),
            let index = Int(parts[1][..<end]), let value = object(kind, index)
        else { return general }
        let rest = String(parts[1][parts[1].index(after: end)...])
        guard let place = places[value.key] else {
            return PolicyProblem(pointer: "", found: "\(value.key)\(rest): \(found)", allowed: allowed)
        }
        let pointer = ConfigNode(json: value.json(masked: false)).pointer(rest)
        return PolicyProblem(operation: place.operation, pointer: place.pointer + pointer, found: found, allowed: allowed)
    }

    // Steps

    private func stored(_ key: PolicyKey) -> PolicyValue? {
        base.table[key].map { base.configuration.policy(key.kind, at: $0.index) }
    }

    /// As the operations before left it.
    private func current(_ key: PolicyKey) -> PolicyValue? { after[key] ?? stored(key) }

    private mutating func note(_ key: PolicyKey, _ value: PolicyValue?, _ operation: Int, _ pointer: String) {
        if after.updateValue(value, forKey: key) == nil { order.append(key) }
        places[key] = (operation, pointer)
    }

    private mutating func take(_ operation: PolicyOperation, _ index: Int) throws(ChangeRefusal) {
        switch operation {
        case .put(let kind, let id, let json, let ifMatch, let ifNoneMatch):
            let key = PolicyKey(kind: kind, id: id)
            if ifNoneMatch, current(key) != nil {
                throw ChangeRefusal(kind: .stale, title: "exists already", errors: ["\(kind.one) \(quote(id)) exists"])
            }
            try match(key, ifMatch)
            put(key, json, index)
        case .patch(let kind, let id, let patch, let ifMatch):
            let key = PolicyKey(kind: kind, id: id)
            guard let old = current(key) else { throw unknown(key) }
            try match(key, ifMatch)
            guard patch.members != nil else {
                problems.append(PolicyProblem(operation: index, pointer: "", found: "found no object", allowed: "a merge patch, an object"))
                return
            }
            put(key, PolicyCheck.merged(old.json(masked: false), patch), index)
        case .delete(let kind, let id, let ifMatch):
            let key = PolicyKey(kind: kind, id: id)
            guard current(key) != nil else { throw unknown(key) }
            try match(key, ifMatch)
            note(key, nil, index, "")
        case .apply(let document, let prune): apply(document, prune, index)
        case .rollback(let number):
            for (key, value) in try base.past(number).sorted(by: { $0.key.description < $1.key.description }) {
                note(key, value, index, "")
            }
        }
    }

    private mutating func put(_ key: PolicyKey, _ given: JSONValue, _ index: Int) {
        var json = PolicyCheck.unmasked(given, stored: current(key)?.json(masked: false))
        if case .object(let members) = json {
            if let id = members.first(where: { $0.0 == "id" })?.1 {
                guard id == .string(key.id) else {
                    let wrong = PolicyProblem(operation: index, pointer: "/id", found: "found \(id.text())", allowed: quote(key.id))
                    return problems.append(wrong)
                }
            } else {
                json = .object([("id", .string(key.id))] + members)
            }
        }
        guard let value = PolicyCheck.value(key.kind, json, operation: index, pointer: "", problems: &problems) else { return }
        keep(key, value, index, "")
    }

    private mutating func keep(_ key: PolicyKey, _ value: PolicyValue, _ index: Int, _ pointer: String) {
        do { note(key, try base.keeper.keep(value, stored: current(key)), index, pointer) } catch let problem as PolicyProblem {
            problems.append(
                PolicyProblem(operation: index, pointer: pointer + problem.pointer, found: problem.detail, allowed: problem.allowed))
        } catch {
            problems.append(PolicyProblem(operation: index, pointer: pointer, message: "\(error)"))
        }
    }

    private mutating func apply(_ document: JSONValue, _ prune: Bool, _ index: Int) {
        var named: [PolicyKey: String] = [:]
        for (value, pointer) in PolicyCheck.document(document, operation: index, warnings: &warnings, problems: &problems) {
            let key = value.key
            if let first = named.updateValue(pointer, forKey: key) {
                problems.append(
                    PolicyProblem(
                        operation: index, pointer: pointer + "/id", found: "\(quote(key.id)) given twice (first at \(first))",
                        allowed: "once"))
                continue
            }
            guard let stored = current(key)?.json(masked: false) else { keep(key, value, index, pointer); continue }
            let json = PolicyCheck.unmasked(value.json(masked: false), stored: stored)
            keep(key, PolicyValue(key.kind, ConfigNode(json: json)), index, pointer)
        }
        guard prune, problems.isEmpty else { return }
        for kind in PolicyKind.allCases {
            for at in 0..<base.configuration.count(kind) {
                let key = base.configuration.policy(kind, at: at).key
                if named[key] == nil, current(key) != nil { note(key, nil, index, "") }
            }
        }
    }

    private func match(_ key: PolicyKey, _ tags: [ETag]?) throws(ChangeRefusal) {
        guard let tags else { return }
        guard current(key) != nil, let entry = base.table[key] else {
            throw ChangeRefusal(kind: .stale, title: "changed meanwhile", errors: ["there is no \(key.kind.one) \(quote(key.id))"])
        }
        let tag = ETag(revision: entry.mark.revision)
        guard tags.isEmpty || tags.contains(tag) else {
            throw ChangeRefusal(
                kind: .stale, title: "changed meanwhile",
                errors: ["\(key.kind.one) \(quote(key.id)) is \(quote(tag.text)) since revision \(entry.mark.revision)"])
        }
    }

    private func unknown(_ key: PolicyKey) -> ChangeRefusal {
        ChangeRefusal(kind: .unknown, title: "no such object", errors: ["there is no \(key.kind.one) \(quote(key.id))"])
    }
}

extension ChangeRefusal {
    static func invalid(_ problems: [PolicyProblem]) -> ChangeRefusal {
        let shown = Array(problems.prefix(SchemaLimits.problemsMax))
        return ChangeRefusal(kind: .invalid, title: "invalid object", errors: shown.map(\.line), problems: shown)
    }
}
