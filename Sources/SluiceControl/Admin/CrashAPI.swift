// The admin API's part about workers that died, and about replacing those that live: /v1/crashes, /v1/workers/recycle.
import SluiceChannel
import SluiceModel

extension AdminAPI {
    /// Without stacks, newest first.
    func crashList() async -> AdminResponse {
        let all = await crashes?.all() ?? []
        let lines = all.map { report in
            var members: [(String, JSONValue)] = [
                ("id", .string(report.id)), ("time", .string(report.time)), ("kind", .string(report.kind.rawValue)),
                ("worker", .int(report.worker)),
            ]
            if let plugin = report.plugin { members += [("plugin", .string(plugin)), ("generation", .int(report.generation ?? 0))] }
            if let phase = report.phase { members.append(("phase", .string(phase))) }
            if let route = report.route { members.append(("route", .string(route))) }
            return JSONValue.object(members + [("summary", .string(report.summary))])
        }
        return .json(.object([("crashes", .array(lines))]))
    }

    func crash(_ id: String) async -> AdminResponse {
        guard let report = await crashes?.find(id), let body = try? CrashReports.json(report) else {
            return .problem(404, "not-found", "Not found", "no crash report \(quote(id)); GET /v1/crashes lists them")
        }
        return AdminResponse(status: 200, contentType: "application/json", body: body)
    }

    /// Answers at once; the master replaces one worker after the other, and says so in the error log.
    func recycle() async -> AdminResponse {
        let workers = await control.publisher.workers
        guard await control.publisher.send(Frame(.recycle)) else {
            return .problem(503, "no-master", "No master", "the channel to the master is closed; try again")
        }
        let pids = workers.sorted { $0.key < $1.key }.map { worker, info in
            JSONValue.object([("worker", .int(worker))] + (info.pid.map { [("pid", .int($0))] } ?? []))
        }
        return .json(.object([("recycling", .array(pids))]), status: 202)
    }
}
