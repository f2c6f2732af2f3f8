// `sluice lint`: what is allowed in a configuration but hardly meant. The rules are in `Explain/Linter.swift`.
import ArgumentParser
import Foundation
import SluiceModel

struct LintCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lint", abstract: "Name routes that nothing reaches, clusters that nothing uses, and the like.",
        discussion: """
            Reads a configuration file, or without one asks the running gateway. Prints PLACE: OBJECT (RULE): what; what to do. Ends with 0
            when there is nothing to say or --warn is given, with 1 otherwise. Rules:
            \(Finding.Rule.allCases.map(\.rawValue).joined(separator: ", ")).
            """)

    @OptionGroup var option: SessionOption
    @Argument(help: "A configuration file; absent = what runs.", completion: .file()) var file: String?
    @Flag(help: "End with 0 whatever was found.") var warn = false
    @Flag(help: "Print the findings as JSON.") var json = false

    func run() async throws {
        try await Console.run {
            let name = file ?? "running"
            let reading = try file.map(read) ?? running()
            let findings = Linter.findings(reading.configuration)
            if json {
                print(JSONValue.object([("findings", .array(findings.map(\.json)))]).pretty, terminator: "")
            } else {
                for finding in findings {
                    let at = file == nil ? nil : reading.tree?.locate(finding.path)
                    print((at.map { "\(name):\($0.line):\($0.column): " } ?? "") + finding.line)
                }
                if findings.isEmpty { print("\(name): nothing to say") }
            }
            if !findings.isEmpty, !warn { throw ExitCode(ExitStatus.refused) }
        }
    }

    /// A file with errors is not linted: they come first.
    private func read(_ path: String) throws -> ConfigurationReading {
        let environment = ProcessInfo.processInfo.environment
        let reading = ConfigurationReader.read(
            try FileIO.read(path, max: SchemaLimits.fileBytesMax), ConfigurationSurroundings(variable: { environment[$0] }))
        guard reading.isGood else {
            for line in reading.lines(file: path) { Console.complain(line) }
            throw ExitCode(ExitStatus.refused)
        }
        return reading
    }

    /// The running configuration is asked for whole, so that nothing seems unused that is used.
    private func running() throws -> ConfigurationReading {
        let json = try option.session().json("GET", "/v1/config")
        let text = json.text().replacing("$", with: "$$")
        return ConfigurationReader.read(Array(text.utf8), ConfigurationSurroundings(variable: { _ in nil }))
    }
}
