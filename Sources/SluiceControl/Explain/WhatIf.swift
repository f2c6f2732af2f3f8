// What-if: many requests through two sets of policies, and which of them would go another way. Grouped by what changes, with a count and one
// example each. The requests come from `ReplayRing` or from whoever has some; nothing is sent.
import SluiceCEL
import SluiceModel

struct WhatIf {
    struct Group {
        var before: RoutingOutcome
        var after: RoutingOutcome
        var count = 0
        var example: SampleRequest
    }
    private(set) var groups: [Group] = []
    private(set) var requests = 0
    /// Requests whose way stays the same.
    private(set) var unchanged = 0
    /// More kinds of change are only counted.
    static let groupsMax = 200

    init(_ requests: some Sequence<SampleRequest>, old: Explainer, new: Explainer) {
        var places: [Pair: Int] = [:]
        for request in requests {
            self.requests += 1
            let pair = Pair(before: old.outcome(request), after: new.outcome(request))
            if pair.before == pair.after {
                unchanged += 1
            } else if let place = places[pair] {
                groups[place].count += 1
            } else if groups.count < Self.groupsMax {
                places[pair] = groups.count
                groups.append(Group(before: pair.before, after: pair.after, count: 1, example: request))
            }
        }
        groups.sort { $0.count > $1.count }
    }
    private struct Pair: Hashable { var before: RoutingOutcome, after: RoutingOutcome }

    var json: JSONValue {
        .object([
            ("requests", .int(requests)), ("changed", .int(requests - unchanged)),
            (
                "groups",
                .array(
                    groups.map { group in
                        .object([
                            ("count", .int(group.count)), ("before", Self.json(group.before)), ("after", Self.json(group.after)),
                            ("example", .string("\(group.example.method) \(group.example.url)")),
                        ])
                    })
            ),
        ])
    }

    private static func json(_ outcome: RoutingOutcome) -> JSONValue {
        .object([
            ("route", outcome.route.map(JSONValue.string) ?? .null), ("action", .string(outcome.action)),
            ("plugins", .strings(outcome.plugins)),
            ("text", .string(outcome.text)),
        ])
    }

    /// For people, from the JSON of an answer.
    static func text(_ json: JSONValue) -> String {
        var lines = ["of the last \(json["requests"]?.int ?? 0) requests \(json["changed"]?.int ?? 0) would go another way"]
        for group in json["groups"]?.array ?? [] {
            lines.append(
                "  \(group["count"]?.int ?? 0) ×  \(group["before"]?["text"]?.string ?? "")  ⇒  \(group["after"]?["text"]?.string ?? "")")
            lines.append("        such as \(group["example"]?.string ?? "")")
        }
        return lines.joined(separator: "\n")
    }
}
