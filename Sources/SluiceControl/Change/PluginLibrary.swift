// The private copies of plugins: found, copied under a name that was never used before, inspected, digested. No code of a
// plugin runs here. Which copies the workers load is decided in `Assembler.swift`.
import Foundation
import SluiceModel

/// What the inspection of a file says.
struct PluginFacts: Sendable, Equatable {
    var name: String
    var version: String
    var vendor: String
    var language: String
    var phases: [String]
    var isSwift: Bool
    var sha256: String
    var digest: UInt64
    var manifestJSON: String
}

protocol PluginInspecting: Sendable {
    func inspect(path: String) throws -> PluginFacts
}

struct PluginRefusal: Error, CustomStringConvertible {
    var description: String
}

struct PluginLibrary: Sendable {
    let inspector: any PluginInspecting
    /// Folders that a plugin named without a slash is looked for in, in this order, after the folder of the configuration.
    let folders: [String]
    static let fileBytesMax = 256 << 20

    /// The file that a configured path means.
    func find(_ path: String, configFolder: String) throws(PluginRefusal) -> String {
        if path.contains("/") {
            let file = FileIO.absolute(path, from: configFolder)
            guard access(file, F_OK) == 0 else { throw PluginRefusal(description: "no file \(quote(file)); allowed: a plugin's .so") }
            return file
        }
        let candidates = ([configFolder] + folders).map { $0 + "/" + path }
        guard let found = candidates.first(where: { access($0, F_OK) == 0 }) else {
            throw PluginRefusal(
                description: "no file \(quote(path)) in \(([configFolder] + folders).joined(separator: ", ")); allowed: a plugin's .so")
        }
        return found
    }

    /// Folders beside the running program and those of SLUICE_PLUGIN_PATH.
    static func folders(program: String, environment: [String: String]) -> [String] {
        let given = (environment["SLUICE_PLUGIN_PATH"] ?? "").split(separator: ":").map { FileIO.absolute(String($0)) }
        let bin = (program as NSString).deletingLastPathComponent
        let beside = ["../lib/sluice/plugins", "../plugins", "../../plugins"].map { (bin + "/" + $0 as NSString).standardizingPath }
        return given + beside.filter { access($0, F_OK) == 0 }
    }

    /// Copies `source` into the state directory and inspects that copy. `name`: what it must call itself.
    /// The copy has a temporary name until `keep`.
    func stage(_ source: String, name: String?, in state: StateDirectory) throws -> StagedPlugin {
        let bytes = try FileIO.read(source, max: Self.fileBytesMax)
        try state.create()
        let temporary = "\(state.plugins)/staged-\(getpid())-\(UInt64.random(in: 0 ... .max)).so"
        do {
            try FileIO.replace(temporary, with: bytes, mode: 0o500)
            let facts = try inspector.inspect(path: temporary)
            if let name, name != facts.name {
                throw PluginRefusal(description: "\(source) calls itself \(quote(facts.name)); allowed: \(quote(name))")
            }
            return StagedPlugin(facts: facts, source: source, temporary: temporary)
        } catch {
            unlink(temporary)
            // The person knows the file by its own name, not by that of the copy.
            throw PluginRefusal(description: "\(error)".replacing(temporary, with: source))
        }
    }
}

/// A copy that was inspected and is not yet anyone's.
struct StagedPlugin: Sendable {
    var facts: PluginFacts
    var source: String
    var temporary: String

    func drop() { unlink(temporary) }

    /// Gives the copy its last name: plugins/NAME/GENERATION-DIGEST.so.
    func keep(generation: UInt64, failOpen: Bool, origin: LoadedPlugin.Origin, in state: StateDirectory) throws -> LoadedPlugin {
        let folder = state.plugins + "/" + facts.name
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw FileProblem("create", folder) }
        let path = "\(folder)/\(generation)-\(facts.sha256.prefix(16)).so"
        guard rename(temporary, path) == 0 else { throw FileProblem("rename", temporary) }
        FileIO.syncFolder(of: path)
        return LoadedPlugin(
            name: facts.name, version: facts.version, vendor: facts.vendor, language: facts.language, phases: facts.phases,
            isSwift: facts.isSwift,
            sourcePath: source, copyPath: path, generation: generation, sha256: facts.sha256, digest: facts.digest, failOpen: failOpen,
            origin: origin)
    }
}
