// The answer of `explain` as a value, as JSON for the API, and as lines for people. It is made in `Explainer.swift`.
import SluiceCEL
import SluiceModel
import SluiceRouter

struct Explanation {
    struct Candidate {
        var route: String
        var verdict: RouteVerdict
        /// exact, regex, prefix.
        var kind: String?
        var priority: Int
        var parameters: [(String, String)] = []
        /// Hosts, paths and methods as written.
        var match = ""
        var when: String?
        var condition: Rules.Outcome?
    }
    struct Plugin {
        var name: String
        /// global or route.
        var scope: String
        var when: String?
        var condition: Rules.Outcome?
        var runs = true
    }
    struct Place {
        var name: String
        var weight: Int
        /// Of requests, 0...100.
        var percent: Int
        var reason: String
        var isTaken: Bool
    }
    var request: SampleRequest
    var revision: UInt64
    var candidates: [Candidate] = []
    /// More routes fail on host or path than are listed.
    var isCut = false
    /// Without a route: other methods of this path have one.
    var allowed = false
    var plugins: [Plugin] = []
    /// What the route does, in a few words.
    var action = ""
    /// Of a split: every cluster with its share.
    var branches: [Place] = []
    var cluster: String?
    var targets: [Place] = []

    var chosen: Candidate? { candidates.first { $0.verdict == .chosen } }

    init(request: SampleRequest, revision: UInt64) { (self.request, self.revision) = (request, revision) }

    static func match(_ route: Route) -> String {
        func list(_ items: [String]) -> String {
            items.isEmpty ? "*" : items.prefix(3).joined(separator: ",") + (items.count > 3 ? ",…" : "")
        }
        return "\(list(route.methods)) \(list(route.hosts)) \(list(route.paths))"
    }

    /// The action of the route that was chosen.
    mutating func take(_ route: Route, _ configuration: Configuration) {
        action = ObjectKind.action(ConfigurationEncoder.route(route, true))
        switch route.action {
        case .cluster(let id): cluster = id
        case .split(let split):
            let total = max(1, split.branches.reduce(0) { $0 + $1.weight })
            let how: String =
                switch split.sticky {
                case .none: "by chance, each request for itself"
                case .cookie(let name, _): "by the cookie \(quote(name)), else by chance"
                case .header(let name): "by the value of \(name)"
                case .address: "by the client's address"
                }
            branches = split.branches.map {
                Place(name: $0.cluster, weight: $0.weight, percent: 100 * $0.weight / total, reason: how, isTaken: false)
            }
            if let only = split.branches.filter({ $0.weight > 0 }).first, split.branches.count(where: { $0.weight > 0 }) == 1 {
                cluster = only.cluster
            }
        case .respond, .redirect, .plugin: break
        }
        if route.maintenance != nil { (cluster, branches) = (nil, []) }
        guard let cluster, let found = configuration.clusters.first(where: { $0.id == cluster }) else { return }
        let total = max(1, found.targets.reduce(0) { $0 + $1.weight })
        // Smooth weighted round robin from its start: the largest weight is first.
        let first = found.targets.indices.max { (found.targets[$0].weight, -$0) < (found.targets[$1].weight, -$1) }
        targets = found.targets.enumerated().map { index, target in
            let turn = "in turn, \(target.weight) of \(total) requests"
            return Place(
                name: target.address, weight: target.weight, percent: 100 * target.weight / total,
                reason: found.targets.count == 1
                    ? "the only one" : index == first ? turn + "; first of a worker that has just begun" : turn,
                isTaken: index == first)
        }
    }

    // Forms

    var json: JSONValue {
        var out: [(String, JSONValue)] = [
            ("revision", .int(revision)), ("method", .string(request.method)), ("url", .string(request.url)),
            ("route", chosen.map { .string($0.route) } ?? .null),
        ]
        if chosen == nil { out.append(("status", .int(allowed ? 405 : 404))) }
        out += [
            ("candidates", .array(candidates.map(Self.json))), ("candidates_cut", .bool(isCut)),
            ("plugins", .array(plugins.map(Self.json))),
        ]
        if !action.isEmpty { out.append(("action", .string(action))) }
        if !branches.isEmpty { out.append(("split", .array(branches.map { Self.json($0, "cluster") }))) }
        if let cluster { out += [("cluster", .string(cluster)), ("targets", .array(targets.map { Self.json($0, "address") }))] }
        return .object(out)
    }

    private static func json(_ c: Candidate) -> JSONValue {
        var out: [(String, JSONValue)] = [
            ("route", .string(c.route)), ("verdict", .string(c.verdict.rawValue)), ("reason", .string(reason(c))),
            ("priority", .int(c.priority)),
            ("match", .string(c.match)),
        ]
        if let kind = c.kind { out.append(("path_kind", .string(kind))) }
        if !c.parameters.isEmpty { out.append(("params", .object(c.parameters.map { ($0.0, .string($0.1)) }))) }
        return .object(out + condition(c.when, c.condition))
    }

    private static func json(_ p: Plugin) -> JSONValue {
        .object([("name", .string(p.name)), ("scope", .string(p.scope)), ("runs", .bool(p.runs))] + condition(p.when, p.condition))
    }

    private static func json(_ p: Place, _ name: String) -> JSONValue {
        .object([
            (name, .string(p.name)), ("weight", .int(p.weight)), ("percent", .int(p.percent)), ("taken", .bool(p.isTaken)),
            ("reason", .string(p.reason)),
        ])
    }

    private static func condition(_ when: String?, _ outcome: Rules.Outcome?) -> [(String, JSONValue)] {
        guard let outcome else { return [] }
        var out: [(String, JSONValue)] = [
            ("when", when.map(JSONValue.string) ?? .null), ("value", outcome.json), ("text", .string(outcome.text)),
        ]
        if let decided = outcome.decided { out.append(("decided_by", RuleAnswer.json(decided))) }
        return out
    }

    /// Why a candidate was taken or not, in a sentence.
    static func reason(_ c: Candidate) -> String {
        switch c.verdict {
        case .chosen: "matches" + (c.condition == nil ? "" : ", and \(why(c.condition!))")
        case .outranked: "matches too, but a better route is there"
        case .condition: "host, path and method match; \(c.condition.map(why) ?? "its condition is false")"
        case .method: "host and path match, the method does not"
        case .path: "the host matches, no path does"
        case .host: "a path matches, the host does not"
        }
    }

    private static func why(_ outcome: Rules.Outcome) -> String {
        if outcome.type == "error" { return "its condition failed: \(outcome.text)" }
        guard let decided = outcome.decided else { return "its condition is \(outcome.text)" }
        return "\(decided.text) is \(decided.value)" + (decided.found.map { " (found \($0))" } ?? "")
    }

    /// Lines for people. The JSON of an answer is enough to make them, so that the command and the API say the same.
    static func text(_ json: JSONValue, colour: Bool = false) -> String {
        var lines = ["\(json["method"]?.string ?? "") \(json["url"]?.string ?? ""), revision \(json["revision"]?.int ?? 0)"]
        for c in json["candidates"]?.array ?? [] {
            let isChosen = c["verdict"]?.string == "chosen"
            let name = (isChosen ? "✓ " : "✗ ") + (c["route"]?.string ?? "")
            lines.append(
                Terminal.paint(name, isChosen ? .green : .red, if: colour)
                    + "  \(c["match"]?.string ?? "")  priority \(c["priority"]?.int ?? 0)")
            lines.append("    " + (c["reason"]?.string ?? ""))
            for (name, value) in c["params"]?.members ?? [] where isChosen { lines.append("    {\(name)} = \(value.string ?? "")") }
        }
        if json["candidates_cut"]?.bool == true { lines.append("  … and others that fail on host or path") }
        guard json["route"]?.string != nil else {
            let status = json["status"]?.int ?? 404
            return (lines + ["no route: \(status)" + (status == 405 ? ", other methods have one" : "")]).joined(separator: "\n")
        }
        let plugins = json["plugins"]?.array ?? []
        if !plugins.isEmpty { lines.append("plugins:") }
        for p in plugins {
            let runs = p["runs"]?.bool ?? true
            var line = "  \(runs ? "✓" : "✗") \(p["name"]?.string ?? "") (\(p["scope"]?.string ?? ""))"
            if let when = p["when"]?.string { line += "  when \(when) is \(p["text"]?.string ?? "")" }
            if !runs, let decided = p["decided_by"]?["expression"]?.string { line += ", decided by \(decided)" }
            lines.append(line)
        }
        lines.append("action: \(json["action"]?.string ?? "")")
        for branch in json["split"]?.array ?? [] {
            lines.append("  \(branch["cluster"]?.string ?? ""): \(branch["percent"]?.int ?? 0) %, \(branch["reason"]?.string ?? "")")
        }
        if let cluster = json["cluster"]?.string { lines.append("cluster: \(cluster)") }
        for target in json["targets"]?.array ?? [] {
            lines.append(
                "  \(target["taken"]?.bool == true ? "→" : " ") \(target["address"]?.string ?? ""): \(target["reason"]?.string ?? "")")
        }
        return lines.joined(separator: "\n")
    }
}
