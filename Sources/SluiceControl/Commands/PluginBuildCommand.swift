// `sluice plugin build` and `sluice plugin test`: the system's compilers with the SDK's flags.
import ArgumentParser
import Foundation
import SluiceInspect

struct PluginBuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build", abstract: "Compile a plugin and say what the gateway would think of it.",
        discussion:
            "Runs make, or swift build, with the flags that plugins need. Prints the path of the .so; ends with 1 when it would be refused."
    )
    @Argument(help: "The plugin's folder.") var folder = "."

    func run() async throws {
        try await Console.run {
            let path = try PluginProject(folder).build()
            let verdict = PluginVerdict(path: path)
            guard verdict.problems.isEmpty else { throw Complaint(verdict.problems.joined(separator: "\n")) }
            print("\(path)\n\(verdict.summary)")
        }
    }
}

struct PluginTestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "test", abstract: "Run a plugin's unit tests on the SDK's fake host.")
    @Argument(help: "The plugin's folder.") var folder = "."

    func run() async throws { try await Console.run { try PluginProject(folder).test() } }
}
