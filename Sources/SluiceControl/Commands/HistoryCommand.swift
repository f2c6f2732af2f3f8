// `sluice history`, `sluice rollback`, `sluice export` and `sluice diff`: revisions of the policies, back to one, out to a file, and what
// differs between two.
import ArgumentParser
import Foundation
import SluiceModel

struct HistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "history", abstract: "List revisions, the newest first.")

    @OptionGroup var option: SessionOption
    @OptionGroup var output: OutputOption
    @Argument(help: ArgumentHelp("So many.", valueName: "n")) var count = 20

    func validate() throws { if !(1...1000).contains(count) { throw ValidationError("found \(count); allowed: 1 to 1000") } }

    func run() async throws {
        try await Console.run {
            let answer = try option.session().json("GET", "/v1/revisions", [("limit", "\(count)")])
            output.show(answer) {
                let rows = (answer["items"]?.array ?? []).map { row in
                    [
                        "\(row["revision"]?.int ?? 0)", row["created_at"]?.int.map { TimeText.text(milliseconds: $0) } ?? "",
                        (row["actor"]?.string ?? "") + (row["address"]?.string.flatMap { $0.isEmpty ? nil : " (\($0))" } ?? ""),
                        Self.changes(row), row["comment"]?.string ?? "",
                    ]
                }
                return TextTable(["REVISION", "TIME", "ACTOR", "CHANGES", "COMMENT"], rows: rows, numeric: [0]).forOutput
            }
        }
    }

    private static func changes(_ row: JSONValue) -> String {
        if let count = row["changes"]?.int { return "\(count)" }
        return ["created": "+", "updated": "~", "deleted": "-"].sorted { $0.key < $1.key }.compactMap { word, sign in
            row[word]?.int.flatMap { $0 == 0 ? nil : "\(sign)\($0)" }
        }.joined(separator: " ")
    }
}

struct RollbackCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback", abstract: "Make a new revision with the policies of an old one.")

    @OptionGroup var option: SessionOption
    @OptionGroup var change: ChangeOption
    @Argument(help: ArgumentHelp("The revision to go back to.", valueName: "revision"), completion: .custom(Offer.revisions))
    var revision: UInt64

    func run() async throws {
        try await Console.run {
            change.show(try option.session().json("POST", "/v1/revisions/\(revision)/rollback", change.query))
        }
    }
}

struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write all policies in the form that `sluice apply` takes.",
        discussion: "Secrets stay hashed, sealed or hidden as the store keeps them; applied to the same gateway they are kept.")

    @OptionGroup var option: SessionOption
    @Option(name: .shortAndLong, help: ArgumentHelp("Where to; absent = standard output.", valueName: "file")) var output: String?
    @Option(help: ArgumentHelp("As they were at this revision.", valueName: "n"), completion: .custom(Offer.revisions)) var revision:
        UInt64?
    @Flag(help: "JSON instead of YAML.") var json = false

    func run() async throws {
        try await Console.run {
            let document = try Self.document(try option.session(), revision)
            let text = json ? document.pretty : YAMLText.text(document)
            guard let output else { return print(text, terminator: "") }
            try FileIO.replace(FileIO.absolute(output), with: Array(text.utf8), mode: 0o600)
        }
    }

    static func document(_ session: AdminSession, _ revision: UInt64?) throws -> JSONValue {
        try session.json("GET", "/v1/export", [("revision", revision.map { "\($0)" })])
    }
}

struct DiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Show what differs between a file, or a revision, and what runs.",
        discussion: """
            With a file: what `sluice apply --prune` of it would change. With one revision: from it to what runs; with two: from the first
            to the second. Ends with 0 whether or not anything differs.
            """)

    @OptionGroup var option: SessionOption
    @Argument(help: ArgumentHelp("A file, or a revision.", valueName: "file|revision"), completion: .file()) var from: String
    @Argument(help: ArgumentHelp("Another revision; absent = what runs.", valueName: "revision"), completion: .custom(Offer.revisions))
    var to: UInt64?
    @Flag(help: "Print the answer of the admin API as JSON.") var json = false

    func validate() throws {
        if UInt64(from) == nil, to != nil {
            throw ValidationError("found \(quote(from)) and a revision; allowed: one file, or one or two revisions")
        }
    }

    func run() async throws {
        try await Console.run {
            let session = try option.session()
            guard let number = UInt64(from) else {
                let text = try PolicyText.read(from)
                let plan = try session.json("POST", "/v1/apply", [("dry_run", "1"), ("prune", "1")], body: text.json, places: text.place)
                return print(json ? plan.pretty : ChangeText.differences(plan, colour: Terminal.hasColour), terminator: "")
            }
            let answer = try session.json("GET", "/v1/revisions/\(number)/diff", [("to", to.map { "\($0)" })])
            print(json ? answer.pretty : ChangeText.differences(answer, colour: Terminal.hasColour), terminator: "")
        }
    }
}
