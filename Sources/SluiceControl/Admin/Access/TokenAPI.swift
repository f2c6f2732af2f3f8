// Tokens over the admin API: made, listed, taken back. A token is shown once, by the answer that made it. Nobody makes one that may do more
// than he may himself.
import Foundation
import SluiceModel

/// Answers what is asked about tokens: for the API, and for `sluice token` on the state directory.
struct TokenDesk: Sendable {
    let store: TokenStore
    /// Seconds a token may live: up to ten years.
    static let lifeRange = 1...(10 * 365 * 86_400)

    /// - Parameter name: of the token that is asked about; nil = all of them.
    func answer(
        _ method: String, _ name: String?, _ body: JSONValue?, isDryRun: Bool = false, maker: AdminPrincipal = .local
    ) async -> AdminResponse {
        do {
            return switch (method, name) {
            case ("POST", nil): try await make(try TokenWish(body ?? .null, maker: maker), isDryRun)
            case ("DELETE", let name?): try await delete(name, isDryRun)
            default: .json(.object([("tokens", .array(try store.all().map(\.json)))]))
            }
        } catch let refusal as AdminResponse.Refusal {
            return refusal.response
        } catch TokenStore.Problem.exists {
            return .problem(409, "exists", "Already there", "nothing changed: a token of this name is there; DELETE it first")
        } catch TokenStore.Problem.full {
            return .problem(409, "full", "Too many tokens", "nothing changed; allowed: at most \(TokenStore.tokensMax)")
        } catch {
            return .problem(503, "unavailable", "No tokens", "nothing changed: \(error)")
        }
    }

    private func make(_ wish: TokenWish, _ isDryRun: Bool) async throws -> AdminResponse {
        if isDryRun { return .json(.object([("dry_run", .bool(true)), ("name", .string(wish.name))])) }
        let store = self.store
        let (text, token) = try await offload {
            try store.make(wish.name, wish.role, scopes: wish.scopes, expiresAt: wish.seconds.map { TokenStore.now() + UInt64($0) * 1000 })
        }
        return .json(
            .object([("token", .string(text))] + (token.json.members ?? [])), status: 201, headers: ["Location": "/v1/tokens/\(token.name)"]
        )
    }

    private func delete(_ name: String, _ isDryRun: Bool) async throws -> AdminResponse {
        let store = self.store
        let isThere = try isDryRun ? store.all().contains { $0.name == name } : await offload { try store.remove(name) }
        guard isThere else { return .problem(404, "not-found", "Not found", "no token \(quote(name)); GET /v1/tokens lists them") }
        return .json(.object([("dry_run", .bool(isDryRun)), ("deleted", .string(name))]))
    }
}

extension AdminAPI {
    func tokens(_ call: AdminCall) async -> AdminResponse {
        guard let gate else { return .problem(503, "unavailable", "No tokens", "this gateway keeps no tokens") }
        var body: JSONValue?
        if call.request.method == "POST" {
            switch call.json() {
            case .failure(let refusal): return refusal.response
            case .success(let read): body = read
            }
        }
        return await TokenDesk(store: gate.tokens).answer(
            call.request.method, call.path["name"], body, isDryRun: call.isDryRun, maker: call.principal)
    }
}

/// What a call wants of a token, checked.
struct TokenWish: Sendable {
    var name: String
    var role: AdminRole
    var scopes: [AdminScope] = []
    var seconds: Int?

    init(_ value: JSONValue, maker: AdminPrincipal) throws(AdminResponse.Refusal) {
        var problems: [PolicyProblem] = []
        func wrong(_ pointer: String, _ found: JSONValue?, _ allowed: String) {
            problems.append(
                PolicyProblem(pointer: pointer, found: found.map { "found \($0.text().prefix(80))" } ?? "found none", allowed: allowed))
        }
        let known = ["name", "role", "scopes", "expires_in"]
        if value.members == nil { wrong("", value, "an object with \(known.joined(separator: ", "))") }
        for (key, _) in value.members ?? [] where !known.contains(key) {
            problems.append(
                PolicyProblem(
                    pointer: "/" + MaskedConfig.escaped(key), found: "unknown key \(quote(key))",
                    allowed: known.joined(separator: ", ") + Suggestion.clause(for: key, in: known)))
        }
        name = value["name"]?.string ?? ""
        if SchemaText.id.problem(name) != nil { wrong("/name", value["name"], SchemaText.id.allowed) }
        role = value["role"]?.string.flatMap(AdminRole.init) ?? .viewer
        if value["role"]?.string.flatMap(AdminRole.init) == nil {
            wrong("/role", value["role"], AdminRole.allCases.map(\.rawValue).joined(separator: ", "))
        }
        for (index, item) in (value["scopes"]?.array ?? []).enumerated() {
            guard let scope = item.string.flatMap(AdminScope.init), index < 64 else {
                wrong("/scopes/\(index)", item, AdminScope.allowed); continue
            }
            scopes.append(scope)
        }
        if let given = value["scopes"], given.array == nil { wrong("/scopes", given, "a list of " + AdminScope.allowed) }
        if let life = value["expires_in"] {
            seconds = life.string.flatMap(Quantity.duration).map { $0 / 1000 }
            if !(seconds.map(TokenDesk.lifeRange.contains) ?? false) {
                wrong("/expires_in", life, "a duration from 1s to 87600h, such as 720h")
            }
        }
        guard problems.isEmpty else {
            throw .init(.problem(422, "invalid", "Invalid token", "nothing changed: \(problems[0].line)", places: problems))
        }
        let isNarrow = maker.scopes.isEmpty || (!scopes.isEmpty && scopes.allSatisfy { new in maker.scopes.contains { $0.covers(new) } })
        guard role <= maker.role, isNarrow else {
            throw .init(
                .problem(403, "scope", "Not allowed", "a token may not do more than its maker; allowed: a role and scopes of your own"))
        }
    }
}
