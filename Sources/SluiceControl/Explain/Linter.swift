// Looks for what is allowed but hardly meant: routes that no request reaches, things that nothing uses, conditions that are always the same.
// Pure functions over a good configuration; costs a few microseconds a route. Routes that hide each other are in `RouteCover.swift`,
// conditions in `Linter+Conditions.swift`.
import SluiceModel

struct Linter {
    let configuration: Configuration
    private(set) var findings: [Finding] = []
    /// More is not read by anybody.
    static let findingsMax = 1000

    /// Everything odd, by place.
    static func findings(_ configuration: Configuration) -> [Finding] {
        var linter = Linter(configuration: configuration)
        linter.unused()
        linter.conditions()
        linter.patterns()
        linter.cover()
        linter.twins()
        return linter.findings
    }

    private init(configuration: Configuration) { self.configuration = configuration }

    mutating func add(_ rule: Finding.Rule, _ path: String, _ object: String, _ message: String, _ advice: String) {
        guard findings.count < Self.findingsMax else { return }
        findings.append(Finding(rule: rule, path: path, object: object, message: message, advice: advice))
    }

    // What nothing uses

    private mutating func unused() {
        let clusters = configuration.routes.reduce(into: Set<String>()) { $0.formUnion($1.clusters) }
        // A plugin may choose a cluster by its name at run time; then it says so in its configuration.
        let configs = allBindings.map(\.binding.configJSON)
        for (index, cluster) in configuration.clusters.enumerated() where !clusters.contains(cluster.id) {
            guard !configs.contains(where: { $0.contains("\"\(cluster.id)\"") }) else { continue }
            add(
                .unusedCluster, "clusters[\(index)]", "clusters/\(cluster.id)", "no route sends requests to it",
                "delete it, or name it in a route")
        }
        let texts = expressions.map(\.text)
        for (index, set) in configuration.ipSets.enumerated()
        where !texts.contains(where: { $0.contains("\"\(set.id)\"") || $0.contains("'\(set.id)'") }) {
            add(
                .unusedIPSet, "ip_sets[\(index)]", "ip_sets/\(set.id)", "no condition asks for it",
                "delete it, or use it: source.address in ipset(\"\(set.id)\")")
        }
    }

    // Patterns

    private mutating func patterns() {
        for (index, route) in configuration.routes.enumerated() {
            for (number, path) in route.paths.enumerated() where path.hasPrefix("~") {
                guard let why = PatternCost.complaint(String(path.dropFirst())) else { continue }
                add(.costlyPattern, "routes[\(index)].match.paths[\(number)]", "routes/\(route.id)", why.message, why.advice)
            }
            if let pattern = route.rewrite?.pattern, let why = PatternCost.complaint(pattern) {
                add(.costlyPattern, "routes[\(index)].rewrite.pattern", "routes/\(route.id)", why.message, why.advice)
            }
        }
    }

    // Routes that differ by case alone

    private mutating func twins() {
        var seen: [String: (Int, String)] = [:]
        var ids: [String: Int] = [:]
        for (index, route) in configuration.routes.enumerated() {
            let object = "routes/\(route.id)"
            if let first = ids.updateValue(index, forKey: route.id.lowercased()) {
                add(
                    .caseTwins, "routes[\(index)].id", object, "its id differs from \(quote(configuration.routes[first].id)) by case alone",
                    "give one of them another name")
            }
            for (number, path) in route.paths.enumerated() where !path.hasPrefix("~") {
                for host in route.hosts.isEmpty ? ["*"] : route.hosts {
                    let key = "\(host) \(path.lowercased())"
                    guard let (first, text) = seen[key] else { seen[key] = (index, path); continue }
                    guard text != path, first != index else { continue }
                    add(
                        .caseTwins, "routes[\(index)].match.paths[\(number)]", object,
                        "\(quote(path)) differs from \(quote(text)) of routes/\(configuration.routes[first].id) by case alone",
                        "paths are compared with their case; name both in one route if both are meant")
                }
            }
        }
    }
}

/// Regular expressions run in linear time; what they cost is memory and the length of that line.
enum PatternCost {
    /// Bytes of a counted repetition written out.
    static let repeatMax = 256

    static func complaint(_ pattern: String) -> (message: String, advice: String)? {
        let bytes = Array(pattern.utf8)
        var product = 1
        for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: "{") && (index == 0 || bytes[index - 1] != UInt8(ascii: "\\")) {
            guard let end = bytes[index...].firstIndex(of: UInt8(ascii: "}")) else { break }
            let numbers = String(decoding: bytes[(index + 1)..<end], as: UTF8.self).split(separator: ",").compactMap { Int($0) }
            if let most = numbers.last { product = min(product * max(most, 1), 1 << 20) }
        }
        if product > repeatMax {
            return (
                "\(quote(pattern)) repeats up to \(product) times, each of which is kept in the automaton",
                "use * or +, and a length check in when"
            )
        }
        if pattern.hasPrefix(".*") || pattern.hasPrefix("^.*") {
            return (
                "\(quote(pattern)) begins with .*, so every path is read to its end",
                "leave .* out in front: a pattern matches anywhere unless ^ stands there"
            )
        }
        return nil
    }
}
