// What came of an edit, for whoever asked for it: the revision, what changed, which workers run it; of a dry run the objects before and
// after. Secrets are masked.
import SluiceModel

extension AdminAPI {
    /// Objects that an answer shows in full; the counts are always of all.
    static let changesShownMax = 1000

    /// - Parameter this: the object that was asked about: its tag goes into the header, and 201 tells that it is new.
    static func report(_ report: PolicyReport, isDryRun: Bool, this: PolicyKey? = nil) -> AdminResponse {
        let real = report.changes.filter { $0.kind != .unchanged }
        let shown = real.prefix(changesShownMax).map { change -> JSONValue in
            var out: [(String, JSONValue)] = [
                ("kind", .string(change.key.kind.rawValue)), ("id", .string(change.key.id)), ("change", .string(change.kind.rawValue)),
            ]
            if isDryRun {
                out += [("before", change.maskedBefore ?? .null), ("after", change.maskedAfter ?? .null)]
            } else if let tag = report.etags[change.key] {
                out.append(("etag", .string(tag.text)))
            }
            return .object(out)
        }
        func count(_ kind: PolicyChange.Kind) -> JSONValue { .int(report.changes.count { $0.kind == kind }) }
        var members: [(String, JSONValue)] = [
            ("dry_run", .bool(isDryRun)), ("revision", .int(report.revision)),
            ("created", count(.created)), ("updated", count(.updated)), ("deleted", count(.deleted)), ("unchanged", count(.unchanged)),
            ("changes", .array(Array(shown))), ("warnings", .strings(report.warnings)),
        ]
        if let at = report.confirmBy { members.append(("confirm_by", .int(at))) }
        if let outcome = report.outcome { members.append(("workers", workers(outcome))) }
        var headers: [String: String] = [:]
        if let this, !isDryRun, let tag = report.etags[this] { headers["ETag"] = "\"\(tag.text)\"" }
        let isNew = !isDryRun && this.map { key in real.contains { $0.key == key && $0.kind == .created } } ?? false
        return .json(.object(members), status: isNew ? 201 : 200, headers: headers)
    }

    static func workers(_ outcome: ChangeOutcome) -> JSONValue {
        .array(
            outcome.answers.sorted { $0.key < $1.key }.map { worker, answer in
                var members: [(String, JSONValue)] = [("worker", .int(worker)), ("state", .string(answer.state.rawValue))]
                if !answer.text.isEmpty { members.append(("detail", .string(answer.text))) }
                return .object(members)
            })
    }
}
