// The private copies of plugins: found, copied under a name that was never used before, inspected, digested, checked against the
// policy. No code of a plugin runs here. Which copies the workers load is decided in `Assembler.swift` and `Control+Plugins.swift`.
import Foundation
import SluiceModel

/// What the inspection of a file says.
struct PluginFacts: Sendable, Equatable {
    var name: String
    var version: String
    var vendor: String
    var license = ""
    var language: String
    var concurrency = "plain"
    var phases: [String]
    var isSwift: Bool
    /// What the manifest wants when it fails.
    var failOpen = false
    /// Extensions it needs, and capabilities it asks for.
    var needs: [String] = []
    var capabilities: [String] = []
    var configSchema: String?
    var sha256: String
    var digest: UInt64
    var fileBytes = 0
    var manifestJSON: String
}

/// A file that somebody wants to be loaded, and what he says about it.
struct PluginOffer: Sendable {
    enum Signature: Sendable {
        /// In FILE.sig beside it, if there is one.
        case beside
        case given([UInt8]?)
        /// Checked when it came in: the verdict stands.
        case settled(SignatureVerdict)
    }
    /// Absolute.
    var path: String
    /// What it is called in messages; nil = `path`.
    var shownAs: String?
    /// What it must call itself.
    var name: String?
    /// Lower-case hex digits that its digest must have.
    var sha256: String?
    var signature = Signature.beside
    /// nil = those granted so far.
    var capabilities: [String]?
}

/// What a file must keep to.
struct AdmissionRules: Sendable {
    var signatures: SignatureCheck
    /// Capabilities that a plugin of this name may use when the offer does not say.
    var granted: @Sendable (String) -> [String]
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

    /// Copies the file into the state directory and checks that copy. It has a temporary name until `keep`.
    /// - Throws: why it cannot be loaded; nothing of it is left then.
    func stage(_ offer: PluginOffer, _ rules: AdmissionRules, in state: StateDirectory) throws -> StagedPlugin {
        let source = offer.shownAs ?? offer.path
        let temporary = "\(state.plugins)/staged-\(getpid())-\(UInt64.random(in: 0 ... .max)).so"
        do {
            let bytes = try FileIO.read(offer.path, max: Limits.pluginFileBytesMax)
            try state.create()
            try Self.checkPlace(state.plugins)
            try FileIO.replace(temporary, with: bytes, mode: 0o500)
            let facts = try inspector.inspect(path: temporary)
            let granted = offer.capabilities ?? rules.granted(facts.name)
            try Self.check(facts, offer, source, granted: granted)
            let verdict =
                switch offer.signature {
                case .settled(let verdict): verdict
                case .given(let signature): try rules.signatures.verdict(signature, over: bytes)
                case .beside: try rules.signatures.verdict(SignatureCheck.beside(offer.path), over: bytes)
                }
            return StagedPlugin(facts: facts, source: source, temporary: temporary, signature: verdict, granted: granted)
        } catch {
            unlink(temporary)
            // The person knows the file by its own name, not by that of the copy.
            let copy = "its copy in \(state.plugins)"  // its name was `FileIO.replace`'s own while it was written
            let text = "\(error)".replacing("\(temporary).\(getpid()).tmp", with: copy).replacing(temporary, with: source)
            throw PluginRefusal(description: text.contains(source) ? text : "\(source): \(text)")
        }
    }

    private static func check(_ facts: PluginFacts, _ offer: PluginOffer, _ source: String, granted: [String]) throws {
        if let name = offer.name, name != facts.name {
            throw PluginRefusal(description: "\(source) calls itself \(quote(facts.name)); allowed: \(quote(name))")
        }
        if let sha256 = offer.sha256, sha256 != facts.sha256 {
            throw PluginRefusal(description: "\(source) has the SHA-256 \(facts.sha256); expected: \(sha256)")
        }
        if let problem = CapabilityCheck.problem(facts, granted: granted) { throw PluginRefusal(description: "\(source): \(problem)") }
        if let schema = facts.configSchema { _ = try ConfigSchema(schema) }
    }

    /// The loader maps code from there.
    private static func checkPlace(_ folder: String) throws {
        let noexec: UInt = 8  // ST_NOEXEC of statvfs(3), which the C library shows to GNU programs only
        var info = statvfs()
        guard statvfs(folder, &info) == 0, info.f_flag & noexec != 0 else { return }
        throw PluginRefusal(
            description: "\(folder) lies on a file system that is mounted noexec, so no plugin can be loaded from it; "
                + "allowed: a state_directory on another")
    }
}

/// A copy that was checked and is not yet anyone's.
struct StagedPlugin: Sendable {
    var facts: PluginFacts
    var source: String
    var temporary: String
    var signature = SignatureVerdict.unchecked
    var granted: [String] = []

    func drop() { unlink(temporary) }

    /// Gives the copy its last name: plugins/NAME/GENERATION-DIGEST.so. When that fails nothing of it is left.
    func keep(generation: UInt64, failOpen: Bool, origin: LoadedPlugin.Origin, in state: StateDirectory) throws -> LoadedPlugin {
        do {
            let folder = state.plugins + "/" + facts.name
            guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw FileProblem("create", folder) }
            let path = "\(folder)/\(generation)-\(facts.sha256.prefix(16)).so"
            guard rename(temporary, path) == 0 else { throw FileProblem("rename", temporary) }
            FileIO.syncFolder(of: path)
            return LoadedPlugin(
                facts: facts, source: source, copy: path, generation: generation, failOpen: failOpen, origin: origin, granted: granted,
                signature: signature, loadedAt: UInt64(Date().timeIntervalSince1970))
        } catch {
            drop()
            throw error
        }
    }
}
