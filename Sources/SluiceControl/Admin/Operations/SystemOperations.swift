// Operations about the gateway itself: health, metrics, status, the configuration, crashes, workers, and the document of all operations.
import SluiceModel

let systemOperations: [AdminOperation] = [
    AdminOperation(
        id: "health", method: .get, path: "/healthz", summary: "ok while the control process lives.", tag: "System", role: nil,
        scope: "status", answers: [AdminAnswer(status: 200, doc: "ok", mediaType: "text/plain", schema: .text)],
        run: { _, _ in .text("ok\n") }),
    AdminOperation(
        id: "metrics", method: .get, path: "/metrics", summary: "Counters for Prometheus (text format 0.0.4).", tag: "System",
        role: .viewer,
        scope: "status", answers: [AdminAnswer(status: 200, doc: "Counters.", mediaType: "text/plain", schema: .text)],
        run: { api, _ in await api.metrics() }),
    AdminOperation(
        id: "openapi", method: .get, path: "/v1/openapi.json", summary: "This document.", tag: "System", role: nil, scope: "status",
        answers: [.ok("The document.")], run: { _, _ in .json(OpenAPI.document) }),
    AdminOperation(
        id: "status", method: .get, path: "/v1/status", summary: "Revision, and each worker's pid, state, revision and restarts.",
        tag: "System", role: .viewer, scope: "status", answers: [.ok("State of the gateway.")], run: { api, _ in await api.status() }),
    AdminOperation(
        id: "getConfig", method: .get, path: "/v1/config", summary: "The running configuration with every default, secrets masked.",
        tag: "System", role: .viewer, scope: "config", answers: [.ok("The configuration.")],
        run: { api, _ in .json(ConfigurationEncoder.json(await api.control.configuration)) }),
    AdminOperation(
        id: "reload", method: .post, path: "/v1/reload", summary: "Reads the configuration file again.", tag: "System", role: .admin,
        scope: "config", answers: [.ok("Every worker runs the new revision.", .component("Change"))] + AdminAnswer.refusals,
        run: { api, _ in await api.reload() }),
    AdminOperation(
        id: "listCrashes", method: .get, path: "/v1/crashes", summary: "Crashes and hangs, newest first.", tag: "System", role: .viewer,
        scope: "workers", answers: [.ok("Without stacks.")], run: { api, _ in await api.crashList() }),
    AdminOperation(
        id: "getCrash", method: .get, path: "/v1/crashes/{id}", summary: "All that is known of one crash.", tag: "System", role: .viewer,
        scope: "workers", parameters: [.path("id", "Id of the report.")],
        answers: [.ok("The report."), .problem(404, "No such report.")], run: { api, call in await api.crash(call["id"]) }),
    AdminOperation(
        id: "recycleWorkers", method: .post, path: "/v1/workers/recycle", summary: "Replaces every worker, one after the other.",
        tag: "System", role: .admin, scope: "workers",
        answers: [AdminAnswer(status: 202, doc: "The workers that will be replaced.", schema: .anything), .problem(503, "No master.")],
        run: { api, _ in await api.recycle() }),
]

extension AdminAnswer {
    /// Of whatever changes what runs.
    static let refusals: [AdminAnswer] = [
        .problem(409, "In the way of something else."), .problem(422, "Refused; nothing changed."), .problem(503, "Busy; try again."),
    ]
}

let abiOperation = AdminOperation(
    id: "listAbi", method: .get, path: "/v1/abi", summary: "Extensions of the plugin contract: side, status, header.", tag: "Plugins",
    role: .viewer, scope: "plugins", answers: [.ok("The extensions.")], run: { _, _ in .json(AbiCommand.list) })
