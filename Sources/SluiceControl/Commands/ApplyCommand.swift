// `sluice apply` and `sluice confirm`: a whole file of policies as one revision, and the word that keeps it.
import ArgumentParser
import SluiceModel

struct ApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply", abstract: "Make the policies of a file one new revision.",
        discussion: """
            Objects of the file are created or replaced, all or none; others stay, unless --prune. --dry-run shows the plan:

              sluice apply policies.yaml --dry-run
              sluice apply policies.yaml --prune --confirm-within 60s --comment 'new office'
            """)

    @OptionGroup var option: SessionOption
    @OptionGroup var change: ChangeOption
    @Argument(help: ArgumentHelp("YAML or JSON in the grammar of the configuration file; - = standard input.", valueName: "file"))
    var file: String
    @Flag(help: "Delete what the file does not name.") var prune = false

    func run() async throws {
        try await Console.run {
            let session = try option.session(), text = try PolicyText.read(file)
            let query = change.query + [("prune", prune ? "1" : nil)]
            change.show(try session.json("POST", "/v1/apply", query, body: text.json, places: text.place))
        }
    }
}

struct ConfirmCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "confirm", abstract: "Keep a change that was made with --confirm-within.")

    @OptionGroup var option: SessionOption
    @Argument(help: ArgumentHelp("The revision; absent = the one that waits.", valueName: "revision")) var revision: UInt64?
    @Flag(help: "Print the answer of the admin API as JSON.") var json = false

    func run() async throws {
        try await Console.run {
            let session = try option.session()
            let wanted = try revision.map { "\($0)" } ?? "\(session.json("GET", "/v1/status")["revision"]?.int ?? 0)"
            let answer = try session.json("POST", "/v1/revisions/\(wanted)/confirm")
            print(json ? answer.pretty.trimmingSuffix("\n") : "revision \(wanted) stays")
        }
    }
}
