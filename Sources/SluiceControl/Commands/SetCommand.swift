// `sluice set` and `sluice delete`: one policy object of the running gateway.
import ArgumentParser
import SluiceModel

struct SetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Create, replace or change one policy object.",
        discussion: """
            From a file the object becomes what stands there; with FIELD=VALUE only these fields change (null takes one away):

              sluice set route users -f users.yaml
              sluice set route users priority=20 match.methods='[GET, HEAD]'
              sluice set route users maintenance.body='back at noon' --confirm-within 60s
            """)

    @OptionGroup var option: SessionOption
    @OptionGroup var change: ChangeOption
    @Argument(help: ArgumentHelp("What: \(ObjectKind.allValueStrings.joined(separator: ", ")).", valueName: "kind")) var kind: ObjectKind
    @Argument(help: ArgumentHelp("Its id.", valueName: "id"), completion: .custom(Offer.ids)) var id: String
    @Argument(help: ArgumentHelp("FIELD=VALUE; dots reach inside, values are YAML.", valueName: "field=value")) var fields: [String] = []
    @Option(name: [.customShort("f"), .customLong("file")], help: ArgumentHelp("YAML or JSON; - = standard input.", valueName: "file"))
    var file: String?
    @Option(help: ArgumentHelp("Only when the object still has this ETag.", valueName: "etag")) var ifMatch: String?

    func validate() throws {
        guard (file == nil) != fields.isEmpty else { throw ValidationError("give either -f FILE or FIELD=VALUE") }
    }

    func run() async throws {
        try await Console.run {
            let session = try option.session(), headers = ifMatch.map { [("If-Match", $0.hasPrefix("\"") ? $0 : "\"\($0)\"")] } ?? []
            if let file {
                let text = try PolicyText.read(file)
                return change.show(
                    try session.json("PUT", kind.path(id), change.query, body: text.json, headers: headers, places: text.place))
            }
            let patch = try FieldText.patch(fields)
            let answer = try session.send(
                "PATCH", kind.path(id), change.query, body: patch, headers: headers + [("Content-Type", "application/merge-patch+json")])
            guard answer.status == 404, ifMatch == nil else { return change.show(try AdminSession.good(answer)) }
            // It is not there yet: the fields are the object.
            change.show(try session.json("PUT", kind.path(id), change.query, body: patch, headers: [("If-None-Match", "*")]))
        }
    }
}

struct DeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete one policy object; refused while others name it.")

    @OptionGroup var option: SessionOption
    @OptionGroup var change: ChangeOption
    @Argument(help: ArgumentHelp("What: \(ObjectKind.allValueStrings.joined(separator: ", ")).", valueName: "kind")) var kind: ObjectKind
    @Argument(help: ArgumentHelp("Its id.", valueName: "id"), completion: .custom(Offer.ids)) var id: String
    @Option(help: ArgumentHelp("Only when the object still has this ETag.", valueName: "etag")) var ifMatch: String?

    func run() async throws {
        try await Console.run {
            let headers = ifMatch.map { [("If-Match", $0.hasPrefix("\"") ? $0 : "\"\($0)\"")] } ?? []
            change.show(try option.session().json("DELETE", kind.path(id), change.query, headers: headers))
        }
    }
}
