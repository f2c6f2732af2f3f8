// Who may do what: three roles, and scopes that narrow a token down to some resources. Which operation needs what stands in the operation
// table; who somebody is, `Gate.swift` finds out.

/// Each may do what the ones before it may.
enum AdminRole: String, Sendable, CaseIterable, Codable, Comparable {
    /// Reads everything but secrets.
    case viewer
    /// Changes policies: routes, clusters, consumers, …
    case editor
    /// Loads native code, makes tokens, replaces workers.
    case admin

    static func < (a: AdminRole, b: AdminRole) -> Bool { a.rank < b.rank }
    private var rank: Int { Self.allCases.firstIndex(of: self)! }
}

/// "RESOURCE:read", "RESOURCE:write" (which reads as well), "RESOURCE:*"; RESOURCE may be "*".
struct AdminScope: Sendable, Hashable {
    enum Access: String, Sendable, CaseIterable { case read, write, all = "*" }
    var resource: String
    var access: Access

    static let resources = [
        "*", "routes", "clusters", "global_plugins", "consumers", "certificates", "ip_sets", "plugins", "config", "audit", "status",
        "workers",
        "tokens", "rules",
    ]
    static let allowed =
        "RESOURCE:ACCESS; RESOURCE one of \(resources.joined(separator: " ")), ACCESS read, write or *"

    /// Nil when `text` is no scope.
    init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, Self.resources.contains(parts[0]), let access = Access(rawValue: parts[1]) else { return nil }
        (resource, self.access) = (parts[0], access)
    }
    var text: String { "\(resource):\(access.rawValue)" }

    func allows(_ resource: String, writes: Bool) -> Bool {
        (self.resource == "*" || self.resource == resource) && (access != .read || !writes)
    }
    /// Everything that `other` allows, this one does too.
    func covers(_ other: AdminScope) -> Bool {
        (resource == "*" || resource == other.resource) && (access != .read || other.access == .read)
    }
}

/// Who asks.
struct AdminPrincipal: Sendable, Equatable {
    /// Name of the token; "local" where none is needed.
    var name: String
    var role: AdminRole
    /// Empty: every resource that the role allows.
    var scopes: [AdminScope] = []
    /// Address it asks from, "unix" of a Unix socket; empty in tests.
    var address = ""
    /// False: nobody, who may ask only what needs no token.
    var isKnown = true

    static let local = AdminPrincipal(name: "local", role: .admin)
    /// Somebody whose token is not known, or who has none.
    static func nobody(_ address: String) -> AdminPrincipal { AdminPrincipal(name: "", role: .viewer, address: address, isKnown: false) }

    var actor: ChangeActor { ChangeActor(name: name, address: address) }
}
