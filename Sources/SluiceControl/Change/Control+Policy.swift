// Edits of the policies: from operations to a revision that every worker runs, and what readers may ask. The operations are worked out in
// `PolicyPlan.swift`; publishing is `Control.swift`'s; what is kept is SluiceStore's.
import Foundation
import SluiceModel
import SluiceRules
import SluiceStore

extension Control {
    /// Makes all of the edit one revision, or nothing of it.
    /// - Throws: unknown, stale, conflict, invalid (with `problems`), busy, unavailable, or refused by the workers.
    func edit(_ edit: PolicyEdit) async throws(ChangeRefusal) -> PolicyReport {
        try await alone { () async throws(ChangeRefusal) in try await self.editAlone(edit) }
    }

    /// What the linter says of a configuration that was given as a whole, as far as somebody will read it.
    private func lint(_ next: Configuration) async -> [String] {
        if next.routes.count > Limits.lintRoutesMax { return ["more than \(Limits.lintRoutesMax) routes: ask for /v1/lint"] }
        let found = await offload { Linter.findings(next) }
        let more = found.count > Limits.lintWarningsMax ? ["… and \(found.count - Limits.lintWarningsMax) more: /v1/lint"] : []
        return found.prefix(Limits.lintWarningsMax).map(\.line) + more
    }

    /// Inside `alone`.
    func editAlone(_ edit: PolicyEdit) async throws(ChangeRefusal) -> PolicyReport {
        try bounds(edit)
        if history == nil { return try await repairAlone(edit) }
        // Going back ends a wait; nothing else may come between.
        if edit.rollbackOnly == nil { try mayChangePolicies() }
        if let wanted = edit.basedOn, wanted != state.revision {
            throw ChangeRefusal(
                kind: .stale, title: "changed meanwhile", errors: ["revision \(state.revision) runs; the edit was made for \(wanted)"])
        }
        let plan = try PolicyPlan(edit.operations, base: base), changes = plan.changes
        var report = PolicyReport(revision: state.revision, changes: changes, warnings: plan.warnings)
        guard changes.contains(where: { $0.kind != .unchanged }) else {
            report.etags = etags(changes)
            return report
        }
        var next = configuration, moved = table
        moved.make(changes, in: &next, revision: state.nextRevision, now: UnixTime.nowMs)
        if let number = edit.rollbackOnly {
            next.order(globalPlugins: try ordering(at: number))
            moved.reindex(.globalPlugins, in: next)
        }
        try meaning(changes, next, plan)
        let assembly = try await assembled(next, changes, plan)
        if edit.isApply { report.warnings += await lint(next) }
        if edit.dryRun { return report }
        var note = note(edit, changes)
        note.table = moved
        if let seconds = edit.confirmWithinSeconds {
            (note.confirmBy, note.basis) = (UnixTime.nowMs + UInt64(seconds) * 1000, state.revision)
        }
        let made = try await publish(assembly, note)
        if edit.rollbackOnly != nil { waitIsOver() }
        if let by = note.confirmBy {
            var row = RevisionRow(number: state.revision, kind: note.kind, actor: edit.actor.name, time: UnixTime.nowMs)
            (row.confirmBy, row.basis) = (by, note.basis)
            wait(for: row)
        }
        (report.revision, report.outcome) = (made.outcome.revision, made.outcome)
        report.etags = etags(changes)
        report.confirmBy = note.confirmBy
        return report
    }

    private func bounds(_ edit: PolicyEdit) throws(ChangeRefusal) {
        func problem(_ found: String, _ allowed: String) -> ChangeRefusal {
            .invalid([PolicyProblem(pointer: "", found: found, allowed: allowed)])
        }
        guard edit.operations.count <= Limits.operationsPerEditMax else {
            throw problem("found \(edit.operations.count) operations", "at most \(Limits.operationsPerEditMax)")
        }
        guard edit.comment.utf8.count <= Limits.commentBytesMax else {
            throw problem("found a comment of \(edit.comment.utf8.count) bytes", "at most \(Limits.commentBytesMax)")
        }
        if let seconds = edit.confirmWithinSeconds, !Limits.confirmSecondsRange.contains(seconds) {
            let range = Limits.confirmSecondsRange
            throw problem("found confirm_within of \(seconds) s", "\(range.lowerBound) to \(range.upperBound) seconds")
        }
    }

    private func assembled(_ next: Configuration, _ changes: [PolicyChange], _ plan: PolicyPlan) async throws(ChangeRefusal) -> Assembly {
        let assembler = self.assembler, state = self.state
        do {
            return try await offload { try assembler.assemble(next, state: state, newCopies: [], changes: changes) }
        } catch let error as ImageError {
            throw .invalid([
                plan.problem(path: error.path, found: error.found, allowed: error.allowed) { kind, index in
                    index < next.count(kind) ? next.policy(kind, at: index) : nil
                }
            ])
        } catch {
            throw ChangeRefusal(title: "refused", errors: ["\(error)"])
        }
    }

    private func note(_ edit: PolicyEdit, _ changes: [PolicyChange]) -> RevisionNote {
        let kind: String =
            switch edit.operations.first {
            case .apply: "apply"
            case .rollback: edit.actor == .itself ? "revert" : "rollback"
            default: "edit"
            }
        var note = RevisionNote(kind, edit.actor)
        (note.comment, note.changes) = (edit.comment, changes)
        return note
    }

    var base: PolicyPlan.Base {
        var base = PolicyPlan.Base(configuration: configuration, table: table)
        base.keeper = keeper
        if let history {
            base.past = { number throws(ChangeRefusal) in
                do { return try history.differences(since: number) } catch {
                    throw ChangeRefusal(kind: .unknown, title: "no such revision", errors: ["\(error)"])
                }
            }
        }
        return base
    }

    private func ordering(at number: UInt64) throws(ChangeRefusal) -> [String] {
        do { return try history?.ordering(at: number) ?? [] } catch {
            throw ChangeRefusal(kind: .unavailable, title: "store unavailable", errors: ["\(error)"])
        }
    }

    private func etags(_ changes: [PolicyChange]) -> [PolicyKey: ETag] {
        var out: [PolicyKey: ETag] = [:]
        for change in changes { out[change.key] = table[change.key].map { ETag(revision: $0.mark.revision) } }
        return out
    }

    /// The rules between objects, for those that change: the check of the file over a tree of them alone.
    func meaning(_ changes: [PolicyChange], _ next: Configuration, _ plan: PolicyPlan) throws(ChangeRefusal) {
        let at = SourcePosition(line: 1, column: 1)
        var nodes: [PolicyKind: [ConfigNode]] = [:], values: [PolicyKind: [PolicyValue]] = [:]
        for change in changes where change.kind != .unchanged {
            guard let value = change.after else { continue }
            nodes[change.key.kind, default: []].append(ConfigNode(json: value.json(masked: false)))
            values[change.key.kind, default: []].append(value)
        }
        let tree = ConfigNode(
            .map(nodes.map { ConfigEntry(key: $0.key.rawValue, keyPosition: at, value: ConfigNode(.list($0.value), at: at)) }), at: at)
        var check = ConfigurationMeaning(tree: tree, configuration: next, around: around, problems: ProblemList())
        check.check()
        let problems = check.problems.sorted.map { problem in
            let split = PolicyProblem(pointer: "", message: problem.message)
            return plan.problem(path: problem.path, found: split.detail, allowed: split.allowed) { kind, index in
                values[kind].flatMap { $0.indices.contains(index) ? $0[index] : nil }
            }
        }
        guard problems.isEmpty else { throw .invalid(problems) }
        let gone = Set(changes.filter { $0.kind == .deleted && $0.key.kind == .clusters }.map(\.key.id))
        let users = gone.isEmpty ? [] : next.routes.filter { !gone.isDisjoint(with: $0.clusters) }.map(\.id)
        guard users.isEmpty else {
            let shown = users.sorted().prefix(20).map { "routes/\($0)" }
            throw ChangeRefusal(
                kind: .conflict, title: "in use",
                errors: [
                    "\(gone.sorted().joined(separator: ", ")): still named by \(shown.joined(separator: ", "))"
                        + (users.count > 20 ? " … (\(users.count) in all)" : "")
                ])
        }
    }

    // Reads

    func objects(_ kind: PolicyKind) -> [PolicyObject] { table.objects(kind, in: configuration) }

    func object(_ kind: PolicyKind, _ id: String) -> PolicyObject? { table.object(PolicyKey(kind: kind, id: id), in: configuration) }

    /// The objects as one document, as `apply` takes it. Unmasked: secrets as they are kept.
    func export() -> JSONValue { configuration.policyDocument(masked: false) }
}

extension PolicyEdit {
    /// The revision it goes back to, when that is all it does.
    var rollbackOnly: UInt64? { if operations.count == 1, case .rollback(let number) = operations[0] { number } else { nil } }
}

extension Route {
    /// Every cluster that it names.
    var clusters: Set<String> {
        var out: Set<String> = []
        switch action {
        case .cluster(let id): out.insert(id)
        case .split(let split): out.formUnion(split.branches.map(\.cluster))
        case .respond, .redirect, .plugin: break
        }
        return out
    }
}

extension Configuration {
    /// Every object, kind by kind, in the grammar of the file.
    func policyDocument(masked: Bool) -> JSONValue {
        .object(
            [("version", .int(1))]
                + PolicyKind.allCases.filter { count($0) > 0 }.map { kind in
                    (kind.rawValue, .array((0..<count(kind)).map { policy(kind, at: $0).json(masked: masked) }))
                })
    }
}
