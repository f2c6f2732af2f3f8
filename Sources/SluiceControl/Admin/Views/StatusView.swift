// The gateway as a whole for readers: status, metrics, and the answer to a reload. Reads counters and the publisher.
import SluiceModel
import SluiceShared

extension AdminAPI {
    func reload() async -> AdminResponse {
        do throws(ChangeRefusal) {
            let report = try await control.reload()
            var members = answers(report.outcome)
            if !report.needsRestart.isEmpty { members.append(("needs_restart", .strings(report.needsRestart))) }
            return .json(.object(members))
        } catch {
            return refused(error)
        }
    }

    func status() async -> AdminResponse {
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
        var waiting: [(String, JSONValue)] = []
        if let history = await control.history, let row = await offload({ try? history.store.waiting() }), let at = row.confirmBy {
            waiting.append(("confirm_by", .int(at)))
        }
        return .json(
            .object(
                waiting + [
                    ("version", .string(Release.version)), ("revision", .int(revision)), ("started_at", .int(counted.startedAt)),
                    ("restarts", .object([("workers", .int(counted.workerRestarts)), ("control", .int(counted.controlRestarts))])),
                    ("workers", .array(workers)),
                ]))
    }

    func metrics() async -> AdminResponse {
        let state = await control.state, configuration = await control.configuration
        let routes = Dictionary(configuration.routes.map { ($0.id, state.routeSlots.slot($0.id)) }) { first, _ in first }
        let running = state.plugins + state.canaries.values.map(\.plugin)
        let plugins = running.map { MetricsNames.Plugin(name: $0.name, place: state.place($0)) }
        let names = MetricsNames(routes: routes, plugins: plugins, revision: state.revision, version: Release.version)
        let text = MetricsText.render(counters.snapshot(routeSlots: Array(routes.values), plugins: plugins.map(\.place)), names)
        return .text(text, contentType: "text/plain; version=0.0.4; charset=utf-8")
    }
}
