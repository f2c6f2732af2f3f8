// `sluice schema`: the grammar of the configuration file for editors, and the tables of its reference page.
import ArgumentParser

struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema", abstract: "Print the JSON Schema of the configuration file.",
        discussion: "Editors with a YAML language server use it: # yaml-language-server: $schema=sluice.schema.json")
    @Flag(help: "Print the tables of docs/configuration.md instead.") var reference = false

    func run() { print(reference ? SchemaReference.text : SchemaJSON.document, terminator: reference ? "\n" : "") }
}
