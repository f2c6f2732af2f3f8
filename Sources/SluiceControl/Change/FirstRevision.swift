// `sluice run` before it becomes the master: reads and checks the file, copies the plugins, compiles the first image. The
// control process finds the same state again when it starts.
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
        let folder = (path as NSString).deletingLastPathComponent
        let reading = ConfigurationReader.read(text, .machine(resolver: resolver, library: library, configFolder: folder))
        guard reading.isGood else { throw Refusal(lines: reading.lines(file: configPath)) }
        let configuration = Parts.absolute(reading.configuration)
        let directory = StateDirectory(path: configuration.stateDirectory)
        let assembler = Assembler(library: library, compiler: Parts.compiler(resolver), configPath: path, directory: directory)
        do {
            try directory.create()
            try directory.lock()
            let old = directory.newest ?? ControlState()
            let assembly = try assembler.assemble(configuration, text: String(decoding: text, as: UTF8.self), from: old, keepLoaded: false)
            try directory.save(assembly.state)
            try handOver(directory, to: configuration)
            try tryOut(assembly, directory)
            return FirstRevision(configuration: assembly.configuration, image: assembly.image, revision: assembly.state.revision)
        } catch let refusal as Refusal {
            throw refusal
        } catch let error as ImageError {
            throw Refusal(lines: [reading.line(of: error, file: configPath)])
        } catch {
            throw Refusal(lines: ["\(error)"])
        }
    }

    /// New copies and the libraries of functions are tried before any worker loads them; what does not stand its trial leaves nothing behind.
    private static func tryOut(_ assembly: Assembly, _ directory: StateDirectory) throws {
        let user = Privileges.isRoot ? assembly.configuration.user : nil
        let probe = Probe(user: user, group: user == nil ? nil : assembly.configuration.group), new = Set(assembly.newCopies)
        let requests =
            Control.probes(assembly.configuration, assembly.state).filter { new.contains($0.path) }
            + FunctionLibraries.trials(assembly.configuration.functions, image: assembly.image)
        let problems = requests.compactMap { request in probe.runBlocking(request).problem.map { "\(request.label): \($0)" } }
        guard !problems.isEmpty else { return }
        for copy in new { unlink(copy) }
        directory.forget(assembly.state.revision)
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
