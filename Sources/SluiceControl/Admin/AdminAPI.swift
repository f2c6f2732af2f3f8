// The admin API: which path and method does what. Handlers ask `Control`, `Publisher` and the counters, and put their
// answers into JSON; errors are problems (RFC 9457). docs/admin-api.md describes it for users.
import SluiceModel
import SluiceShared

struct AdminAPI: Sendable {
    let control: Control
    let counters: any CounterSource
    /// Nil where nothing crashes (tests).
    var crashes: CrashReports?
    static let bodyBytesMax = 1 << 20

    struct Endpoint {
        var methods: [String: (AdminAPI, AdminRequest) async -> AdminResponse]
    }

    /// Answers one request.
    func handle(_ request: AdminRequest) async -> AdminResponse {
        guard request.body.count <= Self.bodyBytesMax else { return Self.tooLarge }
        let parts = request.path.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
        guard let endpoint = endpoint(parts) else {
            return .problem(
                404, "not-found", "Not found",
                "no such path: \(request.path); see /v1/plugins, /v1/abi, /v1/status, /v1/config, /v1/reload, /v1/crashes, "
                    + "/v1/workers/recycle, /metrics, /healthz")
        }
        let method = request.method == "HEAD" ? "GET" : request.method
        guard let handler = endpoint.methods[method] else {
            let allowed = (endpoint.methods.keys.sorted() + (endpoint.methods["GET"] == nil ? [] : ["HEAD"])).joined(separator: ", ")
            return .problem(
                405, "method", "Method not allowed", "\(request.method) is not possible here; allowed: \(allowed)",
                headers: ["Allow": allowed])
        }
        return await handler(self, request)
    }

    static let tooLarge = AdminResponse.problem(413, "too-large", "Body too large", "allowed: at most \(bodyBytesMax) bytes")

    private func endpoint(_ parts: [String]) -> Endpoint? {
        switch parts {
        case ["healthz"]: Endpoint(methods: ["GET": { _, _ in .text("ok\n") }])
        case ["metrics"]: Endpoint(methods: ["GET": { api, _ in await api.metrics() }])
        case ["v1", "status"]: Endpoint(methods: ["GET": { api, _ in await api.status() }])
        case ["v1", "config"]: Endpoint(methods: ["GET": { api, _ in .json(ConfigurationEncoder.json(await api.control.configuration)) }])
        case ["v1", "crashes"]: Endpoint(methods: ["GET": { api, _ in await api.crashList() }])
        case _ where parts.count == 3 && parts[0] == "v1" && parts[1] == "crashes":
            Endpoint(methods: ["GET": { api, _ in await api.crash(parts[2]) }])
        case ["v1", "workers", "recycle"]: Endpoint(methods: ["POST": { api, _ in await api.recycle() }])
        case ["v1", "reload"]: Endpoint(methods: ["POST": { api, _ in await api.reload() }])
        case ["v1", "abi"]: Endpoint(methods: ["GET": { _, _ in .json(AbiCommand.list) }])
        case ["v1", "plugins"]:
            Endpoint(methods: ["GET": { api, _ in await api.plugins() }, "POST": { api, request in await api.upload(request) }])
        case ["v1", "plugins", "load"]: Endpoint(methods: ["POST": { api, request in await api.load(request) }])
        case _ where parts.count == 3 && parts[0] == "v1" && parts[1] == "plugins":
            Endpoint(methods: [
                "GET": { api, _ in await api.plugin(parts[2]) }, "DELETE": { api, request in await api.unload(parts[2], request) },
            ])
        case _ where parts.count == 4 && parts[0] == "v1" && parts[1] == "plugins": pluginEndpoint(parts[2], parts[3])
        default: nil
        }
    }

    // Changes

    private func reload() async -> AdminResponse {
        do throws(ChangeRefusal) {
            let report = try await control.reload()
            var members = answers(report.outcome)
            if !report.needsRestart.isEmpty { members.append(("needs_restart", .strings(report.needsRestart))) }
            return .json(.object(members))
        } catch {
            return refused(error)
        }
    }

    func refused(_ refusal: ChangeRefusal) -> AdminResponse {
        let detail = "nothing changed: " + (refusal.errors.first ?? refusal.title)
        return switch refusal.kind {
        case .busy: .problem(503, "busy", "Busy", refusal.errors.joined(), headers: ["Retry-After": "1"])
        case .unknown: .problem(404, "not-found", refusal.title, detail, errors: refusal.errors)
        case .conflict: .problem(409, "conflict", refusal.title, detail, errors: refusal.errors)
        case .stale: .problem(412, "stale", refusal.title, detail, errors: refusal.errors)
        case .unavailable: .problem(503, "unavailable", refusal.title, detail, errors: refusal.errors)
        case .refused, .invalid: .problem(422, "refused", refusal.title, detail, errors: refusal.errors)
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

    // Views

    private func status() async -> AdminResponse {
        let counted = counters.snapshot(routeSlots: [], plugins: [])
        let known = await control.publisher.workers, revision = await control.state.revision
        let workers = counted.workers.map { worker in
            let info = known[UInt32(worker.index)]
            return JSONValue.object([
                ("worker", .int(worker.index)), ("pid", .int(info?.pid ?? worker.head.pid)),
                ("state", .string(info?.alive == false ? "restarting" : "running")),
                ("revision", .int(worker.head.revision)), ("restarts", .int(info?.restarts ?? 0)),
                ("connections", .int(worker.head.clientConnections)),
                ("requests", .int(worker.head.requests)), ("requests_active", .int(worker.head.requestsActive)),
            ])
        }
        return .json(
            .object([
                ("version", .string(Release.version)), ("revision", .int(revision)), ("started_at", .int(counted.startedAt)),
                ("restarts", .object([("workers", .int(counted.workerRestarts)), ("control", .int(counted.controlRestarts))])),
                ("workers", .array(workers)),
            ]))
    }

    private func metrics() async -> AdminResponse {
        let state = await control.state, configuration = await control.configuration
        let routes = Dictionary(configuration.routes.map { ($0.id, state.routeSlots.slot($0.id)) }) { first, _ in first }
        let running = state.plugins + state.canaries.values.map(\.plugin)
        let plugins = running.map { MetricsNames.Plugin(name: $0.name, place: state.place($0)) }
        let names = MetricsNames(routes: routes, plugins: plugins, revision: state.revision, version: Release.version)
        let text = MetricsText.render(counters.snapshot(routeSlots: Array(routes.values), plugins: plugins.map(\.place)), names)
        return .text(text, contentType: "text/plain; version=0.0.4; charset=utf-8")
    }
}
