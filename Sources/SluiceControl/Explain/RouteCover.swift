// Which routes no request can reach, because better ones take everything: the patterns of all routes in one tree a host, in which every
// pattern finds those that match whatever it matches. It follows the order of the router (priority, host, pattern, condition, id) and is
// careful: a route is only said to be hidden when every host, path and method of it is.
import SluiceModel

/// One pattern of one route, as far as hiding goes.
private struct CoverEntry {
    var route: Int
    var priority: Int
    /// 1 exact, 0 prefix.
    var kind: Int
    var methods: UInt16
    /// Takes every request that its match fits.
    var isUnconditional: Bool
}

/// Segments of paths; `{name}` is `brace`.
private final class CoverNode {
    var literals: [Substring: CoverNode] = [:]
    var brace: CoverNode?
    /// Patterns that end here: exactly, or with a prefix whose rest is the key ("/a/b*" leaves "b").
    var exact: [CoverEntry] = []
    var prefixes: [(rest: Substring, entry: CoverEntry)] = []
}

private struct CoverPattern {
    var segments: [Substring]
    var isBrace: [Bool]
    var isPrefix: Bool
    /// Of a prefix: what stands behind the last slash.
    var rest: Substring

    /// nil for regular expressions, which are compared with nothing.
    init?(_ text: String) {
        if text.hasPrefix("~") { return nil }
        let isLiteral = text.hasPrefix("=")
        var body = Substring(isLiteral ? text.dropFirst() : Substring(text))
        isPrefix = !isLiteral && body.hasSuffix("*")
        if isPrefix { body.removeLast() }
        segments = body.split(separator: "/", omittingEmptySubsequences: false)
        if !segments.isEmpty { segments.removeFirst() }
        rest = isPrefix ? segments.popLast() ?? "" : ""
        isBrace = segments.map { !isLiteral && $0.hasPrefix("{") }
    }
}

private struct CoverIndex {
    private var hosts: [String: CoverNode] = [:]
    static let stepsMax = 10_000

    mutating func insert(_ host: String, _ pattern: CoverPattern, _ entry: CoverEntry) {
        var node = hosts[host] ?? CoverNode()
        hosts[host] = node
        for (segment, isBrace) in zip(pattern.segments, pattern.isBrace) {
            let next = isBrace ? node.brace ?? CoverNode() : node.literals[segment] ?? CoverNode()
            if isBrace { node.brace = next } else { node.literals[segment] = next }
            node = next
        }
        if pattern.isPrefix { node.prefixes.append((pattern.rest, entry)) } else { node.exact.append(entry) }
    }

    /// Everything that matches whatever `pattern` of `host` matches, with the distance of its host: 0 the same.
    func covering(_ host: String, _ pattern: CoverPattern) -> [(entry: CoverEntry, hostDistance: Int)] {
        var out: [(CoverEntry, Int)] = []
        for (distance, name) in Self.wider(host).enumerated() {
            guard let root = hosts[name] else { continue }
            var open = [(root, 0)], steps = 0
            while let (node, depth) = open.popLast(), steps < Self.stepsMax {
                steps += 1
                // What a prefix leaves open must be part of what the pattern says.
                let next: Substring? =
                    depth < pattern.segments.count
                    ? (pattern.isBrace[depth] ? "" : pattern.segments[depth]) : pattern.isPrefix ? pattern.rest : nil
                for (rest, entry) in node.prefixes where rest.isEmpty ? next != nil : next.map { $0.hasPrefix(rest) } ?? false {
                    out.append((entry, distance))
                }
                guard depth < pattern.segments.count else {
                    if !pattern.isPrefix { for entry in node.exact { out.append((entry, distance)) } }
                    continue
                }
                // `{}` takes no empty segment; a literal that is one is not covered by it.
                if let brace = node.brace, pattern.isBrace[depth] || !pattern.segments[depth].isEmpty { open.append((brace, depth + 1)) }
                if !pattern.isBrace[depth], let literal = node.literals[pattern.segments[depth]] { open.append((literal, depth + 1)) }
            }
        }
        return out
    }

    /// The host itself and every pattern that takes all of its requests, best first; "" is any host.
    private static func wider(_ host: String) -> [String] {
        if host.isEmpty { return [""] }
        var out = [host]
        var rest = Substring(host.hasPrefix("*.") ? host.dropFirst(2) : Substring(host))
        if host.hasPrefix("[") { return [host, ""] }
        while let dot = rest.firstIndex(of: ".") {
            rest = rest[rest.index(after: dot)...]
            out.append("*." + rest)
        }
        return out + [""]
    }
}

extension Linter {
    /// Routes that others hide.
    mutating func cover() {
        var index = CoverIndex()
        let routes = configuration.routes
        let methods = routes.map { $0.methods.isEmpty ? UInt16.max : MethodBits.bits($0.methods) }
        let truth = routes.map { route in route.when == nil ? true : constant(route.when!) }
        for (number, route) in routes.enumerated() where truth[number] != false {
            for (host, path, pattern) in Self.combinations(route) {
                guard let pattern else { continue }
                index.insert(
                    host, pattern,
                    CoverEntry(
                        route: number, priority: route.priority, kind: Self.kind(path), methods: methods[number],
                        isUnconditional: truth[number] == true && route.maintenance?.unless == nil))
            }
        }
        for (number, route) in routes.enumerated() where truth[number] != false {
            var hiding: [Int] = []
            let isHidden = Self.combinations(route).allSatisfy { host, path, pattern in
                guard let pattern else { return false }
                var left = methods[number]
                for (other, distance) in index.covering(host, pattern)
                where other.route != number && other.isUnconditional && left & other.methods != 0 {
                    guard isBefore(other, distance, number, Self.kind(path), pattern) else { continue }
                    left &= ~other.methods
                    if !hiding.contains(other.route) { hiding.append(other.route) }
                }
                return left == 0
            }
            guard isHidden, let first = hiding.first else { continue }
            let names = hiding.prefix(3).map { "routes/\(routes[$0].id)" }.joined(separator: ", ") + (hiding.count > 3 ? " …" : "")
            add(
                .shadowedRoute, "routes[\(number)]", "routes/\(route.id)",
                "no request reaches it: \(names) \(hiding.count == 1 ? "takes" : "take") all of them first",
                "raise its priority above \(routes[first].priority), give \(hiding.count == 1 ? "the other" : "the others") a condition, or delete it"
            )
        }
    }

    /// Whether `other` wins over the route with this pattern wherever both match. Patterns of different shape with equal priority and host
    /// never hide each other: the narrower one is the better one.
    private func isBefore(_ other: CoverEntry, _ distance: Int, _ number: Int, _ kind: Int, _ pattern: CoverPattern) -> Bool {
        let route = configuration.routes[number], rival = configuration.routes[other.route]
        // "Any path" also takes the target of OPTIONS *, which no pattern does.
        if route.paths.isEmpty, !rival.paths.isEmpty { return false }
        if other.priority != route.priority { return other.priority > route.priority }
        guard distance == 0, other.kind == kind,
            Self.patterns(rival).contains(where: { $0.segments.count == pattern.segments.count && $0.shape == pattern.shape })
        else { return false }
        // The same pattern: routes with a condition come first, also one that is always true; then the smaller id wins.
        if (route.when != nil) != (rival.when != nil) { return rival.when != nil }
        return rival.id.utf8.lexicographicallyPrecedes(route.id.utf8)
    }

    private static func kind(_ path: String) -> Int { path.isEmpty || path.hasSuffix("*") && !path.hasPrefix("=") ? 0 : 1 }
    private static func patterns(_ route: Route) -> [CoverPattern] {
        (route.paths.isEmpty ? ["/*"] : route.paths).compactMap(CoverPattern.init)
    }

    /// Every host with every path; "" is any host, and any path is the prefix "/".
    private static func combinations(_ route: Route) -> [(host: String, path: String, pattern: CoverPattern?)] {
        (route.hosts.isEmpty ? [""] : route.hosts).flatMap { host in
            (route.paths.isEmpty ? ["/*"] : route.paths).map {
                (host.hasSuffix(".") ? String(host.dropLast()) : host, $0, CoverPattern($0))
            }
        }
    }
}

extension CoverPattern {
    /// Without the names of segments: what two patterns must share to be the same.
    fileprivate var shape: String {
        zip(segments, isBrace).map { $1 ? "{}" : String($0) }.joined(separator: "/") + (isPrefix ? "/" + rest + "*" : "")
    }
}

/// Methods as bits, for comparing sets of them: the known ones by name, every other together.
private enum MethodBits {
    static let names = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]
    static func bits(_ methods: [String]) -> UInt16 {
        methods.reduce(0) { $0 | 1 << UInt16(names.firstIndex(of: $1) ?? 15) }
    }
}
