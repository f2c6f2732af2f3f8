// A checked tree → `Configuration`. It never refuses: a value that the schema check reported is left at its default, so
// that the rest can still be looked at. Defaults come from the model, never from here.
import SluiceModel

enum ConfigurationDecoder {
    static func configuration(_ root: ConfigNode) -> Configuration {
        var out = Configuration()
        out.workers = root["workers"].flatMap { whole($0) }.flatMap { $0 > 0 ? Int($0) : nil }
        out.user = text(root["user"])
        out.group = text(root["group"])
        out.pidFile = text(root["pid_file"])
        out.stateDirectory = text(root["state_directory"]) ?? out.stateDirectory
        if let node = root["core_bytes"] { out.coreBytesMax = node.scalar == "unlimited" ? .max : size(node) ?? out.coreBytesMax }
        out.listeners = (root["listeners"]?.items ?? []).map(listener)
        if let node = root["admin"] { out.admin = admin(node, out.admin) }
        if let listen = text(root["dyups"]?["listen"]) { out.dyups = LocalListener(address: listen == "off" ? nil : listen) }
        out.pluginsAPI = text(root["plugins_api"]).flatMap(PluginsAPI.init) ?? out.pluginsAPI
        set(&out.pluginVersionsKept, int(root["plugin_versions"]))
        if let node = root["plugin_signatures"] { out.pluginSignatures = signatures(node) }
        if let node = root["plugin_quarantine"] {
            set(&out.pluginQuarantine.crashes, int(node["crashes"]))
            set(&out.pluginQuarantine.seconds, int(node["seconds"]))
        }
        if let node = root["plugin_probation"] { out.pluginProbation = probation(node) }
        if let node = root["log"] { out.log = log(node) }
        if let node = root["timeouts"] { out.timeouts = timeouts(node) }
        if let node = root["limits"] { out.limits = limits(node) }
        if let node = root["forwarded"] { out.forwarded = forwarded(node) }
        out.plugins = (root["plugins"]?.items ?? []).map(plugin)
        out.globalPlugins = (root["global_plugins"]?.items ?? []).map(binding)
        out.functions = (root["functions"]?.items ?? []).map(function)
        out.clusters = (root["clusters"]?.items ?? []).map(cluster)
        out.routes = (root["routes"]?.items ?? []).map(route)
        out.ipSets = (root["ip_sets"]?.items ?? []).map(ipSet)
        out.consumers = (root["consumers"]?.items ?? []).map(consumer)
        out.certificates = (root["certificates"]?.items ?? []).map(certificate)
        return out
    }

    // Scalars

    static func text(_ node: ConfigNode?) -> String? { node.flatMap { $0.isEmpty ? nil : $0.scalar } }
    static func whole(_ node: ConfigNode?) -> UInt64? { node?.scalar.flatMap { UInt64($0) } }
    static func int(_ node: ConfigNode?) -> Int? { whole(node).flatMap { Int(exactly: $0) } }
    static func size(_ node: ConfigNode?) -> UInt64? { node?.scalar.flatMap(Quantity.size) }
    static func duration(_ node: ConfigNode?) -> Int? { node?.scalar.flatMap(Quantity.duration) }
    static func flag(_ node: ConfigNode?) -> Bool? { node?.scalar.flatMap(Bool.init) }
    static func set<T>(_ target: inout T, _ value: T?) { if let value { target = value } }

    // Maps, in the order of the grammar

    private static func listener(_ node: ConfigNode) -> Listener {
        var out = Listener(address: text(node["address"]) ?? "")
        set(&out.backlog, int(node["backlog"]))
        return out
    }

    private static func admin(_ node: ConfigNode, _ standard: AdminListener) -> AdminListener {
        var out = standard
        if let listen = text(node["listen"]) { out.address = listen == "off" ? nil : listen }
        if let tls = node["tls"], let certificate = text(tls["certificate"]), let key = text(tls["key"]) {
            out.tls = AdminTLS(certificatePath: certificate, keyPath: key)
        }
        set(&out.requireToken, flag(node["require_token"]))
        set(&out.rateLimit, int(node["rate_limit"]))
        return out
    }

    private static func log(_ node: ConfigNode) -> Log {
        var out = Log()
        let levels = ["debug": Log.Level.debug, "info": .info, "notice": .notice, "warn": .warn, "error": .error]
        set(&out.level, text(node["level"]).flatMap { levels[$0] })
        out.errorPath = text(node["error"]).flatMap { $0 == "stderr" ? nil : $0 }
        set(&out.accessFormat, text(node["access"]?["format"]).flatMap(Log.Format.init))
        out.accessPath = text(node["access"]?["path"])
        return out
    }

    private static func timeouts(_ node: ConfigNode) -> Timeouts {
        var out = Timeouts()
        set(&out.headMs, duration(node["head"]))
        set(&out.idleMs, duration(node["idle"]))
        set(&out.bodyIdleMs, duration(node["body_idle"]))
        set(&out.responseMs, duration(node["response"]))
        set(&out.tunnelIdleMs, duration(node["tunnel_idle"]))
        set(&out.drainMs, duration(node["drain"]))
        return out
    }

    private static func limits(_ node: ConfigNode) -> RequestLimits {
        var out = RequestLimits()
        set(&out.connectionsMax, int(node["connections"]))
        set(&out.headBytesMax, size(node["head_bytes"]).flatMap { Int(exactly: $0) })
        set(&out.targetBytesMax, size(node["target_bytes"]).flatMap { Int(exactly: $0) })
        set(&out.headerFieldsMax, int(node["header_fields"]))
        out.bodyBytesMax = size(node["body_bytes"])
        set(&out.pluginBodyBytesMax, size(node["plugin_body_bytes"]))
        set(&out.bodyRateMin, int(node["body_rate_min"]))
        set(&out.requestsPerConnectionMax, whole(node["requests_per_connection"]))
        set(&out.pluginHoldWarnMs, duration(node["plugin_hold_warn"]))
        set(&out.pluginHoldMaxMs, duration(node["plugin_hold_max"]))
        return out
    }

    private static func forwarded(_ node: ConfigNode) -> Forwarded {
        var out = Forwarded()
        set(&out.xForwarded, flag(node["x_forwarded"]))
        set(&out.standard, flag(node["standard"]))
        set(&out.via, flag(node["via"]))
        out.trusted = (node["trusted"]?.items ?? []).compactMap(text)
        return out
    }

    private static func plugin(_ node: ConfigNode) -> PluginSource {
        var out = PluginSource(name: text(node["name"]) ?? "", path: text(node["path"]) ?? "")
        out.failOpen = text(node["on_failure"]).map { $0 == "open" }
        out.capabilities = (node["capabilities"]?.items ?? []).compactMap(text)
        return out
    }

    private static func signatures(_ node: ConfigNode) -> PluginSignatures {
        var out = PluginSignatures()
        set(&out.policy, text(node["policy"]).flatMap(PluginSignatures.Policy.init))
        out.keys = (node["keys"]?.items ?? []).compactMap(text)
        return out
    }

    private static func probation(_ node: ConfigNode) -> PluginProbation {
        var out = PluginProbation()
        set(&out.seconds, int(node["seconds"]))
        set(&out.errorsMax, int(node["errors_max"]))
        out.latencyMaxMs = duration(node["latency_max"])
        set(&out.minCalls, int(node["min_calls"]))
        return out
    }

    static func binding(_ node: ConfigNode) -> PluginBinding {
        var out = PluginBinding(
            name: text(node["name"]) ?? "", configJSON: node["config"].map { $0.isEmpty ? "{}" : json($0).text(sorted: true) } ?? "{}")
        out.when = text(node["when"])
        set(&out.id, text(node["id"]))
        set(&out.order, int(node["order"]))
        return out
    }

    private static func function(_ node: ConfigNode) -> FunctionSource {
        var out = FunctionSource(
            library: text(node["library"]) ?? "", symbol: text(node["symbol"]) ?? "", name: text(node["name"]) ?? "",
            signature: text(node["signature"]) ?? "")
        set(&out.isPure, flag(node["pure"]))
        return out
    }

    static func cluster(_ node: ConfigNode) -> Cluster {
        var out = Cluster(id: text(node["id"]) ?? "")
        out.targets = (node["targets"]?.items ?? []).map { Target(address: text($0["address"]) ?? "", weight: int($0["weight"]) ?? 1) }
        set(&out.keepaliveIdleMax, int(node["keepalive"]?["idle_max"]))
        set(&out.keepaliveIdleTimeoutMs, duration(node["keepalive"]?["idle_timeout"]))
        set(&out.connectTimeoutMs, duration(node["connect_timeout"]))
        set(&out.connectRetries, int(node["connect_retries"]))
        return out
    }

    static func route(_ node: ConfigNode) -> Route {
        var out = Route(id: text(node["id"]) ?? "", action: action(node["action"]))
        out.hosts = (node["match"]?["hosts"]?.items ?? []).compactMap(text).map { $0.lowercased() }
        out.paths = (node["match"]?["paths"]?.items ?? []).compactMap(text)
        out.methods = (node["match"]?["methods"]?.items ?? []).compactMap(text)
        out.when = text(node["match"]?["when"])
        set(&out.priority, int(node["priority"]))
        out.rewrite = node["rewrite"].map(rewrite)
        out.maintenance = node["maintenance"].map(maintenance)
        out.plugins = (node["plugins"]?.items ?? []).map(binding)
        out.connectTimeoutMs = duration(node["timeouts"]?["connect"])
        out.responseTimeoutMs = duration(node["timeouts"]?["response"])
        out.idleTimeoutMs = duration(node["timeouts"]?["idle"])
        if let body = node["limits"]?["body_bytes"] { out.bodyBytesMax = body.scalar == "unlimited" ? .max : size(body) }
        return out
    }

    private static func action(_ node: ConfigNode?) -> Action {
        if let respond = node?["respond"] {
            let headers = (respond["headers"]?.entries ?? []).map { HeaderLine(name: $0.key, value: $0.value.scalar ?? "") }
            return .respond(status: int(respond["status"]) ?? 200, body: respond["body"]?.scalar ?? "", headers: headers)
        }
        if let redirect = node?["redirect"] {
            return .redirect(status: int(redirect["status"]) ?? 302, location: text(redirect["location"]) ?? "")
        }
        if let split = node?["split"] { return .split(self.split(split)) }
        if let plugin = node?["plugin"] { return .plugin(binding(plugin)) }
        return .cluster(text(node?["cluster"]) ?? "")
    }

    /// YAML's core schema for what a plugin gets: true, false, null and numbers when not quoted, else a text.
    static func json(_ node: ConfigNode) -> JSONValue {
        switch node.content {
        case .list(let items): return .array(items.map(json))
        case .map(let entries): return .object(entries.map { ($0.key, json($0.value)) })
        case .scalar(let text, quoted: true): return .string(text)
        case .scalar(let text, quoted: false):
            if node.isEmpty { return .null }
            if let flag = Bool(text) { return .bool(flag) }
            if case .number(let number)? = try? JSONReader.read(Array(text.utf8)) { return .number(number) }
            return .string(text)
        }
    }
}
