// The admin API: from a request to the operation it asks for, and from a refusal to a problem (RFC 9457). The operations are declared in
// `Operations`, who may ask is decided in `Access`, and what they do is in the extensions of this type. docs/admin-api.md is for users.
import Foundation
import SluiceModel
import SluiceShared
import SluiceStore

struct AdminAPI: Sendable {
    let control: Control
    let counters: any CounterSource
    /// Nil where nothing crashes (tests).
    var crashes: CrashReports?
    /// Nil where everybody is let in as the local admin (tests).
    var gate: Gate?
    static let bodyBytesMax = 1 << 20

    /// Lets a request in or not, before its body is read.
    func admit(_ request: AdminRequest) async -> Result<AdminPrincipal, AdminResponse.Refusal> {
        guard let gate else { return .success(.local) }
        let admin = await control.configuration.admin
        let rules = GateRules(isLocal: admin.isLocal, requireToken: admin.requireToken, rateLimit: admin.rateLimit)
        return await offload { gate.admit(request, rules) }
    }

    /// Answers one request.
    func handle(_ asked: AdminRequest) async -> AdminResponse {
        var request = asked
        if request.principal == nil {
            switch await admit(request) {
            case .failure(let refusal): return refusal.response
            case .success(let principal): request.principal = principal
            }
        }
        let call: (AdminOperation, [String: String])
        switch route(request) {
        case .failure(let refusal):
            if let upload = request.upload { unlink(upload.path) }
            return refusal.response
        case .success(let found): call = found
        }
        let response = await call.0.run(self, AdminCall(request: request, path: call.1))
        if call.0.writes, !call.0.isQuestion { await record(call.0, request, call.1, response) }
        return response
    }

    /// The operation, when the principal may ask for it and the query is good. Also asked for an upload, before its bytes are taken.
    func route(_ request: AdminRequest) -> Result<(AdminOperation, [String: String]), AdminResponse.Refusal> {
        let principal = request.principal ?? .nobody(request.address)
        guard let (path, values) = OperationTable.shared.find(request.path) else {
            // Nobody learns which paths there are.
            if !principal.isKnown { return .failure(.init(Gate.unauthorized("\(quote(request.path)) needs a token"))) }
            return .failure(
                .init(.problem(404, "not-found", "Not found", "no such path: \(quote(request.path)); GET /v1/openapi.json lists all")))
        }
        if request.method == "OPTIONS" {
            return .failure(.init(AdminResponse(status: 204, contentType: "", headers: ["Allow": path.allow], body: [])))
        }
        guard let operation = path.operations[request.method == "HEAD" ? "GET" : request.method] else {
            return .failure(
                .init(
                    .problem(
                        405, "method", "Method not allowed", "\(request.method) is not possible here; allowed: \(path.allow)",
                        headers: ["Allow": path.allow])))
        }
        if let refusal = operation.refusal(principal) { return .failure(.init(refusal)) }
        guard request.body.count <= operation.body?.bytesMax ?? Self.bodyBytesMax else {
            return .failure(.init(Self.tooLarge(operation.body?.bytesMax ?? Self.bodyBytesMax)))
        }
        if let problem = operation.queryProblem(request.query) { return .failure(.init(problem)) }
        return .success((operation, values))
    }

    static func tooLarge(_ max: Int) -> AdminResponse { .problem(413, "too-large", "Body too large", "allowed: at most \(max) bytes") }

    /// The line that says who did what. Edits of policies are written into the audit with their revision; other writes are here.
    private func record(_ operation: AdminOperation, _ request: AdminRequest, _ path: [String: String], _ response: AdminResponse) async {
        let who = request.principal ?? .nobody(request.address),
            isDryRun = request.query["dry_run"].flatMap { AdminParameter.flags[$0] } ?? false
        let detail = path.sorted { $0.key < $1.key }.map { "\($0.key)=\(quote($0.value)) " }.joined() + "\(response.status)"
        ControlLog.write(
            .notice,
            "admin: \(who.name) (\(who.address.isEmpty ? "local" : who.address)) \(operation.id) \(detail)\(isDryRun ? " (dry run)" : "")")
        guard !operation.isPolicyEdit, !isDryRun, let history = await control.history else { return }
        var row = AuditRow(time: UnixTime.nowMs, actor: who.name, action: operation.id)
        (row.address, row.detail) = (who.address, detail)
        let written = row
        do { try await offload { try history.store.note(written) } } catch {
            ControlLog.write(.error, "not written into the audit: \(error)")
        }
    }

    func refused(_ refusal: ChangeRefusal) -> AdminResponse {
        let detail = "nothing changed: " + (refusal.errors.first ?? refusal.problems.first?.line ?? refusal.title)
        return switch refusal.kind {
        case .busy: .problem(503, "busy", "Busy", refusal.errors.joined(), headers: ["Retry-After": "1"])
        case .unknown: .problem(404, "not-found", refusal.title, detail, errors: refusal.errors)
        case .conflict: .problem(409, "conflict", refusal.title, detail, errors: refusal.errors)
        case .stale: .problem(412, "stale", refusal.title, detail, errors: refusal.errors)
        case .unavailable: .problem(503, "unavailable", refusal.title, detail, errors: refusal.errors)
        case .invalid: .problem(422, "invalid", refusal.title, detail, places: refusal.problems)
        case .refused: .problem(422, "refused", refusal.title, detail, errors: refusal.errors)
        }
    }

    /// Which workers run the change.
    func answers(_ outcome: ChangeOutcome) -> [(String, JSONValue)] {
        let workers = outcome.answers.sorted { $0.key < $1.key }.map { worker, answer in
            var members: [(String, JSONValue)] = [("worker", .int(worker)), ("state", .string(answer.state.rawValue))]
            if !answer.text.isEmpty { members.append(("detail", .string(answer.text))) }
            return JSONValue.object(members)
        }
        return [("revision", .int(outcome.revision)), ("workers", .array(workers))]
    }
}
