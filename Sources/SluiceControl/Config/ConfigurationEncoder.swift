// `Configuration` → JSON in the file's own grammar with every default filled in, for `GET /v1/config`. What reads like a
// secret is masked. JSON is YAML: unmasked, the result reads back as the same configuration (a test does).
import SluiceModel

enum ConfigurationEncoder {
    static func json(_ c: Configuration, masked: Bool = true) -> JSONValue {
        var out: [(String, JSONValue)] = [("version", .int(1)), ("workers", c.workers.map { .int($0) } ?? .string("auto"))]
        if let user = c.user { out.append(("user", .string(user))) }
        if let group = c.group { out.append(("group", .string(group))) }
        if let file = c.pidFile { out.append(("pid_file", .string(file))) }
        out += [
            ("state_directory", .string(c.stateDirectory)), ("core_bytes", bytes(c.coreBytesMax)),
            ("listeners", .array(c.listeners.map { .object([("address", .string($0.address)), ("backlog", .int($0.backlog))]) })),
            ("admin", admin(c.admin)),
            ("dyups", .object([("listen", .string(c.dyups.address ?? "off"))])),
            ("plugins_api", .string(c.pluginsAPI.rawValue)), ("plugin_versions", .int(c.pluginVersionsKept)),
            ("plugin_signatures", signatures(c.pluginSignatures)),
            (
                "plugin_quarantine",
                .object([("crashes", .int(c.pluginQuarantine.crashes)), ("seconds", .int(c.pluginQuarantine.seconds))])
            ),
            ("plugin_probation", probation(c.pluginProbation)), ("log", log(c.log)), ("timeouts", timeouts(c.timeouts)),
            ("limits", limits(c.limits)),
            ("forwarded", forwarded(c.forwarded)), ("plugins", .array(c.plugins.map(plugin))),
            ("global_plugins", .array(c.globalPlugins.map { binding($0, masked) })), ("functions", .array(c.functions.map(function))),
            ("clusters", .array(c.clusters.map(cluster))),
            ("routes", .array(c.routes.map { route($0, masked) })), ("ip_sets", .array(c.ipSets.map(ipSet))),
            ("consumers", .array(c.consumers.map { consumer($0, masked) })),
            ("certificates", .array(c.certificates.map { certificate($0, masked) })),
        ]
        return .object(out)
    }

    /// What the file alone decides, with secrets: reads back as the same settings, without a single object.
    static func settings(_ c: Configuration) -> JSONValue { json(c.settingsOnly, masked: false) }

    static func ms(_ value: Int) -> JSONValue { .string(Quantity.text(ms: value)) }
    static func bytes(_ value: UInt64) -> JSONValue { .string(value == .max ? "unlimited" : Quantity.text(bytes: value)) }

    private static func function(_ f: FunctionSource) -> JSONValue {
        .object([
            ("library", .string(f.library)), ("symbol", .string(f.symbol)), ("name", .string(f.name)), ("signature", .string(f.signature)),
            ("pure", .bool(f.isPure)),
        ])
    }

    private static func log(_ log: Log) -> JSONValue {
        var access: [(String, JSONValue)] = [("format", .string(log.accessFormat.rawValue))]
        if let path = log.accessPath { access.append(("path", .string(path))) }
        return .object([("level", .string("\(log.level)")), ("error", .string(log.errorPath ?? "stderr")), ("access", .object(access))])
    }

    private static func timeouts(_ t: Timeouts) -> JSONValue {
        .object([
            ("head", ms(t.headMs)), ("idle", ms(t.idleMs)), ("body_idle", ms(t.bodyIdleMs)), ("response", ms(t.responseMs)),
            ("tunnel_idle", ms(t.tunnelIdleMs)), ("drain", ms(t.drainMs)),
        ])
    }

    private static func limits(_ l: RequestLimits) -> JSONValue {
        .object([
            ("connections", .int(l.connectionsMax)), ("head_bytes", bytes(UInt64(l.headBytesMax))),
            ("target_bytes", bytes(UInt64(l.targetBytesMax))),
            ("header_fields", .int(l.headerFieldsMax)), ("body_bytes", bytes(l.bodyBytesMax ?? .max)),
            ("plugin_body_bytes", bytes(l.pluginBodyBytesMax)), ("body_rate_min", .int(l.bodyRateMin)),
            ("requests_per_connection", .int(l.requestsPerConnectionMax)),
            ("plugin_hold_warn", ms(l.pluginHoldWarnMs)), ("plugin_hold_max", ms(l.pluginHoldMaxMs)),
        ])
    }

    private static func forwarded(_ f: Forwarded) -> JSONValue {
        .object([
            ("x_forwarded", .bool(f.xForwarded)), ("standard", .bool(f.standard)), ("via", .bool(f.via)), ("trusted", .strings(f.trusted)),
        ])
    }

    private static func plugin(_ p: PluginSource) -> JSONValue {
        var out: [(String, JSONValue)] = [("name", .string(p.name)), ("path", .string(p.path))]
        if let open = p.failOpen { out.append(("on_failure", .string(open ? "open" : "closed"))) }
        if !p.capabilities.isEmpty { out.append(("capabilities", .strings(p.capabilities))) }
        return .object(out)
    }

    /// Public keys are no secrets.
    private static func signatures(_ s: PluginSignatures) -> JSONValue {
        .object([("policy", .string(s.policy.rawValue)), ("keys", .strings(s.keys))])
    }

    private static func probation(_ p: PluginProbation) -> JSONValue {
        var out: [(String, JSONValue)] = [("seconds", .int(p.seconds)), ("errors_max", .int(p.errorsMax))]
        if let latency = p.latencyMaxMs { out.append(("latency_max", ms(latency))) }
        return .object(out + [("min_calls", .int(p.minCalls))])
    }

    /// Everything under a name that reads like a secret becomes "***".
    private static func admin(_ a: AdminListener) -> JSONValue {
        let tls = a.tls.map { JSONValue.object([("certificate", .string($0.certificatePath)), ("key", .string($0.keyPath))]) }
        return .object(
            [("listen", .string(a.address ?? "off"))] + (tls.map { [("tls", $0)] } ?? [])
                + [("require_token", .bool(a.requireToken)), ("rate_limit", .int(a.rateLimit))])
    }

    static func mask(_ value: JSONValue) -> JSONValue {
        switch value {
        case .array(let items): .array(items.map(mask))
        case .object(let members): .object(members.map { ($0.0, isSecret($0.0) && !isContainer($0.1) ? .string("***") : mask($0.1)) })
        default: value
        }
    }

    private static func isContainer(_ value: JSONValue) -> Bool {
        // `keys: [a, b]` is a list of secrets, `keys: [{ key: a }]` has them inside.
        if case .array(let items) = value { return items.contains { $0.members != nil } }
        return value.members != nil
    }

    static func isSecret(_ name: String) -> Bool {
        let words = name.lowercased().split { $0 == "_" || $0 == "-" || $0 == "." }.map(String.init)
        let secrets: Set = [
            "key", "keys", "secret", "secrets", "token", "tokens", "password", "passwords", "passphrase", "authorization", "cookie",
            "credential", "credentials",
        ]
        return words.last.map(secrets.contains) ?? false || words == ["set", "cookie"]
    }
}
