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

    private struct Endpoint {
        var methods: [String: (AdminAPI, AdminRequest) async -> AdminResponse]
    }

    /// Answers one request.
    func handle(_ request: AdminRequest) async -> AdminResponse {
        guard request.body.count <= Self.bodyBytesMax else { return Self.tooLarge }
        let parts = request.path.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
        guard let endpoint = endpoint(parts) else {
            return .problem(
                404, "not-found", "Not found",
                "no such path: \(request.path); see /v1/plugins, /v1/status, /v1/config, /v1/reload, /v1/crashes, /v1/workers/recycle, /metrics, /healthz")
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
        case ["v1", "plugins"]: Endpoint(methods: ["GET": { api, _ in await api.plugins() }])
        case ["v1", "plugins", "load"]: Endpoint(methods: ["POST": { api, request in await api.load(request) }])
        case _ where parts.count == 3 && parts[0] == "v1" && parts[1] == "plugins":
            Endpoint(methods: [
                "GET": { api, _ in await api.plugin(parts[2]) }, "DELETE": { api, request in await api.unload(parts[2], request) },
            ])
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

    private func load(_ request: AdminRequest) async -> AdminResponse {
        guard await control.configuration.pluginsAPI == .local else {
            return .problem(
                403, "forbidden", "Not allowed", "plugins_api is no in the configuration; allowed to load code: set it to local")
        }
        let wish: LoadRequest
        switch LoadRequest.read(request) {
        case .failure(let response): return response.response
        case .success(let value): wish = value
        }
        do throws(ChangeRefusal) {
            if wish.dryRun {
                let facts = try await control.inspect(path: wish.path, name: wish.name)
                return .json(.object([("dry_run", .bool(true)), ("verdict", .string("loadable"))] + facts.members))
            }
            let report = try await control.load(path: wish.path, name: wish.name)
            let plugin =
                report.plugin.map {
                    [
                        ("name", JSONValue.string($0.name)), ("version", .string($0.version)), ("generation", .int($0.generation)),
                        ("sha256", .string($0.sha256)),
                    ]
                } ?? []
            return .json(.object(plugin + answers(report.outcome)))
        } catch {
            return refused(error)
        }
    }

    private func unload(_ name: String, _ request: AdminRequest) async -> AdminResponse {
        guard await control.configuration.pluginsAPI == .local else {
            return .problem(
                403, "forbidden", "Not allowed", "plugins_api is no in the configuration; allowed to unload code: set it to local")
        }
        do throws(ChangeRefusal) {
            let report = try await control.unload(name)
            var members = answers(report.outcome)
            if let plugin = report.plugin {
                // The last request that uses it may still run; a moment is usually enough for idle workers.
                try? await Task.sleep(for: .milliseconds(20))
                let slot = await control.state.pluginSlots.slot(name)
                members.append(("generations", generations(slot, counters.snapshot(routeSlots: [], pluginSlots: []))))
                members.insert(("name", .string(plugin.name)), at: 0)
            }
            return .json(.object(members))
        } catch {
            switch error.title {
            case "no such plugin": return .problem(404, "not-found", "Not found", "no plugin \(quote(name)) is loaded")
            case "plugin in use":
                return .problem(
                    409, "in-use", "Plugin in use",
                    "routes bind \(quote(name)): \(error.errors.joined(separator: ", ")); take it from them first", errors: error.errors)
            default: return refused(error)
            }
        }
    }

    private func refused(_ refusal: ChangeRefusal) -> AdminResponse {
        if refusal.title == "busy" { return .problem(503, "busy", "Busy", refusal.errors.joined(), headers: ["Retry-After": "1"]) }
        return .problem(
            422, "refused", refusal.title, "nothing changed: " + (refusal.errors.first ?? refusal.title), errors: refusal.errors)
    }

    /// Which workers run the change.
    private func answers(_ outcome: ChangeOutcome) -> [(String, JSONValue)] {
        let workers = outcome.answers.sorted { $0.key < $1.key }.map { worker, answer in
            var members: [(String, JSONValue)] = [("worker", .int(worker)), ("state", .string(answer.state.rawValue))]
            if !answer.text.isEmpty { members.append(("detail", .string(answer.text))) }
            return JSONValue.object(members)
        }
        return [("revision", .int(outcome.revision)), ("workers", .array(workers))]
    }

    // Views

    private func status() async -> AdminResponse {
        let counted = counters.snapshot(routeSlots: [], pluginSlots: [])
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
        let plugins = Dictionary(state.plugins.map { ($0.name, state.pluginSlots.slot($0.name)) }) { first, _ in first }
        let names = MetricsNames(routes: routes, plugins: plugins, revision: state.revision, version: Release.version)
        let text = MetricsText.render(counters.snapshot(routeSlots: Array(routes.values), pluginSlots: Array(plugins.values)), names)
        return .text(text, contentType: "text/plain; version=0.0.4; charset=utf-8")
    }

    private func plugins() async -> AdminResponse {
        let state = await control.state
        let counted = counters.snapshot(routeSlots: [], pluginSlots: state.plugins.map { state.pluginSlots.slot($0.name) })
        var out: [JSONValue] = []
        for plugin in state.plugins { out.append(await view(plugin, state.pluginSlots.slot(plugin.name), counted)) }
        return .json(.object([("plugins", .array(out))]))
    }

    private func plugin(_ name: String) async -> AdminResponse {
        let state = await control.state
        guard let plugin = state.plugin(name) else {
            let hint = Suggestion.clause(for: name, in: state.plugins.map(\.name))
            return .problem(404, "not-found", "Not found", "no plugin \(quote(name)) is loaded\(hint)")
        }
        let slot = state.pluginSlots.slot(name)
        return .json(await view(plugin, slot, counters.snapshot(routeSlots: [], pluginSlots: [slot])))
    }

    private func view(_ plugin: LoadedPlugin, _ slot: UInt32, _ counted: CounterSnapshot) async -> JSONValue {
        let counts = counted.plugins[slot] ?? PluginCounters()
        let phases = MetricsText.phases.enumerated().filter { plugin.phases.contains($0.element) }.map { index, phase in
            (phase, JSONValue.object([("calls", .int(counts.calls[index])), ("failures", .int(counts.failures[index]))]))
        }
        return .object([
            ("name", .string(plugin.name)), ("version", .string(plugin.version)), ("vendor", .string(plugin.vendor)),
            ("language", .string(plugin.language)),
            ("generation", .int(plugin.generation)), ("origin", .string(plugin.origin.rawValue)), ("path", .string(plugin.sourcePath)),
            ("sha256", .string(plugin.sha256)),
            ("on_failure", .string(plugin.failOpen ? "open" : "closed")), ("routes", .strings(await control.routes(binding: plugin.name))),
            ("phases", .object(phases)), ("generations", generations(slot, counted)),
        ])
    }

    /// Every generation of the plugin that a worker still has.
    private func generations(_ slot: UInt32, _ counted: CounterSnapshot) -> JSONValue {
        var out: [JSONValue] = []
        for worker in counted.workers {
            for entry in worker.generations where entry.plugin == UInt64(slot) + 1 {
                let state = GenerationPhase(rawValue: entry.state).map { "\($0)" } ?? "unknown"
                out.append(
                    .object([
                        ("worker", .int(worker.index)), ("generation", .int(entry.generation)), ("state", .string(state)),
                        ("references", .int(entry.references)),
                    ]))
            }
        }
        return .array(out)
    }
}

extension PluginFacts {
    var members: [(String, JSONValue)] {
        [
            ("name", .string(name)), ("version", .string(version)), ("vendor", .string(vendor)), ("language", .string(language)),
            ("phases", .strings(phases)),
            ("swift", .bool(isSwift)), ("sha256", .string(sha256)),
        ]
    }
}
