// `sluice run` before it becomes the master: reads and checks the file, merges it into the store, copies the plugins, compiles the first
// image. The revision is written down as pending; the control process makes it active when it finds that the workers run it. What the
// state directory has from before is `KeptPolicies.swift`.
import Foundation
import SluiceModel
import SluiceRules
import SluiceSystem

struct FirstRevision {
    var configuration: Configuration
    var image: [UInt8]
    var revision: UInt64

    /// Every error on its own line.
    struct Refusal: Error { var lines: [String] }

    static func make(configPath: String) throws(Refusal) -> FirstRevision {
        let path = FileIO.absolute(configPath), resolver = NameResolver(), library = Parts.library()
        let text: [UInt8]
        do { text = try FileIO.read(path, max: SchemaLimits.fileBytesMax) } catch { throw Refusal(lines: ["\(error)"]) }
        let folder = (path as NSString).deletingLastPathComponent, environment = ProcessInfo.processInfo.environment
        var kept = KeptPolicies()
        let reading: ConfigurationReading
        do {
            reading = try ConfigurationReader.read(text, variable: { environment[$0] }) { tree in
                kept = try KeptPolicies.find(stateDirectory: FileIO.absolute(ConfigurationDecoder.configuration(tree).stateDirectory))
                var around = ConfigurationSurroundings.machine(
                    resolver: resolver, library: library, configFolder: folder, loadedPlugins: kept.plugins, environment: environment)
                around.storedClusters = kept.clusters
                return around
            }
        } catch { throw Refusal(lines: ["\(error)"]) }
        guard reading.isGood else { throw Refusal(lines: reading.lines(file: configPath)) }
        do { return try make(reading, kept, path: path, resolver: resolver, library: library) } catch let refusal as Refusal {
            throw refusal
        } catch let error as FileMerge.Refused {
            throw Refusal(lines: [error.merge.line(of: error.error, reading, file: configPath)])
        } catch {
            throw Refusal(lines: ["\(error)"])
        }
    }

    private static func make(
        _ reading: ConfigurationReading, _ found: KeptPolicies, path: String, resolver: NameResolver, library: PluginLibrary
    ) throws -> FirstRevision {
        let configuration = Parts.absolute(reading.configuration), directory = StateDirectory(path: configuration.stateDirectory)
        var kept = found
        try directory.create()
        try kept.open(directory)
        defer { try? kept.history?.store.close() }
        if let image = kept.image {
            try handOver(directory, to: configuration)
            return FirstRevision(configuration: configuration, image: image.bytes, revision: image.revision)
        }
        let old = kept.present,
            assembler = Assembler(
                library: library, compiler: Parts.compiler(resolver), configPath: path, directory: directory)
        let merge = try FileMerge(
            file: reading.configuration, stored: old.configuration, table: old.table, base: try kept.history!.fileDigests(),
            keeper: Parts.keeper(directory), revision: old.state.nextRevision)
        let assembly: Assembly
        do { assembly = try assembler.assemble(merge.configuration, from: old.state, keepLoaded: false) } catch let error as ImageError {
            throw FileMerge.Refused(merge: merge, error: error)
        }
        var note = RevisionNote("start", .file)
        (note.changes, note.files) = (merge.changes, merge.files)
        do { try kept.history!.begin(assembly, note, after: old.state) } catch {
            for copy in assembly.newCopies { unlink(copy) }
            throw error
        }
        try handOver(directory, to: configuration)  // trials are made as the user that will serve
        do { try tryOut(assembly) } catch {
            try? kept.history!.drop(assembly.state.revision)  // else the next start does
            throw error
        }
        try kept.history!.store.close()
        kept.history = nil
        try handOver(directory, to: configuration)
        return FirstRevision(
            configuration: Parts.absolute(assembly.configuration), image: assembly.image, revision: assembly.state.revision)
    }

    /// New copies and the libraries of functions are tried before any worker loads them; what does not stand its trial leaves nothing behind.
    private static func tryOut(_ assembly: Assembly) throws {
        let user = Privileges.isRoot ? assembly.configuration.user : nil
        let probe = Probe(user: user, group: user == nil ? nil : assembly.configuration.group), new = Set(assembly.newCopies)
        let requests =
            Control.probes(assembly.configuration, assembly.state).filter { new.contains($0.path) }
            + FunctionLibraries.trials(assembly.configuration.functions, image: assembly.image)
        let problems = requests.compactMap { request in probe.runBlocking(request).problem.map { "\(request.label): \($0)" } }
        guard !problems.isEmpty else { return }
        for copy in new { unlink(copy) }
        throw Refusal(lines: problems)
    }

    /// Started by root with a `user`: the state directory becomes that user's, because control and workers will be.
    private static func handOver(_ directory: StateDirectory, to configuration: Configuration) throws {
        guard Privileges.isRoot, let user = configuration.user else { return }
        let identity = try Identity(user: user, group: configuration.group ?? "")
        let inside = FileManager.default.enumerator(atPath: directory.path)?.compactMap { $0 as? String } ?? []
        for path in [directory.path] + inside.map({ directory.path + "/" + $0 }) {
            guard lchown(path, identity.user, identity.group) == 0 else { throw FileProblem("give to user \(user)", path) }
        }
    }
}
