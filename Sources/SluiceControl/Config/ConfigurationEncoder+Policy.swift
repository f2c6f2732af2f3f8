// Policy objects → JSON in the file's own grammar: for `GET /v1/config`, the admin API, the store and `sluice export`. Masked, secrets
// are "***"; unmasked, the result reads back as the same object.
import SluiceModel

extension ConfigurationEncoder {
    static func binding(_ b: PluginBinding, _ masked: Bool) -> JSONValue {
        let config = (try? JSONReader.read(Array(b.configJSON.utf8))) ?? .object([])
        var out: [(String, JSONValue)] = [("name", .string(b.name))]
        if !b.id.isEmpty { out.append(("id", .string(b.id))) }
        if b.order != 0 { out.append(("order", .int(b.order))) }
        if let when = b.when { out.append(("when", .string(when))) }
        return .object(out + [("config", masked ? mask(config) : config)])
    }

    static func cluster(_ c: Cluster) -> JSONValue {
        .object([
            ("id", .string(c.id)),
            ("targets", .array(c.targets.map { .object([("address", .string($0.address)), ("weight", .int($0.weight))]) })),
            ("keepalive", .object([("idle_max", .int(c.keepaliveIdleMax)), ("idle_timeout", ms(c.keepaliveIdleTimeoutMs))])),
            ("connect_timeout", ms(c.connectTimeoutMs)), ("connect_retries", .int(c.connectRetries)),
        ])
    }

    static func route(_ r: Route, _ masked: Bool) -> JSONValue {
        var match: [(String, JSONValue)] = [("hosts", .strings(r.hosts)), ("paths", .strings(r.paths)), ("methods", .strings(r.methods))]
        if let when = r.when { match.append(("when", .string(when))) }
        var out: [(String, JSONValue)] = [
            ("id", .string(r.id)), ("match", .object(match)), ("priority", .int(r.priority)), ("action", action(r.action, masked)),
        ]
        if let rewrite = r.rewrite { out.append(("rewrite", self.rewrite(rewrite))) }
        if let maintenance = r.maintenance { out.append(("maintenance", self.maintenance(maintenance))) }
        let timeouts = [("connect", r.connectTimeoutMs), ("response", r.responseTimeoutMs), ("idle", r.idleTimeoutMs)].compactMap {
            name, value in value.map { (name, ms($0)) }
        }
        if !timeouts.isEmpty { out.append(("timeouts", .object(timeouts))) }
        if let max = r.bodyBytesMax { out.append(("limits", .object([("body_bytes", bytes(max))]))) }
        if !r.plugins.isEmpty { out.append(("plugins", .array(r.plugins.map { binding($0, masked) }))) }
        return .object(out)
    }

    private static func action(_ action: Action, _ masked: Bool) -> JSONValue {
        switch action {
        case .cluster(let id): return .object([("cluster", .string(id))])
        case .split(let split): return .object([("split", self.split(split))])
        case .plugin(let plugin): return .object([("plugin", binding(plugin, masked))])
        case .redirect(let status, let location):
            return .object([("redirect", .object([("status", .int(status)), ("location", .string(location))]))])
        case .respond(let status, let body, let headers):
            let fields = headers.map { ($0.name, JSONValue.string(masked && isSecret($0.name) ? "***" : $0.value)) }
            return .object([("respond", .object([("status", .int(status)), ("body", .string(body)), ("headers", .object(fields))]))])
        }
    }

    private static func split(_ split: Split) -> JSONValue {
        let branches = split.branches.map { JSONValue.object([("cluster", .string($0.cluster)), ("weight", .int($0.weight))]) }
        let sticky: JSONValue? =
            switch split.sticky {
            case .none: nil
            case .cookie(let name, let seconds):
                .object([("cookie", .object([("name", .string(name)), ("max_age", ms(seconds * 1000))]))])
            case .header(let name): .object([("header", .string(name))])
            case .address: .object([("address", .bool(true))])
            }
        return .object([("clusters", .array(branches))] + (sticky.map { [("sticky", $0)] } ?? []))
    }

    private static func rewrite(_ r: Rewrite) -> JSONValue {
        let members = [
            ("path", r.path), ("pattern", r.pattern), ("replacement", r.replacement), ("host", r.host), ("query", r.query),
        ]
        return .object(members.compactMap { name, value in value.map { (name, .string($0)) } })
    }

    private static func maintenance(_ m: Maintenance) -> JSONValue {
        var out: [(String, JSONValue)] = [
            ("status", .int(m.status)), ("retry_after", ms(m.retryAfterSeconds * 1000)), ("body", .string(m.body)),
        ]
        if let unless = m.unless { out.append(("unless", .string(unless))) }
        return .object(out)
    }

    static func ipSet(_ s: IPSet) -> JSONValue { .object([("id", .string(s.id)), ("addresses", .strings(s.addresses))]) }

    static func consumer(_ c: Consumer, _ masked: Bool) -> JSONValue {
        var out: [(String, JSONValue)] = [("id", .string(c.id))]
        if !c.labels.isEmpty { out.append(("labels", .object(c.labels.map { ($0.name, .string($0.value)) }))) }
        let credentials = c.credentials.map { credential in
            var members: [(String, JSONValue)] = [("id", .string(credential.id)), ("type", .string(credential.kind.rawValue))]
            if !credential.name.isEmpty { members.append(("name", .string(credential.name))) }
            return JSONValue.object(members + [("secret", .string(masked ? "***" : credential.secret))])
        }
        if !credentials.isEmpty { out.append(("credentials", .array(credentials))) }
        if !c.plugins.isEmpty { out.append(("plugins", .array(c.plugins.map { binding($0, masked) }))) }
        return .object(out)
    }

    static func certificate(_ c: Certificate, _ masked: Bool) -> JSONValue {
        .object([("id", .string(c.id)), ("chain", .string(c.chain)), ("key", .string(masked ? "***" : c.key))])
    }
}
