// `sluice plugin bench`: nanoseconds of every hook of a plugin, measured by sluiced with the host's own code in a process of its own.
import ArgumentParser
import Foundation
import SluiceModel
import SluiceSystem

struct PluginBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure what each hook of a plugin costs, in nanoseconds.",
        discussion: """
            Runs the plugin's code, in a process of its own, with the gateway's host and one request again and again. CPU time; the
            call itself and its counters are part of the figure. A hook that waits is measured from its start to its end, with the turns
            of the loop that it needs; WAITS MS is how long that takes by the clock. Request bodies are there at once, clients take all
            that they are sent, a balancer chooses among three idle targets.
            """)
    @Argument(help: "The .so.") var file: String
    @Option(help: "The plugin's configuration, a JSON object.") var config = "{}"
    @Option(help: "Calls of each hook.") var requests = 200_000
    @Option(help: "Method of the request.") var method = "GET"
    @Option(help: "Path and query of the request.") var path = "/private/orders/17?page=2"
    @Option(name: [.customShort("H"), .long], help: "A header line \"Name: value\"; may be repeated.") var header: [String] = []
    @Option(help: "Bytes of the chunk that body_filter gets, and of the body of POST, PUT and PATCH; at most 65536.") var chunk = 4096
    @Flag(help: "Print the figures as JSON.") var json = false

    func validate() throws {
        guard (100...100_000_000).contains(requests) else {
            throw ValidationError("found --requests \(requests); allowed: 100 to 100000000")
        }
        guard (0...65_536).contains(chunk) else { throw ValidationError("found --chunk \(chunk); allowed: 0 to 65536") }
    }

    func run() async throws {
        try await Console.run {
            let rows = try measured().split(separator: "\n").map {
                $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            }
            guard rows.allSatisfy({ $0.count == 6 }) else {
                throw Complaint("sluiced printed something else; allowed: sluiced of this release")
            }
            if json {
                let list = rows.map { row in
                    JSONValue.object(
                        [("phase", .string(row[0]))]
                            + zip(["lowest_ns", "median_ns", "highest_ns", "waits_ms"], row[1...4]).map { ($0, .number($1)) }
                            + [("note", .string(row[5]))])
                }
                return print(JSONValue.object([("file", .string(file)), ("requests", .int(requests)), ("phases", .array(list))]).text())
            }
            let shown = rows.map { row in
                [row[0]] + row[1...3].map { $0 == "0.0" && row[5].hasSuffix("measured") ? "" : Self.number($0) }
                    + [row[4] == "0.0" ? "" : Self.milliseconds(row[4]), row[5]]
            }
            print(PluginCommand.List.table([["PHASE", "LOWEST NS", "MEDIAN NS", "HIGHEST NS", "WAITS MS", "THE HOOK"]] + shown))
        }
    }

    static func number(_ text: String) -> String { Double(text).map { String(format: $0 < 100 ? "%.1f" : "%.0f", $0) } ?? text }

    static func milliseconds(_ text: String) -> String { Double(text).map { String(format: $0 < 1 ? "%.3f" : "%.1f", $0) } ?? text }

    private func measured() throws -> String {
        let process = Process(), output = Pipe()
        let program = ((try ChildProcess.executablePath()) as NSString).deletingLastPathComponent + "/sluiced"
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = ["--bench-plugin", FileIO.absolute(file), config, "\(requests)", method, path, "\(chunk)"] + header
        process.standardOutput = output
        do { try process.run() } catch { throw Complaint("\(program) cannot be started: \(error.localizedDescription)") }
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationReason == .exit else { throw Complaint("the plugin crashed (signal \(process.terminationStatus))") }
        guard process.terminationStatus == 0 else { throw ExitCode(1) }  // it said why
        return String(decoding: text, as: UTF8.self)
    }
}
