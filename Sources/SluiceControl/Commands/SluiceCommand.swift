// The `sluice` command: what it can do, and how each word is explained. Every command is a file of its own beside this one.
import ArgumentParser
import Foundation
import SluiceModel

public struct SluiceCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "sluice",
        abstract: "An access-layer API gateway that runs native plugins.",
        discussion: """
            Start it with a configuration file, change it while it runs:

              sluice check sluice.yaml       look for errors, all of them at once
              sluice run -c sluice.yaml      start the gateway in the foreground
              sluice reload -c sluice.yaml   make it read the file again
              sluice apply policies.yaml     change routes, clusters and other policies
              sluice get routes              look at them
              sluice explain 'GET http://…'  what would happen to a request
              sluice plugin load /opt/x.so   load or replace a plugin while traffic flows
            """,
        version: Release.version,
        subcommands: [
            RunCommand.self, CheckCommand.self, ReloadCommand.self, StopCommand.self, StatusCommand.self, GetCommand.self, SetCommand.self,
            DeleteCommand.self, ApplyCommand.self, ConfirmCommand.self, ExportCommand.self, DiffCommand.self, HistoryCommand.self,
            RollbackCommand.self, ExplainCommand.self, RuleCommand.self, LintCommand.self, WorkersCommand.self, PluginCommand.self,
            TokenCommand.self,
            AbiCommand.self, SchemaCommand.self, CompletionCommand.self, DemoUpstreamCommand.self, VersionCommand.self, ControlCommand.self,
        ])
    public init() {}

    /// Runs the command of this process's arguments. (`main()` said at the top level of a file is another, synchronous one.)
    public static func start() async {
        do {
            var command = try parseAsRoot()
            if var later = command as? any AsyncParsableCommand { try await later.run() } else { try command.run() }
        } catch {
            // ArgumentParser's own number for a wrong command line is 64 (sysexits.h); ours is what shells use.
            guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
            Console.complain(fullMessage(for: error))
            Foundation.exit(ExitStatus.usage)
        }
    }
}

/// What a command ends with; docs/cli.md has the table.
enum ExitStatus {
    static let refused: Int32 = 1
    static let usage: Int32 = 2
    static let unreachable: Int32 = 3
}

/// The configuration file that most commands need.
struct FileOption: ParsableArguments {
    static let standard = "/etc/sluice/sluice.yaml"

    @Option(
        name: [.customShort("c"), .long],
        help: ArgumentHelp("The configuration file (default: $SLUICE_CONFIG, or \(FileOption.standard)).", valueName: "file"))
    var config: String?

    var path: String { config ?? ProcessInfo.processInfo.environment["SLUICE_CONFIG"] ?? Self.standard }
}

/// Where the admin API of a running gateway is.
struct AdminOption: ParsableArguments {
    @OptionGroup var file: FileOption
    @Option(
        help: ArgumentHelp("Address of the admin API (default: $SLUICE_ADMIN, or as the configuration file says).", valueName: "address"))
    var admin: String?

    func address() throws -> String {
        if let admin = admin ?? ProcessInfo.processInfo.environment["SLUICE_ADMIN"] { return admin }
        let bytes: [UInt8]
        do { bytes = try FileIO.read(file.path, max: SchemaLimits.fileBytesMax) } catch {
            throw Complaint("\(error); or give --admin ADDRESS")
        }
        // The file may well have errors (the gateway says which); only this address is of interest here.
        let environment = ProcessInfo.processInfo.environment
        let reading = ConfigurationReader.read(bytes, ConfigurationSurroundings(variable: { environment[$0] }))
        guard let address = reading.configuration.admin.address else {
            throw Complaint("admin.listen is off in \(file.path); allowed: an admin API, or kill -HUP of the master to reload")
        }
        return address
    }
}

/// Says what is wrong on standard error and ends with 1; a wrong command line ends with 2.
struct Complaint: Error, CustomStringConvertible {
    var description: String
    init(_ text: String) { description = text }
}

enum Console {
    static func complain(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

    /// Runs a command's body; a problem is one plain sentence, not a trace.
    static func run(_ body: () async throws -> Void) async throws {
        do { try await body() } catch let problem as Complaint {
            complain("sluice: \(problem)")
            throw ExitCode(1)
        } catch let problem as ClientProblem {
            complain("sluice: \(problem)")
            throw ExitCode(problem.isUnreachable ? ExitStatus.unreachable : ExitStatus.refused)
        } catch let problem as FileProblem {
            complain("sluice: \(problem)")
            throw ExitCode(1)
        }
    }

    /// Prints the answer of the admin API: `good` when it is a success, else every error, and 1.
    static func show(_ answer: SocketClient.Answer, good: (JSONValue) -> String) throws {
        guard let json = try? JSONReader.read(answer.body) else { throw Complaint("the admin API answered \(answer.status) without JSON") }
        if (200..<300).contains(answer.status) { return print(good(json)) }
        let errors = (json["errors"]?.array ?? []).compactMap { $0["detail"]?.string }
        complain(
            "sluice: \(json["title"]?.string ?? "error") (\(answer.status))" + (errors.isEmpty ? ": " + (json["detail"]?.string ?? "") : "")
        )
        for line in errors { complain(line) }
        throw ExitCode(1)
    }
}

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the release.")
    func run() { print("sluice \(Release.version)") }
}
