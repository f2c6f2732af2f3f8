// `sluice token`: makes, lists and takes back the tokens of the admin API. Works on the file in the state directory, whether the gateway runs
// or not (it sees the change at once); with --admin on the API of a gateway.
import ArgumentParser
import Foundation
import SluiceModel

struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Tokens of the admin API.",
        discussion: """
            From the first token on, every call of the admin API needs one: in `Authorization: Bearer TOKEN`, or for the commands in
            the environment variable SLUICE_TOKEN. A token is shown once, when it is made. Who may write to the state directory
            may make tokens.
            """,
        subcommands: [Create.self, List.self, Delete.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a token and print it.")
        @OptionGroup var place: TokenPlace
        @Argument(help: "Its name, as the history shows it.") var name: String
        @Option(help: "viewer, editor or admin.") var role: String
        @Option(
            help: ArgumentHelp(
                "RESOURCE:read, RESOURCE:write or RESOURCE:*; may be given more than once. None: all that the role may.", valueName: "scope"
            ))
        var scope: [String] = []
        @Option(help: ArgumentHelp("How long it is good, such as 720h; absent: for ever.", valueName: "duration")) var expiresIn: String?
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            try await Console.run {
                var members: [(String, JSONValue)] = [("name", .string(name)), ("role", .string(role))]
                if !scope.isEmpty { members.append(("scopes", .strings(scope))) }
                if let expiresIn { members.append(("expires_in", .string(expiresIn))) }
                let body = JSONValue.object(members)
                try await place.ask("POST", "", body) { answer in
                    if json { return answer.pretty }
                    return answer["token"]?.string ?? ""
                }
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the tokens; not what they are.")
        @OptionGroup var place: TokenPlace
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            try await Console.run {
                try await place.ask("GET", "", nil) { answer in
                    if json { return answer.pretty }
                    let rows = (answer["tokens"]?.array ?? []).map { token in
                        [
                            token["name"]?.string ?? "", token["role"]?.string ?? "",
                            (token["scopes"]?.array ?? []).compactMap(\.string).joined(separator: ","), Self.date(token["created_at"]),
                            Self.date(token["last_used_at"]), Self.date(token["expires_at"]),
                        ]
                    }
                    return PluginCommand.List.table([["NAME", "ROLE", "SCOPES", "CREATED", "LAST USED", "EXPIRES"]] + rows)
                }
            }
        }

        private static func date(_ ms: JSONValue?) -> String {
            ms?.int.map { Date(timeIntervalSince1970: Double($0) / 1000).formatted(.iso8601) } ?? "-"
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Take a token back, at once.")
        @OptionGroup var place: TokenPlace
        @Argument(help: "Its name.") var name: String

        func validate() throws { if let problem = SchemaText.id.problem(name) { throw ValidationError(problem) } }
        func run() async throws {
            try await Console.run { try await place.ask("DELETE", "/" + name, nil) { _ in "token \(name) is gone" } }
        }
    }
}

/// Where the tokens are: the state directory of this machine, or with --admin a gateway's API.
struct TokenPlace: ParsableArguments {
    @OptionGroup var session: SessionOption

    /// Asks the API, or the same code that answers there.
    func ask(_ method: String, _ path: String, _ body: JSONValue?, _ show: (JSONValue) -> String) async throws {
        guard session.option.admin == nil else {
            return try Console.show(try session.session().send(method, "/v1/tokens" + path, body: body), good: show)
        }
        let file = session.option.file.path, environment = ProcessInfo.processInfo.environment
        let text: [UInt8]
        do { text = try FileIO.read(file, max: SchemaLimits.fileBytesMax) } catch { throw Complaint("\(error); or give --admin ADDRESS") }
        let reading = ConfigurationReader.read(text, ConfigurationSurroundings(variable: { environment[$0] }))
        let folder = Parts.absolute(reading.configuration).stateDirectory
        guard access(folder, R_OK | W_OK | X_OK) == 0 else {
            let why = FileProblem("use the state directory", folder)
            throw Complaint("\(why); allowed: as the gateway's user, once it has started, or --admin ADDRESS")
        }
        let answer = await TokenDesk(store: TokenStore(folder: folder)).answer(method, path.isEmpty ? nil : String(path.dropFirst()), body)
        try Console.show(SocketClient.Answer(status: answer.status, body: answer.body), good: show)
    }
}
