// `sluice plugin inspect`: manifest and verdict of a file, read from its bytes; none of its code runs. The rules are the gateway's own
// (SluiceInspect), and what a host serves is the list of extensions.
import ArgumentParser
import Foundation
import SluiceInspect
import SluiceModel

struct PluginInspectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Show a plugin's manifest and whether it may be loaded; runs none of its code.",
        discussion: "Ends with 0 when every file may be loaded, 1 when one may not.")
    @Argument(help: "Files to look at.") var files: [String]
    @Flag(help: "One JSON object a file, one a line.") var json = false

    func run() async throws {
        try await Console.run {
            var refused = false
            for (index, file) in files.enumerated() {
                let verdict = PluginVerdict(path: FileIO.absolute(file))
                refused = refused || !verdict.problems.isEmpty
                if json {
                    print(verdict.json.text())
                } else {
                    if index > 0 { print() }
                    print(verdict.text(file))
                }
            }
            if refused { throw ExitCode(1) }
        }
    }
}

/// What can be said of a file before it runs.
struct PluginVerdict {
    let path: String
    var inspection: PluginInspection?
    /// Why it may not be loaded; empty: it may.
    var problems: [String] = []

    init(path: String) {
        self.path = path
        do throws(InspectError) {
            let found = try PluginInspector.inspect(path: path)
            inspection = found
            problems = Self.missing(found.needs).map { "\(path): \($0)" }
        } catch {
            problems = [error.description]
        }
    }

    /// Extensions that this release's host does not have.
    static func missing(_ needs: [String]) -> [String] {
        needs.compactMap { id in
            guard let fact = ExtensionCatalog.find(id) else { return "it needs extension \(quote(id)), which this host does not have" }
            return fact.status == .draft ? "it needs extension \(quote(id)), a draft that no host serves; put it into \"optional\"" : nil
        }
    }

    var summary: String {
        guard let i = inspection else { return "" }
        return
            "\(i.name) \(i.version), \(i.language), phases \(i.phases.joined(separator: " ")), \(i.concurrency), \(i.fileBytes) bytes: may be loaded"
    }

    func text(_ shown: String) -> String {
        guard let i = inspection else { return "\(shown): refused\n" + problems.map { "  " + $0 }.joined(separator: "\n") }
        var rows = [
            ("name", "\(i.name) \(i.version)"), ("language", i.language), ("phases", i.phases.joined(separator: " ")),
            ("waits", i.concurrency),
            ("on failure", i.failureMode), ("unload", i.unloadPolicy + (i.unloadReason.isEmpty ? "" : " (\(i.unloadReason))")),
        ]
        for (label, list) in [
            ("needs", i.needs), ("optional", i.optional), ("capabilities", i.capabilities), ("libraries", i.neededLibraries),
        ]
        where !list.isEmpty {
            rows.append((label, list.joined(separator: " ")))
        }
        for (label, value) in [("vendor", i.vendor), ("license", i.license)] where !value.isEmpty { rows.append((label, value)) }
        rows += [
            ("configured by", i.configSchemaJSON == nil ? "no schema" : "its JSON Schema"), ("sha256", i.sha256Hex),
            ("bytes", "\(i.fileBytes)"),
        ]
        let lines = rows.map { "  " + $0.0.padding(toLength: 14, withPad: " ", startingAt: 0) + $0.1 }
        return ([shown + (problems.isEmpty ? ": may be loaded" : ": refused")] + problems.map { "  " + $0 } + lines).joined(separator: "\n")
    }

    var json: JSONValue {
        var members: [(String, JSONValue)] = [
            ("file", .string(path)), ("verdict", .string(problems.isEmpty ? "loadable" : "refused")), ("problems", .strings(problems)),
        ]
        guard let i = inspection else { return .object(members) }
        members += [
            ("name", .string(i.name)), ("version", .string(i.version)), ("vendor", .string(i.vendor)), ("license", .string(i.license)),
            ("abi", .int(i.abiMajor)), ("language", .string(i.language)), ("concurrency", .string(i.concurrency)),
            ("phases", .strings(i.phases)),
            ("failure_mode", .string(i.failureMode)), ("unload", .string(i.unloadPolicy)), ("unload_reason", .string(i.unloadReason)),
            ("needs", .strings(i.needs)), ("optional", .strings(i.optional)), ("capabilities", .strings(i.capabilities)),
            ("libraries", .strings(i.neededLibraries)), ("sha256", .string(i.sha256Hex)), ("bytes", .int(i.fileBytes)),
        ]
        if let manifest = try? JSONReader.read(Array(i.manifestJSON.utf8)) { members.append(("manifest", manifest)) }
        return .object(members)
    }
}
