// What readers may ask about the past: revisions, what each changed, the whole state at one, the audit.
import Foundation
import SluiceModel
import SluiceStore

/// A revision with its diff.
struct RevisionDetail: Sendable {
    var row: RevisionRow
    var changes: [PolicyChange]
}

extension Control {
    /// Newest first, below `before`; only those that ran.
    func revisions(limit: Int, before: UInt64? = nil) throws(ChangeRefusal) -> [RevisionRow] {
        try asking { store in try store.revisions(limit: limit, before: before).filter(\.isActive) }
    }

    /// - Throws: unknown when it is not kept.
    func revision(_ number: UInt64) throws(ChangeRefusal) -> RevisionDetail {
        let found: RevisionDetail? = try asking { store in
            guard let row = try store.revision(number), row.isActive else { return nil }
            return RevisionDetail(row: row, changes: try store.changes(of: number).compactMap(Self.change))
        }
        if let found { return found }
        throw ChangeRefusal(kind: .unknown, title: "no such revision", errors: ["revision \(number) is not kept"])
    }

    /// The objects as they were at `number`, as one document. Unmasked unless `masked`.
    func document(at number: UInt64, masked: Bool) async throws(ChangeRefusal) -> JSONValue {
        _ = try revision(number)
        guard let history else { throw unavailableStore }
        do { return try await offload { try history.past(number).configuration.policyDocument(masked: masked) } } catch {
            throw ChangeRefusal(kind: .unavailable, title: "store unavailable", errors: ["\(error)"])
        }
    }

    /// What it would change to go from `number` to what runs.
    func differences(since number: UInt64) throws(ChangeRefusal) -> [PolicyChange] {
        let plan = try PolicyPlan([.rollback(number)], base: base)
        return plan.changes.filter { $0.kind != .unchanged }.map { change in
            let kind: PolicyChange.Kind = change.kind == .created ? .deleted : change.kind == .deleted ? .created : .updated
            return PolicyChange(key: change.key, kind: kind, before: change.after, after: change.before)
        }
    }

    /// Newest first, below `before`, of one actor or of all.
    func audit(limit: Int, before: UInt64? = nil, actor: String? = nil) throws(ChangeRefusal) -> [AuditRow] {
        try asking { store in try store.audit(limit: limit, before: before, actor: actor) }
    }

    /// Something that is no revision: a token made, a write refused.
    func note(_ row: AuditRow) throws(ChangeRefusal) { try asking { store in try store.note(row) } }

    /// The open database, for tables that are somebody else's; nil = unavailable.
    var store: Store? { history?.store }

    var unavailableStore: ChangeRefusal {
        ChangeRefusal(kind: .unavailable, title: "store unavailable", errors: [unavailable ?? "there is no store"])
    }

    private func asking<T>(_ body: (Store) throws -> T) throws(ChangeRefusal) -> T {
        guard let history else { throw unavailableStore }
        do { return try body(history.store) } catch {
            throw ChangeRefusal(kind: .unavailable, title: "store unavailable", errors: ["\(error)"])
        }
    }

    private static func change(_ row: ChangeRow) throws -> PolicyChange? {
        guard let kind = PolicyKind(rawValue: row.kind) else { return nil }
        let before = try row.before.flatMap { try History.value(row.kind, $0) },
            after = try row.after.flatMap { try History.value(row.kind, $0) }
        let what: PolicyChange.Kind = before == nil ? .created : after == nil ? .deleted : .updated
        return PolicyChange(key: PolicyKey(kind: kind, id: row.id), kind: what, before: before, after: after)
    }
}
