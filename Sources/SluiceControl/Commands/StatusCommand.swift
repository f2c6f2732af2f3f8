// `sluice status` and `sluice workers recycle`: which worker runs what, and fresh ones for all of them.
import ArgumentParser
import SluiceModel

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "status", abstract: "Show revision, workers, and what they are doing.")

    @OptionGroup var option: SessionOption
    @OptionGroup var output: OutputOption

    func run() async throws {
        try await Console.run {
            let status = try option.session().json("GET", "/v1/status")
            output.show(status) { Self.text(status) }
        }
    }

    static func text(_ status: JSONValue) -> String {
        let keys = ["worker", "pid", "state", "revision", "restarts", "connections", "requests", "requests_active"]
        let rows = (status["workers"]?.array ?? []).map { worker in
            keys.map { worker[$0].map { $0.string ?? $0.text() } ?? "" }
        }
        var lines = ["sluice \(status["version"]?.string ?? ""), revision \(status["revision"]?.int ?? 0)"]
        if let at = status["confirm_by"]?.int {
            lines.append("goes back at \(TimeText.text(milliseconds: at)) unless: sluice confirm")
        }
        let behind = (status["workers"]?.array ?? []).filter { $0["revision"]?.int != status["revision"]?.int }.count
        if behind > 0 { lines.append("\(behind) \(behind == 1 ? "worker runs" : "workers run") another revision") }
        let header = ["WORKER", "PID", "STATE", "REVISION", "RESTARTS", "CONNECTIONS", "REQUESTS", "ACTIVE"]
        lines.append(TextTable(header, rows: rows, numeric: [0, 1, 3, 4, 5, 6, 7]).forOutput)
        return lines.joined(separator: "\n")
    }
}

struct WorkersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workers", abstract: "The processes that serve.", subcommands: [Recycle.self])

    struct Recycle: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Replace every worker, one after the other; requests in flight finish first.")
        @OptionGroup var option: SessionOption
        @Flag(help: "Print the answer of the admin API as JSON.") var json = false

        func run() async throws {
            try await Console.run {
                let answer = try option.session().json("POST", "/v1/workers/recycle")
                if json { return print(answer.pretty, terminator: "") }
                let count = answer["recycling"]?.array?.count ?? 0
                print("\(count) \(count == 1 ? "worker is" : "workers are") being replaced")
            }
        }
    }
}
