// The configuration as values: what a person wrote, checked and with every default filled in. It knows neither YAML nor
// bytes: `SluiceControl` reads files into it, `SluiceRules` compiles it into the image. Defaults live in `Limits.swift`.

/// A whole configuration. Immutable once validated; a change is a new value.
public struct Configuration: Sendable, Equatable {
    /// nil = one worker per core.
    public var workers: Int?
    public var user: String?
    public var group: String?
    public var pidFile: String?
    /// Where plugin copies and the last good image live.
    public var stateDirectory: String = Limits.stateDirectory
    public var coreBytesMax: UInt64 = 0
    public var listeners: [Listener] = []
    public var admin = AdminListener(address: "127.0.0.1:8082")
    public var dyups = LocalListener(address: "127.0.0.1:8081")
    public var pluginsAPI = PluginsAPI.no
    /// Generations of each plugin that the store keeps.
    public var pluginVersionsKept = Limits.pluginVersionsKept
    public var pluginSignatures = PluginSignatures()
    public var pluginQuarantine = PluginQuarantine()
    public var pluginProbation = PluginProbation()
    public var clusters: [Cluster] = []
    public var routes: [Route] = []
    public var ipSets: [IPSet] = []
    public var consumers: [Consumer] = []
    public var certificates: [Certificate] = []
    /// Plugins to load at start, by name.
    public var plugins: [PluginSource] = []
    /// Bindings that run on every route, before the route's own.
    public var globalPlugins: [PluginBinding] = []
    /// C functions of plain libraries that rules may call.
    public var functions: [FunctionSource] = []
    public var timeouts = Timeouts()
    public var limits = RequestLimits()
    public var forwarded = Forwarded()
    public var log = Log()
    public init() {}
}

public struct Listener: Sendable, Equatable {
    /// "127.0.0.1:8080", "[::1]:8080", "*:8080" or "unix:/path".
    public var address: String
    public var backlog: Int = Limits.listenBacklog
    public init(address: String) { self.address = address }
}

public struct AdminListener: Sendable, Equatable {
    /// An address or "unix:/path"; nil = off.
    public var address: String?
    /// PEM files; nil = plain HTTP.
    public var tls: AdminTLS?
    /// A token is needed even before the first one is made.
    public var requireToken = false
    /// Requests a second of one client address.
    public var rateLimit = Limits.adminRateLimit
    public init(address: String?) { self.address = address }

    /// Only this machine can reach it.
    public var isLocal: Bool {
        guard let address, let socket = Address(checking: address) else { return true }
        return socket.isUnix || socket.isLoopback
    }
}

public struct AdminTLS: Sendable, Equatable {
    /// The chain, the leaf first; relative to the configuration file's folder.
    public var certificatePath: String
    public var keyPath: String
    public init(certificatePath: String, keyPath: String) { (self.certificatePath, self.keyPath) = (certificatePath, keyPath) }
}

public struct LocalListener: Sendable, Equatable {
    /// Loopback or "unix:/path"; nil = off.
    public var address: String?
    public init(address: String?) { self.address = address }
}

public struct Cluster: Sendable, Equatable {
    public var id: String
    public var targets: [Target] = []
    public var keepaliveIdleMax: Int = Limits.upstreamIdleMax
    public var keepaliveIdleTimeoutMs: Int = Limits.upstreamIdleTimeoutMs
    public var connectTimeoutMs: Int = Limits.connectTimeoutMs
    /// How many other targets are tried when connecting fails.
    public var connectRetries: Int = 1
    public init(id: String) { self.id = id }
}

public struct Target: Sendable, Equatable {
    /// "10.0.0.1:8080", "[::1]:80", "name:80" (resolved when the file is read) or "unix:/path".
    public var address: String
    /// 1...65535
    public var weight: Int = 1
    public init(address: String, weight: Int = 1) { self.address = address; self.weight = weight }
}

public struct Route: Sendable, Equatable {
    public var id: String
    /// CEL of type bool over the request; nil = every one.
    public var when: String?
    /// Exact names or "*.example.org"; empty = any host.
    public var hosts: [String] = []
    /// "/users/{id}" (named segments), "/static/*" (prefix), "=/health" (literally), "/about" (exact),
    /// "~^/v[0-9]+/" (regular expression); empty = any path.
    public var paths: [String] = []
    /// Upper-case tokens; empty = any method.
    public var methods: [String] = []
    /// Higher first; then exact before wildcard host; exact path before regular expression before longest prefix; a condition
    /// before none; id.
    public var priority: Int = 0
    public var action: Action
    public var rewrite: Rewrite?
    /// Set: the route answers this and does nothing else.
    public var maintenance: Maintenance?
    public var plugins: [PluginBinding] = []
    public var connectTimeoutMs: Int?
    public var responseTimeoutMs: Int?
    public var idleTimeoutMs: Int?
    public var bodyBytesMax: UInt64?
    public init(id: String, action: Action) { self.id = id; self.action = action }
}

public enum Action: Sendable, Equatable {
    /// Proxy to the cluster with this id.
    case cluster(String)
    /// A fixed answer.
    case respond(status: Int, body: String, headers: [HeaderLine])
    /// `location` is a template (`TemplateText`).
    case redirect(status: Int, location: String)
    case split(Split)
    /// The content hook of this plugin makes the response.
    case plugin(PluginBinding)
}

public struct HeaderLine: Sendable, Equatable {
    public var name: String
    public var value: String
    public init(name: String, value: String) { self.name = name; self.value = value }
}

public struct PluginSource: Sendable, Equatable {
    public var name: String
    /// Path of the `.so`, relative to the configuration file's folder.
    public var path: String
    /// What a request gets when the plugin fails: refused (closed) or served without it (open); nil = as its manifest says.
    public var failOpen: Bool?
    /// Names of `Capability` that it may use.
    public var capabilities: [String] = []
    public init(name: String, path: String) { self.name = name; self.path = path }
}

public struct PluginBinding: Sendable, Equatable {
    public var name: String
    /// Of a global binding: its name among them; empty = the plugin's.
    public var id = ""
    /// Of a global binding: lower first, then as they stand in the file.
    public var order = 0
    /// CEL of type bool over the request; nil = always.
    public var when: String?
    /// JSON object as text, keys sorted, so that equal configurations are equal strings.
    public var configJSON: String = "{}"
    public init(name: String, configJSON: String = "{}") { self.name = name; self.configJSON = configJSON }
}

public struct Timeouts: Sendable, Equatable {
    public var headMs = Limits.headTimeoutMs
    public var idleMs = Limits.clientIdleTimeoutMs
    public var bodyIdleMs = Limits.bodyIdleTimeoutMs
    public var responseMs = Limits.responseTimeoutMs
    public var tunnelIdleMs = Limits.tunnelIdleTimeoutMs
    public var drainMs = Limits.drainTimeoutMs
    public init() {}
}

public struct RequestLimits: Sendable, Equatable {
    public var connectionsMax = Limits.connectionsMax
    public var headBytesMax = Limits.headBytesMax
    public var targetBytesMax = Limits.targetBytesMax
    public var headerFieldsMax = Limits.headerFieldsMax
    public var bodyBytesMax: UInt64?
    public var bodyRateMin = Limits.bodyRateMin
    /// Of a request body that a plugin gathers.
    public var pluginBodyBytesMax = Limits.pluginBodyBytesMax
    public var requestsPerConnectionMax: UInt64 = 0
    /// A hook that holds its worker this long is warned about, or ends it; 0 = never.
    public var pluginHoldWarnMs = Limits.pluginHoldWarnMs
    public var pluginHoldMaxMs = Limits.pluginHoldMaxMs
    public init() {}
}

public struct Forwarded: Sendable, Equatable {
    public var xForwarded = true
    public var standard = false
    public var via = true
    /// CIDRs of proxies in front whose forwarding headers are kept and appended to; everyone else's are replaced.
    public var trusted: [String] = []
    public init() {}
}

public struct Log: Sendable, Equatable {
    public enum Level: Int, Sendable, CaseIterable { case debug, info, notice, warn, error }
    public enum Format: String, Sendable, CaseIterable { case off, combined, json }
    public var level: Level = .notice
    /// nil = standard error.
    public var errorPath: String?
    public var accessFormat: Format = .off
    public var accessPath: String?
    public init() {}
}
