// Operations about native plugins; what they do is in `AdminAPI+Plugins.swift`. Loading code needs the role admin.
import SluiceModel

private let name = AdminParameter.path("name", "Name of the plugin.")
private let upload = AdminBody(
    mediaTypes: ["application/octet-stream", "multipart/form-data"], schema: .text, bytesMax: AdminAPI.bodyBytesMax)

private func keys(_ call: PluginRequest.Call) -> [AdminParameter] {
    PluginRequest.keys(call).map { .query($0, .text(max: 4096), "As in the body.") }
}
private func change(
    _ id: String, _ method: AdminOperation.Method, _ path: String, _ summary: String, _ parameters: [AdminParameter] = [],
    body: AdminBody? = nil, _ answers: [AdminAnswer] = [], run: @escaping @Sendable (AdminAPI, AdminCall) async -> AdminResponse
) -> AdminOperation {
    AdminOperation(
        id: id, method: method, path: path, summary: summary, tag: "Plugins", role: .admin, scope: "plugins",
        parameters: (path.contains("{name}") ? [name] : []) + parameters, body: body,
        answers: [.ok("What serves now.", .component("Change"))] + answers + AdminAnswer.refusals
            + [.problem(400, "Wrong body or query."), .problem(404, "No such plugin."), .problem(415, "Unsupported media type.")], run: run)
}

let pluginOperations: [AdminOperation] = [
    abiOperation,
    AdminOperation(
        id: "listPlugins", method: .get, path: "/v1/plugins", summary: "Every plugin, and the sum of what is parked.", tag: "Plugins",
        role: .viewer, scope: "plugins", answers: [.ok("The plugins.")], run: { api, _ in await api.plugins() }),
    AdminOperation(
        id: "getPlugin", method: .get, path: "/v1/plugins/{name}", summary: "What serves, what each worker has of it, what it did.",
        tag: "Plugins", role: .viewer, scope: "plugins", parameters: [name],
        answers: [.ok("The plugin."), .problem(404, "No such plugin.")], run: { api, call in await api.plugin(call["name"]) }),
    change(
        "loadPlugin", .post, "/v1/plugins/load", "Loads or replaces a plugin from a file of this machine.", keys(.load),
        body: AdminBody(schema: .component("PluginLoad")), run: { api, call in await api.load(call.request) }),
    change(
        "uploadPlugin", .post, "/v1/plugins", "Loads or replaces a plugin from the bytes of the request.", keys(.upload), body: upload,
        [.problem(413, "More than the file may have."), .problem(507, "The state directory cannot be written.")],
        run: { api, call in await api.upload(call.request) }),
    change(
        "startCanary", .post, "/v1/plugins/{name}/canary", "A second generation takes a share of the requests.", keys(.canary),
        body: AdminBody(mediaTypes: ["application/json"] + upload.mediaTypes, schema: .component("PluginCanary")),
        run: { api, call in await api.canary(call["name"], call.request) }),
    change(
        "promoteCanary", .post, "/v1/plugins/{name}/promote", "The canary takes all of the requests.",
        run: { api, call in await api.promote(call["name"]) }),
    change(
        "rollBackPlugin", .post, "/v1/plugins/{name}/rollback", "Ends the canary, or goes back to an older version.", keys(.rollback),
        body: AdminBody(required: false, schema: .component("PluginRollback")),
        run: { api, call in await api.rollBack(call["name"], call.request) }),
    change(
        "liftQuarantine", .delete, "/v1/plugins/{name}/quarantine", "A file that crashed too often may be loaded again.",
        run: { api, call in await api.lift(call["name"]) }),
    change(
        "unloadPlugin", .delete, "/v1/plugins/{name}", "Takes it out of every worker.",
        [.query("deadline", .decimal(0...Double(Limits.pluginUnloadDeadlineSecondsMax)), "Seconds until what still waits is cancelled.")],
        [AdminAnswer(status: 202, doc: "Something still needs it.", schema: .component("Change"))],
        run: { api, call in await api.unload(call["name"], call.request) }),
]
