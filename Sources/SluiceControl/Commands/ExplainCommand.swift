// `sluice explain`: what the running gateway would do with a request. It is asked; nothing is sent upstream.
import ArgumentParser
import SluiceModel

struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Say what would happen to a request, and why.",
        discussion: """
            Every candidate in its order with the reason, plugins with their conditions, cluster and targets. Nothing is sent:

              sluice explain 'GET https://api.example.com/users/7' -H 'x-beta: 1' --from 10.0.0.1
            """)

    @OptionGroup var option: SessionOption
    @Argument(help: ArgumentHelp("METHOD URL, or a URL alone for GET.", valueName: "request")) var request: String
    @Option(name: [.customShort("H"), .long], help: ArgumentHelp("A header field; several: one -H each.", valueName: "name: value"))
    var header: [String] = []
    @Option(help: ArgumentHelp("Address of the client.", valueName: "address")) var from: String?
    @Flag(help: "Print the answer of the admin API as JSON.") var json = false

    func validate() throws {
        guard (1...2).contains(words.count), !words[words.count - 1].isEmpty else {
            throw ValidationError("found \(quote(request)); allowed: 'METHOD URL', such as 'GET https://api.example.com/users/7'")
        }
        if let bad = header.first(where: { !$0.contains(":") || $0.hasPrefix(":") }) {
            throw ValidationError("found header \(quote(bad)); allowed: 'name: value'")
        }
        if let from, IPAddress(from) == nil { throw ValidationError("found address \(quote(from)); allowed: an IP address") }
    }

    private var words: [Substring] { request.split(separator: " ") }

    func run() async throws {
        try await Console.run {
            var body: [(String, JSONValue)] = [
                ("method", .string(words.count == 2 ? String(words[0]) : "GET")), ("url", .string(String(words[words.count - 1]))),
            ]
            let fields = header.map { line -> JSONValue in
                let colon = line.firstIndex(of: ":")!
                let value = line[line.index(after: colon)...].drop { $0 == " " }
                return .strings([String(line[..<colon]), String(value)])
            }
            if !fields.isEmpty { body.append(("headers", .array(fields))) }
            if let from { body.append(("from", .string(from))) }
            let answer = try option.session().json("POST", "/v1/explain", body: .object(body))
            print(json ? answer.pretty.trimmingSuffix("\n") : Explanation.text(answer, colour: Terminal.hasColour))
        }
    }
}
