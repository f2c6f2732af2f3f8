// `sluice plugin new`: a plugin's folder from the SDK's template, with the new name in its files and in their names. What it makes builds and
// passes its test at once (`sluice plugin build`, `test`).
import ArgumentParser
import Foundation
import SluiceModel

struct PluginNewCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new", abstract: "Make the folder of a new plugin, with a unit test.",
        discussion: "It builds and passes its test as it is: sluice plugin build NAME, sluice plugin test NAME.")
    @Argument(help: "The plugin's name: a-z, 0-9 and -, starting with a letter.") var name: String
    @Option(help: "c or swift.") var lang = "c"
    @Option(help: ArgumentHelp("The folder to make (default: the name, here).", valueName: "folder")) var dir: String?

    func validate() throws {
        if let problem = SchemaText.pluginName.problem(name) { throw ValidationError(problem) }
        guard let first = name.utf8.first, (0x61...0x7a).contains(first) else {
            throw ValidationError("found \(quote(name)); allowed: a letter first")
        }
        guard PluginLanguage(rawValue: lang) != nil else { throw ValidationError("found \(quote(lang)) as --lang; allowed: c, swift") }
    }

    func run() async throws {
        try await Console.run {
            let target = FileIO.absolute(dir ?? name)
            guard access(target, F_OK) != 0 else { throw Complaint("\(target) exists; allowed: a folder that does not") }
            let sdk = try PluginSDK.folder()
            do { try PluginTemplate(name: name, sdk: sdk).copy("\(sdk)/Templates/\(lang)", to: target) } catch let problem as Complaint {
                throw problem
            } catch {
                throw Complaint("\(target) cannot be made: \(error.localizedDescription)")
            }
            print("\(target) is there. Next:\n  sluice plugin test \(dir ?? name)\n  sluice plugin build \(dir ?? name)")
        }
    }
}

/// The template's words for the plugin's name, and what takes their place.
struct PluginTemplate {
    let name: String
    /// Takes the place of the template's own way to the SDK, "../..".
    let sdk: String

    /// "my-plugin": my_plugin in C identifiers and file names, MyPlugin in Swift.
    var identifier: String { name.replacingOccurrences(of: "-", with: "_") }
    var typeName: String { name.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined() }

    func copy(_ template: String, to target: String) throws {
        let files = FileManager.default
        guard let all = files.enumerator(atPath: template) else { throw Complaint("no template \(template); allowed: a complete SDK") }
        try files.createDirectory(atPath: target, withIntermediateDirectories: true)
        for case let path as String in all
        where !path.split(separator: "/").contains(where: { $0.hasPrefix(".") }) && !path.hasSuffix(".so") {
            var isFolder: ObjCBool = false
            guard files.fileExists(atPath: template + "/" + path, isDirectory: &isFolder) else { continue }
            let renamed = path == "gitignore" ? ".gitignore" : replaced(path)
            if isFolder.boolValue {
                try files.createDirectory(atPath: target + "/" + renamed, withIntermediateDirectories: true)
            } else if let text = try? String(contentsOfFile: template + "/" + path, encoding: .utf8) {
                try replaced(text).write(toFile: target + "/" + renamed, atomically: false, encoding: .utf8)
            }
        }
    }

    /// `hello.c` and `hello_…` are C, `Hello` is Swift, `X-Hello` stays, and any other `hello` is the name.
    func replaced(_ text: String) -> String {
        var out = text.replacingOccurrences(of: "X-Hello", with: "\u{1}").replacingOccurrences(of: "HELLO", with: identifier.uppercased())
        for c in ["hello.c", "hello_"] { out = out.replacingOccurrences(of: c, with: identifier + c.dropFirst(5)) }
        out = out.replacingOccurrences(of: "Hello", with: typeName).replacingOccurrences(of: "hello", with: name)
        return out.replacingOccurrences(of: "\u{1}", with: "X-Hello").replacingOccurrences(of: "\"../..\"", with: "\"\(sdk)\"")
    }
}
