// Actions and rewrites of routes: what the record of a route has no room for becomes a `RouteExtras`. References to sections are counted from
// their first record here and become places in `assemble`.
import CSluiceRegex
import SluiceModel

extension ImageCompiler {
    /// Fills in what the route does, and gives it extras if it needs any.
    mutating func compileAction(of route: Route, into r: inout RouteRecord, at i: Int) throws(ImageError) {
        var e = RouteExtras()
        var isUsed = false
        let names = parameters(of: route)
        switch route.action {
        case .cluster(let id):
            r.action = ActionKind.proxy.rawValue
            r.cluster = try cluster(id, at: "routes[\(i)].action.cluster")
        case .respond(let status, let body, let headers):
            try compileRespond(status, body, headers, into: &r, at: "routes[\(i)].action.respond")
        case .redirect(let status, let location):
            isUsed = try compileRedirect(status, location, names, into: &r, &e, at: "routes[\(i)].action.redirect")
        case .split(let split):
            r.action = ActionKind.split.rawValue
            try compileSplit(split, of: route.id, into: &e, at: "routes[\(i)].action.split")
            isUsed = true
        case .plugin(let binding):
            r.action = ActionKind.plugin.rawValue
            try checkContent(binding, at: "routes[\(i)].action.plugin")
        }
        if let rewrite = route.rewrite {
            if !route.action.isProxied {
                throw ImageError(
                    path: "routes[\(i)].rewrite", found: "a rewrite of requests that go nowhere", allowed: "none but with cluster or split")
            }
            try compileRewrite(rewrite, names, into: &e, at: "routes[\(i)].rewrite")
            isUsed = isUsed || e.rewrites
        }
        if let maintenance = route.maintenance {
            try compileMaintenance(maintenance, into: &e, at: "routes[\(i)].maintenance")
            isUsed = true
        }
        if !isUsed { return }
        r.extras = UInt32(extras.count)
        r.flags |= RouteRecord.hasExtras
        extras.append(e)
    }

    private func cluster(_ id: String, at path: @autoclosure () -> String) throws(ImageError) -> UInt32 {
        if let index = clusterIndex[id] { return index }
        let ids = configuration.clusters.prefix(20).map(\.id)
        let known =
            ids.isEmpty ? "no cluster is configured" : ids.joined(separator: ", ") + (configuration.clusters.count > 20 ? ", …" : "")
        throw ImageError(path: path(), found: "unknown cluster \"\(id)\"", allowed: known)
    }

    /// Names of segments that every path of the route has: only those have a value whichever path was taken.
    private func parameters(of route: Route) -> [String] {
        var common: [String]?
        for text in route.paths {
            let names = (try? PathPattern(text, at: ""))?.names ?? []
            common = common.map { $0.filter(names.contains) } ?? names
        }
        return common ?? []
    }

    // MARK: answers

    private mutating func compileRespond(_ status: Int, _ body: String, _ headers: [HeaderLine], into r: inout RouteRecord, at path: String)
        throws(ImageError)
    {
        r.action = ActionKind.respond.rawValue
        r.status = try number(status, Limits.respondStatusRange, at: path + ".status")
        let size = body.utf8.count
        if size > Limits.respondBodyBytesMax {
            throw ImageError(path: path + ".body", found: "\(size) bytes", allowed: "at most \(Limits.respondBodyBytesMax) bytes")
        }
        if size > 0 && (status == 204 || status == 304) {
            throw ImageError(
                path: path + ".body", found: "a body with status \(status)", allowed: "no body with 204 and 304 (RFC 9110 section 6.4.1)")
        }
        r.body = strings.add(body)
        r.headerLines = strings.add(try HeaderLines.text(headers, at: path + ".headers"))
    }

    /// True when the location has to be made for each request.
    private mutating func compileRedirect(
        _ status: Int, _ location: String, _ names: [String], into r: inout RouteRecord, _ e: inout RouteExtras, at path: String
    ) throws(ImageError) -> Bool {
        r.action = ActionKind.redirect.rawValue
        if ![301, 302, 303, 307, 308].contains(status) {
            throw ImageError(path: path + ".status", found: "\(status)", allowed: "301, 302, 303, 307 or 308")
        }
        r.status = UInt32(status)
        if !location.utf8.contains(where: { $0 == 0x7b || $0 == 0x7d }) {
            r.headerLines = strings.add(try HeaderLines.location(location, at: path + ".location"))
            return false
        }
        e.location = try template(location, .location, names, at: path + ".location")
        e.flags |= RouteExtras.expandsLocation | (location.hasPrefix("//") ? RouteExtras.namesHost : 0)
        return true
    }

    private mutating func compileMaintenance(_ m: Maintenance, into e: inout RouteExtras, at path: String) throws(ImageError) {
        e.maintenanceStatus = try number(m.status, Limits.maintenanceStatusRange, at: path + ".status")
        let retry = try number(m.retryAfterSeconds, 0...86_400, at: path + ".retry_after")
        let size = m.body.utf8.count
        if size > Limits.respondBodyBytesMax {
            throw ImageError(path: path + ".body", found: "\(size) bytes", allowed: "at most \(Limits.respondBodyBytesMax) bytes")
        }
        e.maintenanceBody = strings.add(m.body)
        e.maintenanceLines = strings.add(
            "Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\n" + (retry > 0 ? "Retry-After: \(retry)\r\n" : ""))
        if let unless = m.unless { e.unless = try program(unless, use: .request, at: path + ".unless") }
        e.flags |= RouteExtras.maintains
    }

    private func checkContent(_ b: PluginBinding, at path: String) throws(ImageError) {
        guard let index = pluginIndex[b.name] else { return }  // `chain` has said so already
        if !artifacts[Int(index)].makesContent {
            throw ImageError(
                path: path + ".name", found: "the plugin \"\(b.name)\", which makes no responses", allowed: "a plugin with a content hook")
        }
    }

    // MARK: split

    private mutating func compileSplit(_ split: Split, of id: String, into e: inout RouteExtras, at path: String) throws(ImageError) {
        if split.branches.isEmpty || split.branches.count > Limits.splitBranchesMax {
            throw ImageError(
                path: path + ".clusters", found: "\(split.branches.count) clusters", allowed: "1...\(Limits.splitBranchesMax)")
        }
        let first = branches.count
        var seen: Set<UInt32> = []
        for (j, branch) in split.branches.enumerated() {
            var b = SplitBranch()
            b.cluster = try cluster(branch.cluster, at: path + ".clusters[\(j)].cluster")
            b.weight = try number(branch.weight, Limits.splitWeightRange, at: path + ".clusters[\(j)].weight")
            b.key = ImageHash.hash(branch.cluster, seed: ImageHash.hash(id))
            if !seen.insert(b.cluster).inserted {
                throw ImageError(
                    path: path + ".clusters[\(j)].cluster", found: "\"\(branch.cluster)\" a second time", allowed: "each cluster once")
            }
            branches.append(b)
        }
        if !split.branches.contains(where: { $0.weight > 0 }) {
            throw ImageError(path: path + ".clusters", found: "only weights of 0", allowed: "at least one weight above 0")
        }
        e.branches = ImageRange(offset: UInt32(first), count: UInt32(split.branches.count))
        switch split.sticky {
        case .none: break
        case .address: e.sticky = UInt32(StickyKind.address.rawValue)
        case .header(let name):
            e.sticky = UInt32(StickyKind.header.rawValue)
            e.stickyName = strings.add(try token(name, at: path + ".sticky.header"))
        case .cookie(let name, let seconds):
            e.sticky = UInt32(StickyKind.cookie.rawValue)
            e.stickyName = strings.add(try token(name, at: path + ".sticky.cookie.name"))
            let age = try number(seconds, 0...Limits.stickySecondsMax, at: path + ".sticky.cookie.max_age")
            e.cookieAttributes = strings.add("; Path=/" + (age > 0 ? "; Max-Age=\(age)" : "") + "; HttpOnly; SameSite=Lax")
        }
    }

    private func token(_ name: String, at path: @autoclosure () -> String) throws(ImageError) -> String {
        if HeaderLines.isToken(name) && name.utf8.count <= Limits.stickyNameBytesMax { return name }
        throw ImageError(
            path: path(), found: "\"\(name)\"", allowed: "1...\(Limits.stickyNameBytesMax) of letters, digits and !#$%&'*+-.^_`|~")
    }

    // MARK: rewrite

    private mutating func compileRewrite(_ rewrite: Rewrite, _ names: [String], into e: inout RouteExtras, at path: String)
        throws(ImageError)
    {
        if let text = rewrite.path {
            if rewrite.pattern != nil {
                throw ImageError(path: path, found: "path and pattern", allowed: "one of them")
            }
            e.path = try template(text, .path, names, at: path + ".path")
            e.flags |= RouteExtras.rewritesPath
        }
        if (rewrite.pattern == nil) != (rewrite.replacement == nil) {
            throw ImageError(path: path, found: "one of pattern and replacement", allowed: "both, or none")
        }
        if let pattern = rewrite.pattern, let replacement = rewrite.replacement {
            let groups = try self.groups(pattern, at: path + ".pattern")
            e.pattern = strings.add(pattern)
            e.replacement = try template(replacement, .replacement, names, groups: groups, at: path + ".replacement")
            e.flags |= RouteExtras.replacesPath
        }
        if let host = rewrite.host {
            e.host = try template(host, .host, names, at: path + ".host")
            e.flags |= RouteExtras.rewritesHost
        }
        if let query = rewrite.query {
            e.query = try template(query, .query, names, at: path + ".query")
            e.flags |= RouteExtras.rewritesQuery
        }
    }

    /// Number of groups of an expression that RE2 takes, at most 9.
    private func groups(_ pattern: String, at path: String) throws(ImageError) -> Int {
        if pattern.utf8.count > Limits.patternBytesMax || pattern.isEmpty {
            throw ImageError(path: path, found: "\(pattern.utf8.count) bytes", allowed: "1...\(Limits.patternBytesMax) bytes")
        }
        var pattern = pattern
        let (groups, reason) = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { error in
            pattern.withUTF8 { utf8 -> (Int, String) in
                let text = UnsafeRawPointer(utf8.baseAddress!).assumingMemoryBound(to: CChar.self)
                guard let regex = cs_regex_make(text, utf8.count, Limits.expressionRegexBytesMax, error.baseAddress, error.count) else {
                    return (-1, String(cString: error.baseAddress!))
                }
                defer { cs_regex_free(regex) }
                return (Int(cs_regex_groups(regex)), "")
            }
        }
        if groups < 0 { throw ImageError(path: path, found: reason, allowed: "a regular expression in RE2 syntax") }
        return min(groups, 9)
    }

    private mutating func template(
        _ text: String, _ use: TemplateText.Use, _ names: [String], groups: Int = 0, at path: @autoclosure () -> String
    ) throws(ImageError) -> ImageRange {
        let parsed: TemplateText
        do throws(TemplateText.Problem) { parsed = try TemplateText(text, for: use, parameters: names, groups: groups) } catch {
            throw ImageError(path: path(), found: error.found, allowed: error.allowed)
        }
        let first = templates.count
        for part in parsed.parts {
            var p = TemplatePart()
            p.value = part.value.rawValue
            p.encoding = part.encoding.rawValue
            p.group = UInt16(part.group)
            p.text = strings.add(part.text)
            templates.append(p)
        }
        return ImageRange(offset: UInt32(first), count: UInt32(parsed.parts.count))
    }
}

extension Action {
    var isProxied: Bool {
        switch self {
        case .cluster, .split: true
        case .respond, .redirect, .plugin: false
        }
    }
}
