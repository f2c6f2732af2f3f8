// Routes: records, and for each route its patterns and hosts, from which `RouteTreeBuilder` makes the routing structures.
import SluiceModel

extension ImageCompiler {
    mutating func compileRoutes() throws(ImageError) {
        let all = configuration.routes
        if all.count > Limits.routesMax {
            throw ImageError(path: "routes", found: "\(all.count) routes", allowed: "at most \(Limits.routesMax)")
        }
        routes.reserveCapacity(all.count)
        var seen = Set<String>(minimumCapacity: all.count)
        var trees = RouteTreeBuilder(routes: all)
        for (i, route) in all.enumerated() {
            let id = try identifier(route.id, at: "routes[\(i)].id")
            if !seen.insert(id).inserted {
                throw ImageError(path: "routes[\(i)].id", found: "\"\(id)\" a second time", allowed: "each route id once")
            }
            let record = try compile(route, at: i)
            try trees.add(route, methods: record.methods, at: i, &strings)
            routes.append(record)
        }
        tables = trees.build(&strings)
    }

    private mutating func compile(_ route: Route, at i: Int) throws(ImageError) -> RouteRecord {
        var r = RouteRecord()
        r.id = strings.append(route.id.utf8)
        r.body = strings.add("")
        r.headerLines = r.body
        let priorities = -Limits.routePriorityMax...Limits.routePriorityMax
        if !priorities.contains(route.priority) {
            throw ImageError(
                path: "routes[\(i)].priority", found: "\(route.priority)", allowed: "\(priorities.lowerBound)...\(priorities.upperBound)")
        }
        r.priority = Int32(route.priority)
        r.methods = try methodBits(route.methods, at: i)
        r.statSlot = input.routeSlot(route.id)
        let ms = Limits.timeoutMsRange
        if let t = route.connectTimeoutMs { r.connectTimeoutMs = try number(t, ms, at: "routes[\(i)].timeouts.connect") }
        if let t = route.responseTimeoutMs { r.responseTimeoutMs = try number(t, ms, at: "routes[\(i)].timeouts.response") }
        if let t = route.idleTimeoutMs { r.idleTimeoutMs = try number(t, ms, at: "routes[\(i)].timeouts.idle") }
        r.bodyBytesMax = route.bodyBytesMax ?? configuration.limits.bodyBytesMax ?? .max
        let (chain, filters) = try chain(of: route.plugins, at: "routes[\(i)].plugins")
        r.chain = chain
        if filters { r.flags |= RouteRecord.filtersBody }
        try compile(route.action, into: &r, at: i)
        return r
    }

    private mutating func compile(_ action: Action, into r: inout RouteRecord, at i: Int) throws(ImageError) {
        switch action {
        case .cluster(let id):
            guard let index = clusterIndex[id] else {
                throw ImageError(path: "routes[\(i)].action.cluster", found: "unknown cluster \"\(id)\"", allowed: knownClusters())
            }
            r.action = ActionKind.proxy.rawValue
            r.cluster = index
        case .respond(let status, let body, let headers):
            let path = "routes[\(i)].action.respond"
            r.action = ActionKind.respond.rawValue
            r.status = try number(status, Limits.respondStatusRange, at: path + ".status")
            let size = body.utf8.count
            if size > Limits.respondBodyBytesMax {
                throw ImageError(path: path + ".body", found: "\(size) bytes", allowed: "at most \(Limits.respondBodyBytesMax) bytes")
            }
            if size > 0 && (status == 204 || status == 304) {
                throw ImageError(
                    path: path + ".body", found: "a body with status \(status)",
                    allowed: "no body with 204 and 304 (RFC 9110 section 6.4.1)")
            }
            r.body = strings.add(body)
            r.headerLines = strings.add(try HeaderLines.text(headers, at: path + ".headers"))
        case .redirect(let status, let location):
            let path = "routes[\(i)].action.redirect"
            r.action = ActionKind.redirect.rawValue
            if ![301, 302, 303, 307, 308].contains(status) {
                throw ImageError(path: path + ".status", found: "\(status)", allowed: "301, 302, 303, 307 or 308")
            }
            r.status = UInt32(status)
            r.headerLines = strings.add(try HeaderLines.location(location, at: path + ".location"))
        case .split: throw ImageError(path: "routes[\(i)].action.split", found: "a split", allowed: "cluster, respond or redirect")
        case .plugin: throw ImageError(path: "routes[\(i)].action.plugin", found: "a plugin", allowed: "cluster, respond or redirect")
        }
    }

    private func knownClusters() -> String {
        let ids = configuration.clusters.prefix(20).map(\.id)
        if ids.isEmpty { return "no cluster is configured" }
        return ids.joined(separator: ", ") + (configuration.clusters.count > 20 ? ", …" : "")
    }

    /// Tokens in the order of `Method` in SluiceHTTP (which this floor cannot import; a test compares the two).
    static let methodTokens = ["", "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]

    private func methodBits(_ methods: [String], at i: Int) throws(ImageError) -> UInt16 {
        var bits: UInt16 = 0
        for (j, token) in methods.enumerated() {
            guard !token.isEmpty, let n = ImageCompiler.methodTokens.firstIndex(of: token) else {
                throw ImageError(
                    path: "routes[\(i)].match.methods[\(j)]", found: "unknown method \"\(token)\"",
                    allowed: ImageCompiler.methodTokens.dropFirst().joined(separator: " "))
            }
            bits |= 1 << UInt16(n)
        }
        return bits
    }
}
