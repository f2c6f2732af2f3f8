// Policies as values: what a route may do besides proxying to one cluster, and the objects that rules refer to. Like the rest of the
// model they are checked and complete; texts in CEL are kept as written and compiled with the image.

/// Requests of one route shared out among clusters.
public struct Split: Sendable, Equatable {
    public struct Branch: Sendable, Equatable {
        public var cluster: String
        /// 0...65535; a share of the sum of all.
        public var weight: Int
        public init(cluster: String, weight: Int) { self.cluster = cluster; self.weight = weight }
    }
    /// What keeps a client on its branch.
    public enum Sticky: Sendable, Equatable {
        /// By chance, each request for itself.
        case none
        /// A cookie that the gateway sets; seconds, 0 = until the browser closes.
        case cookie(name: String, seconds: Int)
        case header(name: String)
        case address
    }
    public var branches: [Branch]
    public var sticky = Sticky.none
    public init(branches: [Branch]) { self.branches = branches }
}

/// Changes of the request before it is sent upstream. Texts are templates (`TemplateText`).
public struct Rewrite: Sendable, Equatable {
    /// Replaces the path.
    public var path: String?
    /// Replaces what matches in the path, the first time: RE2 syntax, \1 … \9 in the replacement.
    public var pattern: String?
    public var replacement: String?
    public var host: String?
    /// Replaces the query, without "?"; empty = none.
    public var query: String?
    public init() {}
}

/// A route that answers instead of doing what its action says.
public struct Maintenance: Sendable, Equatable {
    public var status: Int = 503
    /// 0 = no Retry-After.
    public var retryAfterSeconds: Int = 0
    public var body: String = "down for maintenance\n"
    /// CEL of type bool: requests that pass nevertheless.
    public var unless: String?
    public init() {}
}

/// Addresses and networks that rules name: `source.address in ipset("office")`.
public struct IPSet: Sendable, Equatable {
    public var id: String
    /// "10.0.0.0/8", "fd00::/8", or one address.
    public var addresses: [String] = []
    public init(id: String) { self.id = id }
}

/// Somebody who calls: known to rules as `consumer.name` and `consumer.labels` once a plugin has found out.
public struct Consumer: Sendable, Equatable {
    public var id: String
    public var labels: [HeaderLine] = []
    public var credentials: [Credential] = []
    /// Bindings that run for this consumer's requests, after the route's.
    public var plugins: [PluginBinding] = []
    public init(id: String) { self.id = id }
}

/// How a consumer proves itself. `secret` is never what was given: a hash, or sealed with the node's key.
public struct Credential: Sendable, Equatable {
    public enum Kind: String, Sendable, CaseIterable { case key, basic, hmac, jwt }
    public var id: String
    public var kind: Kind
    /// User name, key id; public.
    public var name: String = ""
    /// "sha256:…", "scrypt:…" (one way), or "sealed:…" (AES-256-GCM, for kinds whose check needs the secret itself).
    public var secret: String = ""
    public init(id: String, kind: Kind) { self.id = id; self.kind = kind }
}

/// A certificate that listeners will serve, with its key.
public struct Certificate: Sendable, Equatable {
    public var id: String
    /// PEM, the leaf first.
    public var chain: String = ""
    /// "sealed:…" with the node's key; never shown.
    public var key: String = ""
    public init(id: String) { self.id = id }
}
