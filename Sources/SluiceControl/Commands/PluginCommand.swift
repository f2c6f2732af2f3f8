// `sluice plugin …`: the plugin part of the admin API for people.
import ArgumentParser
import Foundation
import SluiceModel

struct PluginCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugin", abstract: "Plugins of the running gateway; making, checking and signing your own.",
        subcommands: [List.self, Load.self, Unload.self] + tools)

    /// What authors use; needs no gateway.
    static let tools: [any ParsableCommand.Type] = [
        PluginNewCommand.self, PluginBuildCommand.self, PluginTestCommand.self, PluginInspectCommand.self, PluginKeygenCommand.self,
        PluginSignCommand.self, PluginVerifyCommand.self, PluginBenchCommand.self, PluginDevCommand.self,
    ]

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List loaded plugins.")
        @OptionGroup var option: AdminOption
        @Flag(help: "Print the answer of the admin API as it is.") var json = false

        func run() async throws {
            try await Console.run {
                let answer = try SocketClient.request(try option.address(), "GET", "/v1/plugins")
                try Console.show(answer) { body in
                    if json { return body.pretty }
                    let rows = (body["plugins"]?.array ?? []).map { plugin in
                        [
                            plugin["name"]?.string ?? "", plugin["version"]?.string ?? "", "\(plugin["generation"]?.int ?? 0)",
                            plugin["origin"]?.string ?? "",
                            (plugin["routes"]?.array ?? []).compactMap(\.string).joined(separator: ","),
                        ]
                    }
                    return Self.table([["NAME", "VERSION", "GENERATION", "ORIGIN", "ROUTES"]] + rows)
                }
            }
        }

        static func table(_ rows: [[String]]) -> String {
            let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
            return rows.map { row in
                row.enumerated().map {
                    $0.element + String(repeating: " ", count: $0.offset == row.count - 1 ? 0 : widths[$0.offset] - $0.element.count)
                }.joined(separator: "  ")
            }.joined(separator: "\n")
        }
    }

    struct Load: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Load a plugin, or replace the one of that name, while traffic flows.",
            discussion:
                "Needs plugins_api: local. The file is inspected, copied, and loaded by every worker before any uses it; a refusal changes nothing."
        )
        @OptionGroup var option: AdminOption
        @Argument(help: "The .so, or with --name and no path: load it again from its configured path.") var path: String?
        @Option(help: "The name that the plugin must have.") var name: String?
        @Flag(help: "Only say whether it could be loaded.") var dryRun = false

        func validate() throws { if path == nil, name == nil { throw ValidationError("give a path, or --name") } }

        func run() async throws {
            try await Console.run {
                var members: [(String, JSONValue)] = []
                if let path { members.append(("path", .string(FileIO.absolute(path)))) }
                if let name { members.append(("name", .string(name))) }
                if dryRun { members.append(("dry_run", .bool(true))) }
                let answer = try SocketClient.request(
                    try option.address(), "POST", "/v1/plugins/load", body: Array(JSONValue.object(members).text().utf8))
                try Console.show(answer) { body in
                    let what = "\(body["name"]?.string ?? "") \(body["version"]?.string ?? "")"
                    return dryRun
                        ? "\(what) can be loaded"
                        : "\(what) runs as generation \(body["generation"]?.int ?? 0), revision \(body["revision"]?.int ?? 0)"
                }
            }
        }
    }

    struct Unload: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Take a plugin out of every worker; refused while a route binds it.")
        @OptionGroup var option: AdminOption
        @Argument(help: "The plugin's name.") var name: String

        func validate() throws { if let problem = SchemaText.pluginName.problem(name) { throw ValidationError(problem) } }

        func run() async throws {
            try await Console.run {
                let answer = try SocketClient.request(try option.address(), "DELETE", "/v1/plugins/\(name)")
                try Console.show(answer) { body in
                    let left = (body["generations"]?.array ?? []).map {
                        "worker \($0["worker"]?.int ?? 0): generation \($0["generation"]?.int ?? 0) \($0["state"]?.string ?? "")"
                    }
                    return (["\(name) is unloaded, revision \(body["revision"]?.int ?? 0)"] + left).joined(separator: "\n")
                }
            }
        }
    }
}
