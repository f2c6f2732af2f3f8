// `sluice abi`: every extension of the plugin contract with its side and status. The same list is GET /v1/abi.
import ArgumentParser
import SluiceInspect

struct AbiCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "abi", abstract: "List the extensions of the plugin contract: released, draft, deprecated.")
    @Flag(help: "Print the list as JSON.") var json = false

    func run() {
        if json { return print(Self.list.pretty) }
        let rows = ExtensionCatalog.all.map { [$0.id, $0.side.rawValue, $0.status.rawValue, $0.header] }
        print("plugin contract \(ExtensionCatalog.abiMajor).\(ExtensionCatalog.abiMinor)")
        print(PluginCommand.List.table([["EXTENSION", "SIDE", "STATUS", "HEADER"]] + rows))
    }

    static var list: JSONValue {
        .object([
            ("abi_major", .int(ExtensionCatalog.abiMajor)), ("abi_minor", .int(ExtensionCatalog.abiMinor)),
            (
                "extensions",
                .array(
                    ExtensionCatalog.all.map {
                        .object([
                            ("id", .string($0.id)), ("side", .string($0.side.rawValue)), ("status", .string($0.status.rawValue)),
                            ("header", .string($0.header)),
                        ])
                    })
            ),
        ])
    }
}
