// `sluice get`: policy objects of the running gateway, as a table, as JSON, or as YAML in the grammar of the configuration file.
import ArgumentParser
import SluiceModel

struct GetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "List policy objects, or print one.",
        discussion: """
            Without an ID every object of the kind, with one the object as YAML (or JSON), in the form that `sluice set` takes back:

              sluice get routes
              sluice get routes --filter cluster=user_backend
              sluice get route users -o yaml >users.yaml
            """)

    @OptionGroup var option: SessionOption
    @OptionGroup var output: OutputOption
    @Argument(help: ArgumentHelp("What: \(ObjectKind.allValueStrings.joined(separator: ", ")).", valueName: "kind")) var kind: ObjectKind
    @Argument(help: ArgumentHelp("Which one; absent = all.", valueName: "id"), completion: .custom(Offer.ids)) var id: String?
    @Option(help: ArgumentHelp("NAME=VALUE, such as host=a.example or q=part-of-an-id; several: all must hold.", valueName: "filter"))
    var filter: [String] = []
    @Option(help: ArgumentHelp("id, created_at or updated_at; - in front for the other way round.", valueName: "order")) var sort: String?
    @Option(help: ArgumentHelp("So many at most.", valueName: "n")) var limit: Int?

    func validate() throws {
        if let bad = filter.first(where: { !$0.contains("=") || $0.hasPrefix("=") }) {
            throw ValidationError("found filter \(quote(bad)); allowed: NAME=VALUE")
        }
        if let limit, limit < 1 { throw ValidationError("found limit \(limit); allowed: at least 1") }
    }

    func run() async throws {
        try await Console.run {
            let session = try option.session()
            if let id {
                let object = try session.json("GET", kind.path(id))
                // One object as a table says too little: the default is YAML.
                return output.show(object) { YAMLText.text(object).trimmingSuffix("\n") }
            }
            let objects = try all(session)
            output.show(.object([(kind.name, .array(objects))])) { kind.table(objects).forOutput }
        }
    }

    /// Page after page.
    private func all(_ session: AdminSession) throws -> [JSONValue] {
        let asked: AdminSession.Query = filter.map { text in
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (AdminSession.encode(String(parts[0])), String(parts[1]))
        }
        var out: [JSONValue] = [], after: String?
        repeat {
            let size = min(1000, limit.map { $0 - out.count } ?? 1000)
            let page = try session.json("GET", kind.path, asked + [("sort", sort), ("limit", "\(size)"), ("after", after)])
            out += (page["items"]?.array ?? []).compactMap { $0["value"] }
            after = page["next"]?.string
        } while after != nil && out.count < limit ?? .max
        return out
    }
}

extension String {
    func trimmingSuffix(_ suffix: String) -> String { hasSuffix(suffix) ? String(dropLast(suffix.count)) : self }
}
