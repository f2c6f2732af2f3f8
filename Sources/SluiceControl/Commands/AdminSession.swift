// One caller of the admin API: where it is, the token that is shown, queries put together, refusals made into lines for people. Commands
// differ in what they ask and how they print; how they ask is here. The socket itself is `SocketClient`.
import ArgumentParser
import Foundation
import SluiceModel

/// Where the admin API is and with which token; of every command that talks to it.
struct SessionOption: ParsableArguments {
    @OptionGroup var option: AdminOption
    @Option(
        help: ArgumentHelp(
            "File with the token, readable by its owner alone (default: $SLUICE_TOKEN_FILE; $SLUICE_TOKEN is the token itself).",
            valueName: "file"))
    var tokenFile: String?

    func session() throws -> AdminSession { AdminSession(address: try option.address(), token: try token()) }

    private func token() throws -> String? {
        let environment = ProcessInfo.processInfo.environment
        if tokenFile == nil, let token = environment["SLUICE_TOKEN"], !token.isEmpty { return try Self.checked(token, "SLUICE_TOKEN") }
        guard let path = tokenFile ?? environment["SLUICE_TOKEN_FILE"] else { return nil }
        var info = stat()
        guard stat(path, &info) == 0 else { throw FileProblem("open token file", path) }
        guard info.st_mode & 0o077 == 0 else {
            throw Complaint("token file \(path) can be read by others (mode \(String(info.st_mode & 0o777, radix: 8))); allowed: chmod 600")
        }
        return try Self.checked(String(decoding: try FileIO.read(path, max: 4096), as: UTF8.self), path)
    }

    private static func checked(_ text: String, _ where: String) throws -> String {
        let token = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !token.isEmpty, token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw Complaint("\(`where`) holds no token; allowed: one line of visible ASCII")
        }
        return token
    }
}

struct AdminSession {
    var address: String
    var token: String?

    /// One value of a query; nil values are left out.
    typealias Query = [(String, String?)]

    /// Any answer, refusals too.
    func send(
        _ method: String, _ path: String, _ query: Query = [], body: JSONValue? = nil, headers: [(String, String)] = [],
        timeoutMs: Int = 120_000
    ) throws -> SocketClient.Answer {
        var fields = headers
        if let token { fields.append(("Authorization", "Bearer \(token)")) }
        let pairs = query.compactMap { name, value in value.map { "\(name)=\(Self.encode($0))" } }
        return try SocketClient.request(
            address, method, path + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&")), headers: fields,
            body: body.map { Array($0.text().utf8) } ?? [], timeoutMs: timeoutMs)
    }

    /// The JSON of a good answer. A refusal is told on standard error and ends the command with 1.
    /// - Parameter places: turns a pointer of a problem into words, such as file, line and column.
    func json(
        _ method: String, _ path: String, _ query: Query = [], body: JSONValue? = nil, headers: [(String, String)] = [],
        places: (String) -> String = { $0 }
    ) throws -> JSONValue {
        try Self.good(try send(method, path, query, body: body, headers: headers), places: places)
    }

    static func good(_ answer: SocketClient.Answer, places: (String) -> String = { $0 }) throws -> JSONValue {
        guard let json = try? JSONReader.read(answer.body) else {
            throw Complaint("the admin API answered \(answer.status) without JSON")
        }
        if (200..<300).contains(answer.status) { return json }
        for line in refusal(json, answer.status, places: places) { Console.complain(line) }
        throw ExitCode(ExitStatus.refused)
    }

    /// Problem details as lines: title and status, then one line for each place with what is allowed there.
    static func refusal(_ json: JSONValue, _ status: Int, places: (String) -> String = { $0 }) -> [String] {
        let errors = json["errors"]?.array ?? []
        let title = "sluice: \(json["title"]?.string ?? "refused") (\(status))"
        if errors.isEmpty { return [title + (json["detail"]?.string.map { ": " + $0 } ?? "")] }
        return [title]
            + errors.map { error in
                let place = error["pointer"]?.string.map(places) ?? ""
                let allowed = error["allowed"]?.string.map { "; allowed: \($0)" } ?? ""
                return (place.isEmpty ? "" : place + ": ") + (error["detail"]?.string ?? "") + allowed
            }
    }

    static func encode(_ text: String) -> String {
        text.utf8.map { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e: String(UnicodeScalar(byte))
            default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }.joined()
    }
}

/// How an answer is printed.
enum OutputForm: String, ExpressibleByArgument, CaseIterable { case table, json, yaml }

struct OutputOption: ParsableArguments {
    @Option(name: .shortAndLong, help: ArgumentHelp("table, json or yaml.", valueName: "form")) var output = OutputForm.table
    @Flag(help: "The same as -o json.") var json = false
    var form: OutputForm { json ? .json : output }

    /// Prints the answer in the wanted form; `table` is only asked when it is wanted.
    func show(_ value: JSONValue, table: () -> String) {
        switch form {
        case .table: print(table())
        case .json: print(value.pretty, terminator: "")
        case .yaml: print(YAMLText.text(value), terminator: "")
        }
    }
}

extension TextTable {
    /// Aligned for a terminal, tabs for a program.
    var forOutput: String { Terminal.isTerminal ? text(width: Terminal.columns) : tabbed }
}
