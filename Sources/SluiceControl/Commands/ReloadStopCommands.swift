// `sluice reload` and `sluice stop`: what people do to a running gateway from outside.
import ArgumentParser
import Foundation
import SluiceModel

struct ReloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload", abstract: "Make the running gateway read its configuration file again.",
        discussion:
            "Prints the new revision when every worker runs it. When the file is refused, prints every error and ends with 1; "
            + "nothing has changed then."
    )

    @OptionGroup var option: AdminOption

    func run() async throws {
        try await Console.run {
            let answer = try SocketClient.request(try option.address(), "POST", "/v1/reload")
            try Console.show(answer) { json in
                var text = "revision \(json["revision"]?.int ?? 0) runs on \(json["workers"]?.array?.count ?? 0) workers"
                for worker in json["workers"]?.array ?? [] where worker["state"]?.string != "committed" {
                    text += "\nworker \(worker["worker"]?.int ?? 0): \(worker["detail"]?.string ?? worker["state"]?.string ?? "")"
                }
                if let keys = json["needs_restart"]?.array {
                    text += "\nchanged, but held until a restart: " + keys.compactMap(\.string).joined(separator: ", ")
                }
                return text
            }
        }
    }
}

struct StopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Stop the running gateway; requests in flight finish first.",
        discussion:
            "Sends TERM to the master named by pid_file and waits until it is gone, or until the timeout (then it ends with 1 "
            + "and the gateway goes on draining)."
    )

    @OptionGroup var file: FileOption
    @Option(help: ArgumentHelp("How long to wait, such as 60s.", valueName: "duration")) var timeout = "60s"

    func validate() throws {
        guard Quantity.duration(timeout) != nil else { throw ValidationError("found \(quote(timeout)); allowed: a duration such as 60s") }
    }

    func run() async throws {
        try await Console.run {
            let environment = ProcessInfo.processInfo.environment
            let reading = ConfigurationReader.read(
                try FileIO.read(file.path, max: SchemaLimits.fileBytesMax), ConfigurationSurroundings(variable: { environment[$0] }))
            guard let pidFile = reading.configuration.pidFile else {
                throw Complaint("\(file.path) names no pid_file; allowed: one, or kill the master yourself")
            }
            let text = String(decoding: try FileIO.read(pidFile, max: 64), as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            guard let pid = pid_t(text), pid > 1 else { throw Complaint("\(pidFile) holds \(quote(text)), no process id") }
            let name = (try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
            guard let name else { throw Complaint("\(pidFile) is stale: no process \(pid)") }
            guard name == "sluiced" else { throw Complaint("\(pidFile) is stale: process \(pid) is \(quote(name)), not sluiced") }
            guard kill(pid, SIGTERM) == 0 else { throw FileProblem("send TERM to process", "\(pid)") }
            let deadline = ContinuousClock.now + .milliseconds(Quantity.duration(timeout) ?? 60_000)
            while kill(pid, 0) == 0 || errno == EPERM {
                if isGone(pid) { break }
                guard ContinuousClock.now < deadline else { throw Complaint("process \(pid) still drains after \(timeout)") }
                try await Task.sleep(for: .milliseconds(50))
            }
            print("stopped")
        }
    }

    /// A zombie that nobody waits for answers signals for ever.
    private func isGone(_ pid: pid_t) -> Bool {
        guard let line = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8), let end = line.lastIndex(of: ")") else {
            return true
        }
        return line[end...].dropFirst(2).first == "Z"
    }
}
