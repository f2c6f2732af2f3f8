// Operations about policy objects: the same seven for every kind, and for the items that are resources of their own. What they do is in
// `Objects`.
import SluiceModel

let objectOperations: [AdminOperation] = ObjectResource.all.flatMap(operations) + ObjectResource.nested.flatMap(operations)

private let ifMatch = AdminParameter.header("If-Match", "Only when the object still has this tag (412 else).")
private let ifNoneMatch = AdminParameter.header("If-None-Match", "* of a write: only when it is not there (412 else); of a read: 304.")
private let comment = AdminParameter.query("comment", .text(max: 200), "For the history.")
private let confirm = AdminParameter.query(
    "confirm_within", .duration(Limits.confirmSecondsRange.lowerBound * 1000...Limits.confirmSecondsRange.upperBound * 1000),
    "Goes back by itself unless confirmed in this time.")
private let change = AdminAnswer.ok("What changed.", .component("PolicyChange"))
private let refusals: [AdminAnswer] =
    [
        .problem(400, "Malformed JSON or query."), .problem(404, "Not there."), .problem(412, "Changed meanwhile."),
        .problem(413, "Body too large."), .problem(415, "Unsupported media type."),
    ] + AdminAnswer.refusals

private func operations(_ resource: ObjectResource) -> [AdminOperation] {
    let kind = resource.kind, path = "/v1/\(kind.rawValue)", one = path + "/{id}", name = resource.name
    let id = AdminParameter.path("id", "Id of the \(kind.one).")
    func operation(
        _ verb: String, _ method: AdminOperation.Method, _ path: String, _ summary: String, _ parameters: [AdminParameter],
        body: AdminBody? = nil, _ answers: [AdminAnswer], run: @escaping @Sendable (AdminAPI, AdminCall) async -> AdminResponse
    ) -> AdminOperation {
        AdminOperation(
            id: verb, method: method, path: path, summary: summary, tag: name, role: method == .get ? .viewer : .editor,
            scope: kind.rawValue,
            parameters: parameters + (method == .get ? [] : [.dryRun, comment, confirm]), body: body, answers: answers, run: run)
    }
    let object = AdminBody(schema: .component(name))
    let created = AdminAnswer(status: 201, doc: "It is new.", schema: .component("PolicyChange"))
    return [
        operation(
            "list\(name)s", .get, path, "Every \(kind.one), page by page.",
            ObjectQuery.parameters + resource.filters.map { .query($0.name, .text(max: 4096), "Only those with: \($0.doc)") },
            [.ok("A page.", .listOf(name)), .problem(400, "Wrong query.")], run: { api, call in await api.listObjects(resource, call) }),
        operation(
            "create\(name)", .post, path, "Creates a \(kind.one).", [], body: object, [created, change] + refusals,
            run: { api, call in await api.postObject(kind, call) }),
        operation(
            "get\(name)", .get, one, "One \(kind.one), secrets masked.", [id, ifNoneMatch],
            [
                .ok("The object.", .component(name)), AdminAnswer(status: 304, doc: "The reader has it.", schema: nil),
                .problem(404, "Not there."),
            ], run: { api, call in await api.getObject(kind, call) }),
        operation(
            "put\(name)", .put, one, "Creates or replaces a \(kind.one).", [id, ifMatch, ifNoneMatch], body: object,
            [created, change] + refusals, run: { api, call in await api.putObject(kind, call) }),
        operation(
            "patch\(name)", .patch, one, "Changes some members of a \(kind.one) (RFC 7396).", [id, ifMatch],
            body: AdminBody(mediaTypes: AdminAPI.patchTypes, schema: .anything), [change] + refusals,
            run: { api, call in await api.patchObject(kind, call) }),
        operation(
            "delete\(name)", .delete, one, "Deletes a \(kind.one); 409 while others name it.", [id, ifMatch], [change] + refusals,
            run: { api, call in await api.deleteObject(kind, call) }),
    ]
}

private func operations(_ nested: ObjectResource.Nested) -> [AdminOperation] {
    let path = "/v1/\(nested.parent.rawValue)/{id}/\(nested.list)", one = path + "/{\(nested.parameter)}", name = nested.name
    let id = AdminParameter.path("id", "Id of the \(nested.parent.one).")
    let item = AdminParameter.path(nested.parameter, "\(nested.key.capitalized) of the \(name.lowercased()), percent-encoded.")
    func operation(
        _ verb: String, _ method: AdminOperation.Method, _ path: String, _ summary: String, _ parameters: [AdminParameter],
        body: AdminBody? = nil, _ answers: [AdminAnswer], run: @escaping @Sendable (AdminAPI, AdminCall) async -> AdminResponse
    ) -> AdminOperation {
        AdminOperation(
            id: verb, method: method, path: path, summary: summary, tag: name, role: method == .get ? .viewer : .editor,
            scope: nested.parent.rawValue,
            parameters: parameters + (method == .get ? [ifNoneMatch] : [ifMatch, .dryRun, comment, confirm]),
            body: body, answers: answers, run: run)
    }
    let object = AdminBody(schema: .component(name))
    let created = AdminAnswer(status: 201, doc: "It is new.", schema: .component("PolicyChange"))
    let reads: [AdminAnswer] = [AdminAnswer(status: 304, doc: "The reader has it.", schema: nil), .problem(404, "Not there.")]
    return [
        operation(
            "list\(name)s", .get, path, "Every \(name.lowercased()) of a \(nested.parent.one).", [id], [.ok("All of them.")] + reads,
            run: { api, call in await api.listNested(nested, call) }),
        operation(
            "create\(name)", .post, path, "Adds a \(name.lowercased()).", [id], body: object, [created, change] + refusals,
            run: { api, call in await api.postNested(nested, call) }),
        operation(
            "get\(name)", .get, one, "One \(name.lowercased()).", [id, item], [.ok("The \(name.lowercased()).", .component(name))] + reads,
            run: { api, call in await api.getNested(nested, call) }),
        operation(
            "put\(name)", .put, one, "Adds or replaces a \(name.lowercased()).", [id, item], body: object, [created, change] + refusals,
            run: { api, call in await api.putNested(nested, call) }),
        operation(
            "patch\(name)", .patch, one, "Changes some members of a \(name.lowercased()) (RFC 7396).", [id, item],
            body: AdminBody(mediaTypes: AdminAPI.patchTypes, schema: .anything), [change] + refusals,
            run: { api, call in await api.patchNested(nested, call) }),
        operation(
            "delete\(name)", .delete, one, "Takes a \(name.lowercased()) out.", [id, item], [change] + refusals,
            run: { api, call in await api.deleteNested(nested, call) }),
    ]
}
