// Routes: records, and for each route its patterns and hosts, from which the path trees are made. Only what changed since the image before
// is compiled; the first image is a change from nothing.
import SluiceModel

extension ImageCompiler {
    mutating func compileRoutes() throws(ImageError) {
        let all = configuration.routes
        if all.count > Limits.routesMax {
            throw ImageError(path: "routes", found: "\(all.count) routes", allowed: "at most \(Limits.routesMax)")
        }
        let plan = table.plan(all)
        var isStale = [Bool](repeating: false, count: routes.count)
        for slot in plan.stale {
            isStale[Int(slot)] = true
            for group in table.groups(of: slot) { groups.remove(table.keys[Int(slot)], from: Int(group)) }
            for number in regexesOf.removeValue(forKey: slot) ?? [] { regexes.stopUsing(number) }
        }
        routes.reserveCapacity(plan.count)
        for p in plan.placements { try place(all[p.place], p) }
        routes.removeLast(routes.count - plan.count)
        table.truncate(plan.count)
        if table.combinationCount > Limits.routeEntriesMax {
            throw ImageError(
                path: "routes", found: "\(table.combinationCount) combinations of host and path",
                allowed: "at most \(Limits.routeEntriesMax) in all routes")
        }
        strings.bytes.withUnsafeBufferPointer { bytes in
            routes.withUnsafeBufferPointer { routes in
                let none = UnsafePointer<RouteRecord>(bitPattern: 8)!  // no route: no pattern asks for one
                let order = PatternOrder(strings: bytes.baseAddress! - StringPool.base, routes: routes.baseAddress ?? none)
                groups.settle(order) { Int($0) < isStale.count && isStale[Int($0)] }
            }
        }
        try regexes.compile()
    }

    /// Puts a route where it belongs: its record, its patterns, its hosts' groups.
    private mutating func place(_ route: Route, _ p: RouteTable.Placement) throws(ImageError) {
        let i = p.place
        let id = try identifier(route.id, at: "routes[\(i)].id")
        let record = try compile(route, at: i)
        var patterns: [TreePattern] = []
        var expressions: [RegexPattern] = []
        var entry = RouteEntry()
        entry.route = p.slot
        entry.key = RouteEntry.key(priority: record.priority)
        entry.methods = record.methods
        entry.flags = record.condition == .max ? 0 : RouteEntry.conditional
        if route.paths.isEmpty { add(.any, entry, to: &patterns) }
        for (j, text) in route.paths.enumerated() {
            let pattern = try PathPattern(text, at: "routes[\(i)].match.paths[\(j)]")
            if pattern.isRegex {
                expressions.append(expression(pattern, entry, at: "routes[\(i)].match.paths[\(j)]"))
            } else {
                add(pattern, entry, to: &patterns)
            }
        }
        if !expressions.isEmpty { regexesOf[p.slot] = expressions.map(\.number) }
        var mine: [Int32] = []
        if route.hosts.isEmpty { mine.append(Int32(groups.group(nil, &strings))) }
        for (j, text) in route.hosts.enumerated() {
            let group = Int32(groups.group(try HostPattern(text, at: "routes[\(i)].match.hosts[\(j)]"), &strings))
            if !mine.contains(group) { mine.append(group) }
        }
        let count = max(route.hosts.count, 1) * max(route.paths.count, 1)
        guard let key = table.put(id, p, groups: mine, combinations: count) else {
            throw ImageError(path: "routes[\(i)].id", found: "\"\(id)\" a second time", allowed: "each route id once")
        }
        if Int(p.slot) == routes.count { routes.append(record) } else { routes[Int(p.slot)] = record }
        for group in mine { groups.add(key, patterns, expressions, to: Int(group)) }
    }

    private mutating func add(_ p: PathPattern, _ entry: RouteEntry, to patterns: inout [TreePattern]) {
        var entry = entry
        entry.key += p.isPrefix ? 0 : RouteEntry.exactBonus
        entry.parameterCount = UInt8(p.names.count)
        if !p.names.isEmpty {
            if let known = nameRuns[p.names] {
                entry.names = known
            } else {
                entry.names = UInt32(names.count)
                names += p.names.map { strings.add($0) }
                nameRuns[p.names] = entry.names
            }
        }
        let place = strings.append(p.bytes)
        patterns.append(TreePattern(entry: entry, offset: place.offset, length: UInt16(p.bytes.count), isPrefix: p.isPrefix))
    }

    private mutating func expression(_ p: PathPattern, _ entry: RouteEntry, at path: @autoclosure () -> String) -> RegexPattern {
        var entry = entry
        entry.key += RouteEntry.regexBonus
        let number = regexes.use(String(decoding: p.bytes, as: UTF8.self), at: path())
        return RegexPattern(entry: entry, number: number, literalLength: UInt16(PathPattern.literalLength(regex: p.bytes)))
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
        // The binding of a plugin that answers is one of the route's: the last.
        var own = route.plugins
        if case .plugin(let binding) = route.action { own.append(binding) }
        let (chain, filters) = try chain(of: own, at: "routes[\(i)].plugins")
        r.chain = chain
        if let text = route.when { r.condition = try program(text, use: .route, at: "routes[\(i)].match.when") }
        if filters { r.flags |= RouteRecord.filtersBody }
        try compileAction(of: route, into: &r, at: i)
        return r
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
