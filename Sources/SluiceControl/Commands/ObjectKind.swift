// The kinds of policy objects as the command line knows them: the names people type, the columns of their tables, which ids there are. The
// admin API has the last word on all of it.
import ArgumentParser
import SluiceModel

struct ObjectKind: ExpressibleByArgument {
    /// As in paths: "ip_sets".
    var name: String
    var one: String
    var columns: [String]
    var cells: @Sendable (JSONValue) -> [String]

    static let all: [ObjectKind] = [
        ObjectKind(name: "routes", one: "route", columns: ["ID", "PRIORITY", "HOSTS", "PATHS", "METHODS", "ACTION", "WHEN"]) { route in
            let match = route["match"]
            return [
                "\(route["priority"]?.int ?? 0)", list(match?["hosts"], "*"), list(match?["paths"], "*"), list(match?["methods"], "*"),
                action(route), match?["when"]?.string ?? "",
            ]
        },
        ObjectKind(name: "clusters", one: "cluster", columns: ["ID", "TARGETS"]) { cluster in
            [
                (cluster["targets"]?.array ?? []).map { target in
                    let weight = target["weight"]?.int ?? 1
                    return (target["address"]?.string ?? "") + (weight == 1 ? "" : " (\(weight))")
                }.joined(separator: ", ")
            ]
        },
        ObjectKind(name: "global_plugins", one: "global_plugin", columns: ["ID", "PLUGIN", "ORDER", "WHEN"]) {
            [$0["name"]?.string ?? "", "\($0["order"]?.int ?? 0)", $0["when"]?.string ?? ""]
        },
        ObjectKind(name: "consumers", one: "consumer", columns: ["ID", "LABELS", "CREDENTIALS"]) { consumer in
            [
                (consumer["labels"]?.members ?? []).map { "\($0.0)=\($0.1.string ?? "")" }.joined(separator: ", "),
                (consumer["credentials"]?.array ?? []).map { "\($0["id"]?.string ?? "") (\($0["type"]?.string ?? ""))" }.joined(
                    separator: ", "),
            ]
        },
        ObjectKind(name: "certificates", one: "certificate", columns: ["ID", "NAMES", "EXPIRES"]) {
            [list($0["info"]?["names"], ""), $0["info"]?["not_after"].map { $0.string ?? $0.text() } ?? ""]
        },
        ObjectKind(name: "ip_sets", one: "ip_set", columns: ["ID", "SIZE", "ADDRESSES"]) {
            ["\($0["addresses"]?.array?.count ?? 0)", list($0["addresses"], "")]
        },
    ]

    init(name: String, one: String, columns: [String], cells: @escaping @Sendable (JSONValue) -> [String]) {
        (self.name, self.one, self.columns, self.cells) = (name, one, columns, cells)
    }

    /// "routes", "route", "ip-sets": singular, plural, with - or _.
    init?(argument: String) {
        let wanted = argument.lowercased().replacing("-", with: "_")
        guard let found = Self.all.first(where: { $0.name == wanted || $0.one == wanted }) else { return nil }
        self = found
    }
    static var allValueStrings: [String] { all.map(\.name) }
    var defaultValueDescription: String { name }

    var path: String { "/v1/\(name)" }
    func path(_ id: String) -> String { path + "/" + AdminSession.encode(id) }

    /// One line for each object.
    func table(_ objects: [JSONValue]) -> TextTable {
        var numeric: Set<Int> = []
        for (index, column) in columns.enumerated() where ["PRIORITY", "ORDER", "SIZE"].contains(column) { numeric.insert(index) }
        return TextTable(columns, rows: objects.map { [$0["id"]?.string ?? ""] + cells($0) }, numeric: numeric)
    }

    private static func list(_ value: JSONValue?, _ empty: String) -> String {
        let items = (value?.array ?? []).compactMap(\.string)
        return items.isEmpty ? empty : items.prefix(4).joined(separator: " ") + (items.count > 4 ? " … (\(items.count))" : "")
    }

    /// What a route does, in a few words.
    static func action(_ route: JSONValue) -> String {
        if route["maintenance"] != nil { return "maintenance" }
        let action = route["action"]
        if let cluster = action?["cluster"]?.string { return cluster }
        if let branches = action?["split"]?["clusters"]?.array {
            return branches.map { "\($0["cluster"]?.string ?? "") \($0["weight"]?.int ?? 1)" }.joined(separator: " / ")
        }
        if let redirect = action?["redirect"] { return "\(redirect["status"]?.int ?? 302) → \(redirect["location"]?.string ?? "")" }
        if let respond = action?["respond"] { return "\(respond["status"]?.int ?? 200)" }
        return action?["plugin"]?["name"]?.string.map { "plugin \($0)" } ?? ""
    }
}

/// Words that a shell offers: what the running gateway has. Asks it within a second, and offers nothing when it cannot.
enum Offer {
    /// For commands whose first argument is a kind: ids of that kind.
    @Sendable static func ids(_ words: [String], _ at: Int, _ prefix: String) -> [String] {
        guard let kind = words.dropFirst().compactMap({ ObjectKind(argument: $0) }).first else { return ObjectKind.allValueStrings }
        return (try? objects(kind, words).compactMap { $0["id"]?.string }) ?? []
    }
    @Sendable static func revisions(_ words: [String], _ at: Int, _ prefix: String) -> [String] {
        guard let session = try? session(words), let answer = try? session.send("GET", "/v1/revisions", [("limit", "50")], timeoutMs: 1000),
            let json = try? JSONReader.read(answer.body)
        else { return [] }
        return (json["items"]?.array ?? []).compactMap { $0["revision"]?.int.map { "\($0)" } }
    }

    private static func objects(_ kind: ObjectKind, _ words: [String]) throws -> [JSONValue] {
        let answer = try session(words).send("GET", kind.path, [("limit", "1000")], timeoutMs: 1000)
        return try JSONReader.read(answer.body)["items"]?.array ?? []
    }
    /// With the address that stands on the line, if one does.
    private static func session(_ words: [String]) throws -> AdminSession {
        var arguments: [String] = []
        for (index, word) in words.enumerated()
        where ["--admin", "-c", "--config", "--token-file"].contains(word) && index + 1 < words.count {
            arguments += [word, words[index + 1]]
        }
        return try SessionOption.parse(arguments).session()
    }
}
