// `sluice check`: every error of a configuration file, nothing else.
import ArgumentParser
import Foundation
import SluiceModel
import SluiceRules

struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Check a configuration file.",
        discussion: """
            Prints every error as FILE:LINE:COLUMN: PATH: what was found; what is allowed. Names of targets are looked up and
            plugin files are inspected (no code of theirs is run). Ends with 0 when the file is good, 1 when it is not.
            """)

    @Argument(help: "The configuration file.") var file: String
    @Flag(help: "Print the outcome as JSON on standard output.") var json = false

    func run() async throws {
        let path = FileIO.absolute(file), resolver = NameResolver(), library = Parts.library()
        var lines: [String] = [], problems: [ConfigProblem] = []
        do {
            let text = try FileIO.read(path, max: SchemaLimits.fileBytesMax)
            let folder = (path as NSString).deletingLastPathComponent
            let reading = ConfigurationReader.read(text, .machine(resolver: resolver, library: library, configFolder: folder))
            problems = reading.problems
            lines = reading.lines(file: file)
            if reading.isGood {
                do { try trial(reading.configuration, resolver, library, path) } catch let error as ImageError {
                    problems = [
                        ConfigProblem(
                            at: reading.tree?.locate(error.path) ?? SourcePosition(line: 1, column: 1), path: error.path,
                            "\(error.found); allowed: \(error.allowed)")
                    ]
                    lines = [reading.line(of: error, file: file)]
                }
            }
        } catch {
            lines = ["\(file): \(error)"]
            problems = [ConfigProblem(at: SourcePosition(line: 0, column: 0), path: "", "\(error)")]
        }
        if json { print(report(problems).text()) } else { for line in lines { Console.complain(line) } }
        guard lines.isEmpty else {
            if !json { Console.complain("\(lines.count) \(lines.count == 1 ? "error" : "errors")") }
            throw ExitCode(1)
        }
        if !json { print("\(file): good") }
    }

    /// Compiles the image as well: what the compiler alone knows is then known before the start. Plugins keep their places.
    private func trial(_ configuration: Configuration, _ resolver: NameResolver, _ library: PluginLibrary, _ path: String) throws {
        var state = ControlState()
        for source in configuration.plugins {
            let file = try library.find(source.path, configFolder: (path as NSString).deletingLastPathComponent)
            let facts = try library.inspector.inspect(path: file)
            state.plugins.append(
                LoadedPlugin(
                    facts: facts, source: file, copy: file, generation: 1, failOpen: source.failOpen ?? facts.failOpen, origin: .file,
                    granted: source.capabilities))
        }
        state.revision = 1
        state.routeSlots.assign(configuration.routes.map(\.id))
        state.settlePlugins(kept: 1)
        try PluginConfigurations.check(configuration, state)
        _ = try Parts.compiler(resolver).compile(configuration, state: state, configPath: path)
    }

    private func report(_ problems: [ConfigProblem]) -> JSONValue {
        .object([
            ("file", .string(file)), ("good", .bool(problems.isEmpty)),
            (
                "errors",
                .array(
                    problems.map {
                        .object([
                            ("line", .int($0.position.line)), ("column", .int($0.position.column)), ("path", .string($0.path)),
                            ("message", .string($0.message)),
                        ])
                    })
            ),
        ])
    }
}
