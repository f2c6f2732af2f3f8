// `sluice rule eval`: one expression over a described request, on this machine, without a gateway.
import ArgumentParser
import Foundation
import SluiceCEL
import SluiceModel

struct RuleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rule", abstract: "The rule language: try an expression.", subcommands: [Eval.self])

    struct Eval: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "eval", abstract: "Check and run an expression, print its value and type.",
            discussion: """
                The request is JSON (method, url, headers, from, …) or the head of a request as it goes over the wire:

                  sluice rule eval 'request.method == "GET"'
                  sluice rule eval 'request.headers["x-beta"] == "1"' --request request.json
                  printf 'GET /users/7 HTTP/1.1\\r\\nHost: a.example\\r\\n\\r\\n' | sluice rule eval 'request.url_path' --request -

                Prints VALUE : TYPE. An expression that is refused, or fails, ends with 1 and its place.
                """)

        @Argument(help: "The expression.") var expression: String
        @Option(help: ArgumentHelp("Description of the request; - = standard input.", valueName: "file"), completion: .file()) var request:
            String?
        @Option(
            name: [.customShort("c"), .long],
            help: ArgumentHelp("Configuration file with the ip sets that the expression names.", valueName: "file"))
        var config: String?
        @Flag(help: "As in response filters: response.* is known.") var response = false
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            try await Console.run {
                let described = try sample(), configuration = try self.configuration()
                let use: CELUse = response ? .response : .request
                let outcome: Rules.Outcome
                do throws(CELProblem) {
                    outcome = try Rules.evaluate(expression, described, use, configuration)
                } catch {
                    if json { print(RuleAnswer.json(error).pretty, terminator: "") } else { Console.complain(error.rendering) }
                    throw ExitCode(ExitStatus.refused)
                }
                print(json ? RuleAnswer.json(outcome, expression).pretty.trimmingSuffix("\n") : RuleAnswer.text(outcome, expression))
                if outcome.type == "error" { throw ExitCode(ExitStatus.refused) }
            }
        }

        private func sample() throws -> SampleRequest {
            guard let request else { return SampleRequest() }
            let bytes = request == "-" ? try FileIO.standardInput(max: 1 << 20) : try FileIO.read(request, max: 1 << 20)
            do throws(PolicyTextProblem) { return try SampleRequest(file: bytes) } catch { throw Complaint("\(request): \(error)") }
        }

        private func configuration() throws -> Configuration {
            guard let config else { return Configuration() }
            let environment = ProcessInfo.processInfo.environment
            return ConfigurationReader.read(
                try FileIO.read(config, max: SchemaLimits.fileBytesMax), ConfigurationSurroundings(variable: { environment[$0] })
            ).configuration
        }
    }
}
