// Operations about the policies as a whole: apply and export, revisions and the audit. What they do is in `Objects/HistoryAPI.swift` and
// `Objects/DocumentAPI.swift`.
import SluiceModel

private let number = AdminParameter(
    name: "n", place: .path, doc: "Number of the revision.", kind: .whole(0...Int(Int32.max)))
private let comment = AdminParameter.query("comment", .text(max: 200), "For the history.")
private let confirm = AdminParameter.query(
    "confirm_within", .duration(Limits.confirmSecondsRange.lowerBound * 1000...Limits.confirmSecondsRange.upperBound * 1000),
    "Goes back by itself unless confirmed in this time.")
private let basedOn = AdminParameter.query("based_on", .whole(0...Int.max), "Only when this revision runs (412 else).")
private let limit = AdminParameter.query("limit", .whole(1...1000), "So many at most. Default: 100.")
private let after = AdminParameter.query("after", .whole(1...Int.max), "Goes on below this number: `next` of the page before.")
private let report = AdminAnswer.ok("What changed, or would.", .component("PolicyChange"))
private let refusals: [AdminAnswer] =
    [.problem(400, "Malformed document or query."), .problem(404, "No such revision."), .problem(412, "Changed meanwhile.")]
    + AdminAnswer.refusals

private func read(
    _ id: String, _ path: String, _ summary: String, _ parameters: [AdminParameter], scope: String = "config", _ answers: [AdminAnswer],
    run: @escaping @Sendable (AdminAPI, AdminCall) async -> AdminResponse
) -> AdminOperation {
    AdminOperation(
        id: id, method: .get, path: path, summary: summary, tag: "History", role: .viewer, scope: scope, parameters: parameters,
        answers: answers + [.problem(503, "The store cannot be read.")], run: run)
}
private func write(
    _ id: String, _ path: String, _ summary: String, _ parameters: [AdminParameter], body: AdminBody? = nil,
    run: @escaping @Sendable (AdminAPI, AdminCall) async -> AdminResponse
) -> AdminOperation {
    AdminOperation(
        id: id, method: .post, path: path, summary: summary, tag: "History", role: .editor, scope: "config", parameters: parameters,
        body: body,
        answers: [report] + refusals + (body == nil ? [] : [.problem(415, "Unsupported media type.")]), run: run)
}

let historyOperations: [AdminOperation] = [
    write(
        "apply", "/v1/apply", "Puts every object of a document, as one revision; with prune, the others go.",
        [.dryRun, .query("prune", .flag, "Objects that the document does not name are deleted."), comment, confirm, basedOn],
        body: AdminBody(
            mediaTypes: ["application/json", "application/yaml", "application/x-yaml", "text/yaml"], schema: .component("PolicyDocument"),
            bytesMax: SchemaLimits.fileBytesMax), run: { api, call in await api.apply(call) }),
    read(
        "export", "/v1/export", "Every object as a document that apply takes. Secrets are hashed or sealed with this node's key.",
        [
            .query("format", .choice(["json", "yaml"]), "Default: by Accept, else JSON."),
            .query("revision", .whole(0...Int.max), "As it was then."),
        ], [.document("The document.", .component("PolicyDocument")), .problem(404, "No such revision.")],
        run: { api, call in await api.export(call) }),
    read(
        "listRevisions", "/v1/revisions", "Revisions, newest first.", [limit, after], [.ok("A page.")],
        run: { api, call in await api.revisions(call) }),
    read(
        "getRevision", "/v1/revisions/{n}", "One revision and what it changed.", [number],
        [.ok("The revision."), .problem(404, "No such revision.")],
        run: { api, call in await api.revision(call) }),
    read(
        "diffRevision", "/v1/revisions/{n}/diff", "Objects that differ between this revision and another one.",
        [number, .query("to", .whole(0...Int.max), "The other one; absent: what runs.")],
        [.ok("The difference."), .problem(404, "No such revision.")],
        run: { api, call in await api.diff(call) }),
    write(
        "rollBackTo", "/v1/revisions/{n}/rollback", "A new revision with the objects of an old one.",
        [number, .dryRun, comment, confirm, basedOn],
        run: { api, call in await api.rollBack(call) }),
    write(
        "confirmRevision", "/v1/revisions/{n}/confirm", "Keeps a revision that would go back by itself.", [number, .dryRun],
        run: { api, call in await api.confirm(call) }),
    read(
        "audit", "/v1/audit", "Who changed what, newest first.",
        [limit, after, .query("actor", .text(max: 200), "Only this one's.")], scope: "audit", [.ok("A page.")],
        run: { api, call in await api.audit(call) }),
]
