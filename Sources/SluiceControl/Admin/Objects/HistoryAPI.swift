// Revisions and the audit for readers, and the two things that can be done with a revision: going back to it, and confirming it. Secrets in
// differences are masked.
import SluiceModel
import SluiceStore

extension AdminAPI {
    static let noStore = AdminResponse.problem(503, "unavailable", "No history", "the store cannot be read; the error log says why")
    static func noRevision(_ number: UInt64) -> AdminResponse {
        .problem(404, "not-found", "Not found", "revision \(number) is not kept; GET /v1/revisions lists those that are")
    }

    /// Reads the store away from the few threads that tasks share.
    private func reading(_ body: @escaping @Sendable (History) throws -> AdminResponse) async -> AdminResponse {
        guard let history = await control.history else { return Self.noStore }
        do { return try await offload { try body(history) } } catch {
            ControlLog.write(.error, "the history cannot be read: \(error)")
            return Self.noStore
        }
    }

    private static func page(_ call: AdminCall) -> (limit: Int, before: UInt64?) {
        (call.request.query["limit"].flatMap { Int($0) } ?? ObjectQuery.limitDefault, call.request.query["after"].flatMap { UInt64($0) })
    }

    /// One more than wanted is asked for, so that the last page is known as the last.
    private static func items<T>(_ rows: [T], _ limit: Int, _ number: (T) -> UInt64, _ json: (T) -> JSONValue) -> AdminResponse {
        let shown = rows.prefix(limit)
        let next = rows.count > limit ? shown.last.map { JSONValue.int(number($0)) } : nil
        return .json(.object([("items", .array(shown.map(json))), ("next", next ?? .null)]))
    }

    func revisions(_ call: AdminCall) async -> AdminResponse {
        let (limit, before) = Self.page(call)
        return await reading { history in
            Self.items(try history.store.revisions(limit: limit + 1, before: before).filter(\.isActive), limit, \.number, Self.json)
        }
    }

    private static func json(_ row: RevisionRow) -> JSONValue {
        var out: [(String, JSONValue)] = [
            ("revision", .int(row.number)), ("kind", .string(row.kind)), ("actor", .string(row.actor)), ("address", .string(row.address)),
            ("comment", .string(row.comment)), ("created_at", .int(row.time)), ("changes", .int(row.changes)),
        ]
        if let at = row.confirmBy { out.append(("confirm_by", .int(at))) }
        return .object(out)
    }

    private static func number(_ call: AdminCall) -> UInt64? { UInt64(call["n"]).flatMap { $0 <= UInt64(Int64.max) ? $0 : nil } }
    private static func wrongNumber(_ call: AdminCall) -> AdminResponse {
        .problem(404, "not-found", "Not found", "no revision \(quote(call["n"])); GET /v1/revisions lists those that are kept")
    }

    func revision(_ call: AdminCall) async -> AdminResponse {
        guard let number = Self.number(call) else { return Self.wrongNumber(call) }
        return await reading { history in
            guard let row = try history.store.revision(number), row.isActive else { return Self.noRevision(number) }
            let changes = try history.store.changes(of: number).prefix(Self.changesShownMax).map { change in
                Self.change(
                    change.kind, change.id, try change.before.flatMap { try History.value(change.kind, $0) },
                    try change.after.flatMap { try History.value(change.kind, $0) })
            }
            let head = Self.json(row).members?.filter { $0.0 != "changes" } ?? []
            return .json(.object(head + [("count", .int(row.changes)), ("changes", .array(Array(changes)))]))
        }
    }

    /// Objects as they were and as they are.
    private static func change(_ kind: String, _ id: String, _ before: PolicyValue?, _ after: PolicyValue?) -> JSONValue {
        let what = before == nil ? "created" : after == nil ? "deleted" : "updated"
        return .object([
            ("kind", .string(kind)), ("id", .string(id)), ("change", .string(what)), ("before", before?.json(masked: true) ?? .null),
            ("after", after?.json(masked: true) ?? .null),
        ])
    }

    func diff(_ call: AdminCall) async -> AdminResponse {
        guard let from = Self.number(call) else { return Self.wrongNumber(call) }
        let current = await control.state.revision, to = call.request.query["to"].flatMap { UInt64($0) } ?? current
        return await reading { history in
            for number in [from, to] where try history.store.revision(number)?.isActive != true { return Self.noRevision(number) }
            let old = try history.past(from).configuration, new = try history.past(to).configuration
            let changes = Self.differences(old, new)
            return .json(
                .object([
                    ("from", .int(from)), ("to", .int(to)), ("count", .int(changes.count)),
                    ("changes", .array(changes.prefix(Self.changesShownMax).map { Self.change($0.0.kind.rawValue, $0.0.id, $0.1, $0.2) })),
                ]))
        }
    }

    private static func differences(_ old: Configuration, _ new: Configuration) -> [(PolicyKey, PolicyValue?, PolicyValue?)] {
        func all(_ configuration: Configuration, _ kind: PolicyKind) -> [String: PolicyValue] {
            Dictionary((0..<configuration.count(kind)).map { configuration.policy(kind, at: $0) }.map { ($0.key.id, $0) }) { a, _ in a }
        }
        return PolicyKind.allCases.flatMap { kind in
            let before = all(old, kind), after = all(new, kind)
            return Set(before.keys).union(after.keys).sorted().filter { before[$0] != after[$0] }.map {
                (PolicyKey(kind: kind, id: $0), before[$0], after[$0])
            }
        }
    }

    func rollBack(_ call: AdminCall) async -> AdminResponse {
        guard let number = Self.number(call) else { return Self.wrongNumber(call) }
        return await writing(call) { () throws(AdminResponse.Refusal) in [.rollback(number)] }
    }

    func confirm(_ call: AdminCall) async -> AdminResponse {
        guard let number = Self.number(call) else { return Self.wrongNumber(call) }
        if call.isDryRun {
            return await reading { history in
                guard try history.store.revision(number)?.confirmBy != nil else { return Self.nothingWaits(number) }
                return .json(.object([("dry_run", .bool(true)), ("revision", .int(number))]))
            }
        }
        do throws(ChangeRefusal) {
            try await control.confirm(number)
            return .json(.object([("dry_run", .bool(false)), ("revision", .int(number)), ("confirmed", .bool(true))]))
        } catch {
            return refused(error)
        }
    }

    private static func nothingWaits(_ number: UInt64) -> AdminResponse {
        .problem(409, "conflict", "Nothing to confirm", "revision \(number) does not wait to be confirmed")
    }

    func audit(_ call: AdminCall) async -> AdminResponse {
        let (limit, before) = Self.page(call), actor = call.request.query["actor"]
        return await reading { history in
            Self.items(try history.store.audit(limit: limit + 1, before: before, actor: actor), limit, \.number) { row in
                .object([
                    ("id", .int(row.number)), ("time", .int(row.time)), ("actor", .string(row.actor)), ("address", .string(row.address)),
                    ("action", .string(row.action)), ("detail", .string(row.detail)), ("revision", row.revision.map { .int($0) } ?? .null),
                ])
            }
        }
    }
}
