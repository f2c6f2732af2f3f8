// The grammar of the configuration file, version 1, as one table. Change a key here and the check, the JSON Schema and
// docs/configuration.md follow (`sluice schema` prints the first two; a test proves that the committed files are current).

public enum Grammar {
    static let name = SchemaKind.text(.id)
    static let timeout = SchemaKind.duration(1...Limits.timeoutMsMax)
    static func ms(_ value: Int) -> String { Quantity.text(ms: value) }
    static func whole(_ range: ClosedRange<Int>) -> SchemaKind { .whole(UInt64(range.lowerBound)...UInt64(range.upperBound)) }

    /// The whole file.
    public static let root: [SchemaKey] = [
        SchemaKey("version", .whole(1...1), required: true, "Version of this grammar."),
        SchemaKey(
            "workers", .wholeOr("auto", 1...UInt64(Limits.workersMax)), default: "auto",
            "Worker processes; auto = one per core. A change needs a restart."),
        SchemaKey("user", .text(.account), "User that workers and the control process run as when started by root."),
        SchemaKey("group", .text(.account), "Group, likewise; the user's own when absent."),
        SchemaKey("pid_file", .text(.filePath), "Where the master writes its process id; `sluice stop` reads it."),
        SchemaKey(
            "state_directory", .text(.filePath), default: Limits.stateDirectory,
            "The store of policies, plugin copies and the last good image live here."),
        SchemaKey("core_bytes", .size(0...(1 << 40), unlimited: true), default: "0", "Largest core file of a crashed process."),
        SchemaKey("listeners", .list(.map(listener), max: Limits.listenersMax), required: true, "Where traffic arrives; at least one."),
        SchemaKey("admin", .map(admin), default: "{ listen: 127.0.0.1:8082 }", "The admin API: policies, plugins, status, metrics."),
        SchemaKey("dyups", .map(local), default: "{ listen: 127.0.0.1:8081 }", "The dyups-compatible upstream API."),
        SchemaKey(
            "plugins_api", .choice(PluginsAPI.allCases.map(\.rawValue)), default: "no",
            "Whether the admin API may load native code: no, from files of this machine, or also from uploads."),
        SchemaKey(
            "plugin_versions", whole(Limits.pluginVersionsRange), default: "\(Limits.pluginVersionsKept)",
            "Generations of each plugin that the store keeps."),
        SchemaKey("plugin_signatures", .map(signatures), "Signatures of plugin files."),
        SchemaKey("plugin_quarantine", .map(quarantine), "When a generation that crashes is kept from running."),
        SchemaKey("plugin_probation", .map(probation), "When a generation that replaced another is taken back by itself."),
        SchemaKey("log", .map(log), "Error log and access log."),
        SchemaKey("timeouts", .map(timeouts), "How long to wait for what."),
        SchemaKey("limits", .map(limits), "What a request may cost."),
        SchemaKey("forwarded", .map(forwarded), "Headers that tell upstreams who asked."),
        SchemaKey("plugins", .list(.map(plugin), max: Limits.pluginsMax), "Shared objects loaded at start."),
        SchemaKey(
            "global_plugins", .list(.map(globalBinding), max: Limits.bindingsPerRouteMax),
            "Bindings that run on every route, before the route's own."),
        SchemaKey("functions", .list(.map(function), max: Limits.configuredFunctionsMax), "C functions of shared libraries, for rules."),
        SchemaKey("clusters", .list(.map(cluster), max: Limits.clustersMax), "Groups of targets that requests are sent to."),
        SchemaKey("routes", .list(.map(route), max: Limits.routesMax), "Which request goes where."),
        SchemaKey("ip_sets", .list(.map(ipSet), max: Limits.ipSetsMax), "Addresses that rules name."),
        SchemaKey("consumers", .list(.map(consumer), max: Limits.consumersMax), "Who calls."),
        SchemaKey("certificates", .list(.map(certificate), max: Limits.certificatesMax), "Certificates and their keys."),
    ]

    static let listener: [SchemaKey] = [
        SchemaKey("address", .text(.listenAddress), required: true, "Address and port, or a Unix socket."),
        SchemaKey(
            "backlog", .whole(1...65535), default: "\(Limits.listenBacklog)",
            "Connections that may wait to be accepted; the kernel caps it at net.core.somaxconn."),
    ]
    static let local: [SchemaKey] = [
        SchemaKey("listen", .text(.localAddress), required: true, "Loopback address or Unix socket; off = not served.")
    ]
    static let admin: [SchemaKey] = [
        SchemaKey(
            "listen", .text(.adminAddress), required: true,
            "Address and port, or a Unix socket; off = not served. Beyond this machine only with tls and require_token."),
        SchemaKey(
            "tls",
            .map([
                SchemaKey("certificate", .text(.filePath), required: true, "PEM file of the chain, the leaf first."),
                SchemaKey("key", .text(.filePath), required: true, "PEM file of its private key."),
            ]), "Serve it by TLS. A relative path starts at this file's folder."),
        SchemaKey("require_token", .flag, default: "false", "Nobody is let in without a token, even before the first one is made."),
        SchemaKey(
            "rate_limit", whole(Limits.adminRateRange), default: "\(Limits.adminRateLimit)",
            "Requests a second of one client address (429); twice as many may come at once."),
    ]
    static let log: [SchemaKey] = [
        SchemaKey(
            "level", .choice(["debug", "info", "notice", "warn", "error"]), default: "notice",
            "Least serious line of the error log that is written."),
        SchemaKey("error", .text(.filePath), default: "stderr", "File of the error log, or stderr."),
        SchemaKey("access", .map(access), "The access log."),
    ]
    static let access: [SchemaKey] = [
        SchemaKey("format", .choice(["off", "combined", "json"]), required: true, "Form of its lines."),
        SchemaKey("path", .text(.filePath), "File of the access log; needed unless off."),
    ]
    static let timeouts: [SchemaKey] = [
        SchemaKey("head", timeout, default: ms(Limits.headTimeoutMs), "From the first byte of a request head to its last (408)."),
        SchemaKey("idle", timeout, default: ms(Limits.clientIdleTimeoutMs), "Keep-alive connection of a client without a request."),
        SchemaKey("body_idle", timeout, default: ms(Limits.bodyIdleTimeoutMs), "No byte of a body in either direction."),
        SchemaKey("response", timeout, default: ms(Limits.responseTimeoutMs), "Request sent to first byte of the response (504)."),
        SchemaKey("tunnel_idle", timeout, default: ms(Limits.tunnelIdleTimeoutMs), "WebSocket or other tunnel without a byte."),
        SchemaKey("drain", timeout, default: ms(Limits.drainTimeoutMs), "What is in flight when stopping gets this long."),
    ]
    static let limits: [SchemaKey] = [
        SchemaKey(
            "connections", .whole(16...1_048_576), default: "\(Limits.connectionsMax)",
            "Connections per worker, clients and upstreams together."),
        SchemaKey(
            "head_bytes", .size(1024...61440, unlimited: false), default: Quantity.text(bytes: UInt64(Limits.headBytesMax)),
            "Request head (431)."),
        SchemaKey(
            "target_bytes", .size(64...61440, unlimited: false), default: Quantity.text(bytes: UInt64(Limits.targetBytesMax)),
            "Request target (414); at most head_bytes."),
        SchemaKey("header_fields", .whole(8...256), default: "\(Limits.headerFieldsMax)", "Header fields of a request (431)."),
        SchemaKey("body_bytes", bodyBytes, default: "unlimited", "Request body (413)."),
        SchemaKey(
            "plugin_body_bytes", .size(Limits.pluginBodyBytesRange, unlimited: false), default: "1MiB",
            "Request body that a plugin may gather (413). Bodies that no plugin asks for are not held."),
        SchemaKey(
            "body_rate_min", .whole(0...(1 << 30)), default: "\(Limits.bodyRateMin)",
            "Bytes a second that a client must send of a body, averaged over 10 s (408); 0 = off."),
        SchemaKey(
            "requests_per_connection", .whole(0...(1 << 32)), default: "0", "Requests served on one client connection; 0 = unlimited."),
        SchemaKey(
            "plugin_hold_warn", .duration(Limits.pluginHoldRange), default: ms(Limits.pluginHoldWarnMs),
            "A hook that holds its worker this long is named in the error log; 0s = off."),
        SchemaKey(
            "plugin_hold_max", .duration(Limits.pluginHoldRange), default: ms(Limits.pluginHoldMaxMs),
            "A hook that holds its worker this long ends it: the worker is replaced, the plugin blamed; 0s = off."),
    ]
    static let bodyBytes = SchemaKind.size(0...(1 << 50), unlimited: true)
    static let forwarded: [SchemaKey] = [
        SchemaKey("x_forwarded", .flag, default: "true", "Send X-Forwarded-For, -Host and -Proto."),
        SchemaKey("standard", .flag, default: "false", "Send Forwarded (RFC 7239)."),
        SchemaKey("via", .flag, default: "true", "Send Via (RFC 9110 7.6.3)."),
        SchemaKey(
            "trusted", .list(.text(.network), max: Limits.trustedNetworksMax),
            "Networks whose forwarding headers are kept and appended to; everyone else's are replaced."),
    ]
    static let plugin: [SchemaKey] = [
        SchemaKey("name", .text(.pluginName), required: true, "Name in the plugin's manifest."),
        SchemaKey(
            "path", .text(.filePath), required: true,
            "The .so; a name without slash is looked for beside this file and in the plugin folders."),
        SchemaKey(
            "on_failure", .choice(["closed", "open"]),
            "What a request gets when the plugin fails: refused, or served without it; absent = as its manifest says."),
        SchemaKey(
            "capabilities", .list(.choice(Capability.names), max: Capability.allCases.count),
            "What its manifest may ask for; a plugin that asks for more is refused."),
    ]
    static let signatures: [SchemaKey] = [
        SchemaKey(
            "policy", .choice(PluginSignatures.Policy.allCases.map(\.rawValue)), default: "off",
            "Signatures are not looked at, a missing or wrong one is told, or refused."),
        SchemaKey(
            "keys", .list(.text(.filePath), max: Limits.pluginSignatureKeysMax),
            "Ed25519 public keys: each a PEM file (from the folder of this file) or base64 of the 32 bytes."),
    ]
    static let quarantine: [SchemaKey] = [
        SchemaKey("crashes", whole(Limits.pluginCrashesRange), default: "\(Limits.pluginCrashesMax)", "So many crashes of a generation …"),
        SchemaKey("seconds", whole(Limits.pluginSecondsRange), default: "\(Limits.pluginCrashWindowSeconds)", "… within so many seconds."),
    ]
    static let probation: [SchemaKey] = [
        SchemaKey(
            "seconds", whole(0...Limits.pluginSecondsRange.upperBound), default: "\(Limits.pluginProbationSeconds)",
            "How long a replacement is watched; 0 = not at all."),
        SchemaKey(
            "errors_max", whole(0...100), default: "\(Limits.pluginProbationErrorsMax)", "Percent of its calls that may fail."),
        SchemaKey("latency_max", timeout, "99 of 100 calls of every phase stay below, on the processor; absent = whatever it takes."),
        SchemaKey(
            "min_calls", whole(Limits.pluginMinCallsRange), default: "\(Limits.pluginProbationMinCalls)",
            "Calls before errors and latency are judged."),
    ]
    static let binding: [SchemaKey] = [
        SchemaKey("name", .text(.pluginName), required: true, "A loaded plugin."),
        SchemaKey("when", .text(.expression), "Only requests for which this is true; absent = all."),
        SchemaKey("config", .json, default: "{}", "Handed to the plugin as JSON; its own manual says what it takes."),
    ]
    static let globalBinding: [SchemaKey] =
        binding + [
            SchemaKey("id", name, "Name among the global bindings; the plugin's when absent."),
            SchemaKey("order", .whole(0...10_000), default: "0", "Lower runs first; alike: as they stand here."),
        ]
    static let function: [SchemaKey] = [
        SchemaKey(
            "library", .text(.filePath), required: true, "The shared library; no plugin. A relative path starts at this file's folder."),
        SchemaKey("symbol", .text(.symbol), required: true, "The C function in it."),
        SchemaKey("name", .text(.functionName), required: true, "As rules call it."),
        SchemaKey("signature", .text(.functionSignature), required: true, "Its type; a wrong one makes every call garbage."),
        SchemaKey("pure", .flag, default: "false", "Same arguments give the same result, without effects."),
    ]
    static let cluster: [SchemaKey] = [
        SchemaKey("id", name, required: true, "Name that routes use."),
        SchemaKey("targets", .list(.map(target), max: Limits.targetsPerClusterMax), required: true, "Where requests go; at least one."),
        SchemaKey("keepalive", .map(keepalive), "Idle connections kept for the next request."),
        SchemaKey("connect_timeout", timeout, default: ms(Limits.connectTimeoutMs), "To open a connection."),
        SchemaKey(
            "connect_retries", .whole(UInt64(Limits.connectRetriesRange.lowerBound)...UInt64(Limits.connectRetriesRange.upperBound)),
            default: "1", "Other targets tried when connecting fails."),
    ]
    static let target: [SchemaKey] = [
        SchemaKey("address", .text(.targetAddress), required: true, "A name is resolved when the file is read."),
        SchemaKey(
            "weight", .whole(UInt64(Limits.targetWeightRange.lowerBound)...UInt64(Limits.targetWeightRange.upperBound)), default: "1",
            "Share of the requests."),
    ]
    static let keepalive: [SchemaKey] = [
        SchemaKey(
            "idle_max", .whole(UInt64(Limits.upstreamIdleRange.lowerBound)...UInt64(Limits.upstreamIdleRange.upperBound)),
            default: "\(Limits.upstreamIdleMax)", "Per target and worker."),
        SchemaKey("idle_timeout", timeout, default: ms(Limits.upstreamIdleTimeoutMs), "Closed after this long without a request."),
    ]
    static let route: [SchemaKey] = [
        SchemaKey("id", name, required: true, "Name in logs and metrics."),
        SchemaKey("match", .map(match), "Which requests; absent = every one."),
        SchemaKey(
            "priority", .whole(0...UInt64(Limits.routePriorityMax)), default: "0",
            "Higher first; then exact host, exact or longest path, id."),
        SchemaKey("action", .oneOf(action), required: true, "What happens to them."),
        SchemaKey("rewrite", .map(rewrite), "Changes of the request before it goes upstream."),
        SchemaKey("maintenance", .map(maintenance), "Answer this instead."),
        SchemaKey("timeouts", .map(routeTimeouts), "Instead of the cluster's and the file's."),
        SchemaKey("limits", .map([SchemaKey("body_bytes", bodyBytes, "Request body (413).")]), "Instead of the file's."),
        SchemaKey("plugins", .list(.map(binding), max: Limits.bindingsPerRouteMax), "Bindings of this route, in order."),
    ]
    static let match: [SchemaKey] = [
        SchemaKey("hosts", .list(.text(.hostPattern), max: SchemaLimits.hostsMax), "Any of these; empty = any host."),
        SchemaKey("paths", .list(.text(.pathPattern), max: SchemaLimits.pathsMax), "Any of these; empty = any path."),
        SchemaKey("methods", .list(.text(.method), max: 16), "Any of these; empty = any method."),
        SchemaKey("when", .text(.expression), "Only requests for which this is true; absent = all."),
    ]
    static let action: [SchemaKey] = [
        SchemaKey("cluster", name, "Proxy to this cluster."),
        SchemaKey("split", .map(split), "Proxy to one of several clusters, by weight."),
        SchemaKey("respond", .map(respond), "A fixed answer."),
        SchemaKey("redirect", .map(redirect), "Somewhere else."),
        SchemaKey("plugin", .map(binding), "The content hook of this plugin answers."),
    ]
    static let split: [SchemaKey] = [
        SchemaKey("clusters", .list(.map(branch), max: Limits.splitBranchesMax), required: true, "At least one with a weight above 0."),
        SchemaKey("sticky", .oneOf(sticky), "Keeps a client on its cluster; absent = each request by chance."),
    ]
    static let branch: [SchemaKey] = [
        SchemaKey("cluster", name, required: true, "A cluster."),
        SchemaKey("weight", whole(Limits.splitWeightRange), default: "1", "Share of the requests; 0 = none."),
    ]
    static let sticky: [SchemaKey] = [
        SchemaKey(
            "cookie",
            .map([
                SchemaKey("name", .text(.cookieName), required: true, "Name of the cookie that the gateway sets."),
                SchemaKey("max_age", .duration(0...Limits.stickySecondsMax * 1000), default: "0s", "0s = until the browser closes."),
            ]), "By a cookie."),
        SchemaKey("header", .text(.headerName), "By the value of this request header."),
        SchemaKey("address", .flag, "true: by the client's address."),
    ]
    static let rewrite: [SchemaKey] = [
        SchemaKey("path", .text(.template), "The new path."),
        SchemaKey("pattern", .text(.pattern), "Instead of path: what matches in the path first …"),
        SchemaKey("replacement", .text(.template), "… becomes this; \\1 to \\9 stand for groups."),
        SchemaKey("host", .text(.template), "The new host."),
        SchemaKey("query", .text(.template), "The new query, without ?; empty = none."),
    ]
    static let maintenance: [SchemaKey] = [
        SchemaKey("status", .whole(400...599), default: "503", "Status code."),
        SchemaKey("retry_after", .duration(0...86_400_000), default: "0s", "Retry-After; 0s = none."),
        SchemaKey("body", .text(.body), default: "down for maintenance", "Text of the body."),
        SchemaKey("unless", .text(.expression), "Requests for which this is true pass."),
    ]
    static let ipSet: [SchemaKey] = [
        SchemaKey("id", name, required: true, "Name that rules use: ipset(\"office\")."),
        SchemaKey("addresses", .list(.text(.network), max: Limits.ipSetAddressesMax), "Addresses and networks."),
    ]
    static let consumer: [SchemaKey] = [
        SchemaKey("id", name, required: true, "Name that plugins find out, rules read and logs show."),
        SchemaKey("labels", .table(name: .id, value: .headerValue, max: Limits.labelsPerConsumerMax), "For rules: consumer.labels."),
        SchemaKey("credentials", .list(.map(credential), max: Limits.credentialsPerConsumerMax), "How it proves itself."),
        SchemaKey("plugins", .list(.map(binding), max: Limits.bindingsPerRouteMax), "Bindings for its requests, after the route's."),
    ]
    static let credential: [SchemaKey] = [
        SchemaKey("id", name, required: true, "Name among the consumer's credentials."),
        SchemaKey("type", .choice(Credential.Kind.allCases.map(\.rawValue)), required: true, "What it is."),
        SchemaKey("name", .text(.secret), "User name or key id; not secret."),
        SchemaKey("secret", .text(.secret), "Key, password or shared secret; kept hashed or sealed, never shown."),
    ]
    static let certificate: [SchemaKey] = [
        SchemaKey("id", name, required: true, "Its name."),
        SchemaKey("chain", .text(.pem), required: true, "PEM, the leaf first."),
        SchemaKey("key", .text(.privateKey), required: true, "PEM of the private key; kept sealed, never shown."),
    ]
    static let respond: [SchemaKey] = [
        SchemaKey("status", .whole(200...599), required: true, "Status code."),
        SchemaKey("body", .text(.body), default: "\"\"", "Text of the body."),
        SchemaKey("headers", .table(name: .headerName, value: .headerValue, max: SchemaLimits.headersMax), "Header fields."),
    ]
    static let redirect: [SchemaKey] = [
        SchemaKey("status", .whole(300...308), default: "302", "301, 302, 303, 307 or 308."),
        SchemaKey("location", .text(.locationTemplate), required: true, "Value of the Location field; a template."),
    ]
    static let routeTimeouts: [SchemaKey] = [
        SchemaKey("connect", timeout, "To open a connection to the upstream."),
        SchemaKey("response", timeout, "Request sent to first byte of the response."),
        SchemaKey("idle", timeout, "No byte of a body in either direction."),
    ]
}
