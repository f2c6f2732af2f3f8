// The door of the admin API: how often an address may ask, whether a token is needed, whose it is. Asked before a body is read. What a
// principal may do is decided by `AdminOperation.refusal`.
import Foundation
import SluiceModel
import Synchronization

/// What the door goes by, from the configuration.
struct GateRules: Sendable, Equatable {
    /// The listener is a Unix socket or a loopback address.
    var isLocal = true
    var requireToken = false
    /// Requests a second of one address.
    var rateLimit = Limits.adminRateLimit
}

final class Gate: Sendable {
    let tokens: TokenStore
    private let limiter = Mutex(RateLimiter())

    init(tokens: TokenStore) { self.tokens = tokens }

    /// Who asks, or the answer that refuses him. Somebody without a token comes through as nobody, for what everybody may ask.
    func admit(_ request: AdminRequest, _ rules: GateRules, nowMs: UInt64 = TokenStore.now()) -> Result<
        AdminPrincipal, AdminResponse.Refusal
    > {
        let address = request.address
        if let wait = limiter.withLock({ $0.take(address, perSecond: rules.rateLimit, nowMs: nowMs) }) {
            return .failure(.init(Self.tooMany(wait, "more than \(rules.rateLimit) requests a second")))
        }
        if let offered = request.authorization {
            guard let text = Self.bearer(offered), let token = tokens.find(text, nowMs: nowMs) else {
                if let wait = limiter.withLock({ $0.failed(address, perSecond: rules.rateLimit, nowMs: nowMs) }) {
                    return .failure(.init(Self.tooMany(wait, "too many wrong tokens")))
                }
                return .failure(.init(Self.unauthorized("the token is unknown or has expired", error: "invalid_token")))
            }
            return .success(
                AdminPrincipal(name: token.name, role: token.role, scopes: token.scopes.compactMap(AdminScope.init), address: address))
        }
        guard !rules.isLocal || rules.requireToken || !tokens.isEmpty else {
            return .success(AdminPrincipal(name: "local", role: .admin, address: address))
        }
        return .success(.nobody(address))
    }

    private static func bearer(_ text: String) -> String? {
        let parts = text.split(separator: " ", omittingEmptySubsequences: true)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1])
    }

    static func unauthorized(_ detail: String, error: String? = nil) -> AdminResponse {
        .problem(
            401, "unauthorized", "Token needed", detail + "; allowed: Authorization: Bearer TOKEN (`sluice token create` makes one)",
            headers: ["WWW-Authenticate": "Bearer realm=\"sluice\"" + (error.map { ", error=\"\($0)\"" } ?? "")])
    }

    private static func tooMany(_ seconds: Int, _ detail: String) -> AdminResponse {
        .problem(
            429, "too-many", "Too many requests", "\(detail) from this address; try again in \(seconds) s",
            headers: ["Retry-After": "\(seconds)"])
    }
}
