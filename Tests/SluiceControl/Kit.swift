// Fakes for the tests of this folder: a master that answers for its workers, an inspector and a compiler of texts, a state
// directory that goes away.
import Foundation
import SluiceChannel
import SluiceModel
import Synchronization

@testable import SluiceControl

/// Plays the master and its workers: every frame that control sends is answered as the script says.
final class FakeMaster: FrameSink {
    struct Script: Sendable {
        var workers: UInt32 = 2
        /// What worker n says to a prepare; nil = ready, "-" = nothing at all.
        var answers: [UInt32: String] = [:]
        /// This worker dies when it prepares; its successor is ready.
        var dies: UInt32?
        var masterRefuses: String?
    }
    private let script: Mutex<Script>
    private let frames = Mutex<[FrameKind]>([])
    private let images = Mutex<[String]>([])
    private let publisher = Mutex<Publisher?>(nil)

    init(_ script: Script = Script()) { self.script = Mutex(script) }
    func connect(_ publisher: Publisher) { self.publisher.withLock { $0 = publisher } }
    func set(_ change: (inout Script) -> Void) { script.withLock { change(&$0) } }
    var sent: [FrameKind] { frames.withLock { $0 } }
    /// Texts of the images that were prepared.
    var prepared: [String] { images.withLock { $0 } }

    func send(_ frame: Frame) throws {
        frames.withLock { $0.append(frame.kind) }
        if let descriptor = frame.descriptors.first {
            var buffer = [UInt8](repeating: 0, count: 65536)
            let count = pread(descriptor, &buffer, buffer.count, 0)
            images.withLock { $0.append(String(decoding: buffer[..<max(0, count)], as: UTF8.self)) }
        }
        let now = script.withLock { $0 }, target = publisher.withLock { $0 }
        Task {
            for answer in Self.answers(frame, now) { await target?.handle(answer) }
        }
    }

    private static func answers(_ frame: Frame, _ script: Script) -> [Frame] {
        switch frame.kind {
        case .prepare:
            if let text = script.masterRefuses { return [Frame(.prepared, revision: frame.revision, status: 1, text: text)] }
            return (0..<script.workers).flatMap { worker -> [Frame] in
                let ready = Frame(.prepared, worker: worker, revision: frame.revision)
                if script.dies == worker {
                    return [
                        Frame(.workerState, worker: worker, value: 9, status: 1), Frame(.workerState, worker: worker, value: 4711), ready,
                    ]
                }
                guard let text = script.answers[worker] else { return [ready] }
                return text == "-" ? [] : [Frame(.prepared, worker: worker, revision: frame.revision, status: 1, text: text)]
            }
        case .commit: return (0..<script.workers).map { Frame(.committed, worker: $0, revision: frame.revision) }
        default: return []
        }
    }
}

/// "Plugin files" are texts: `NAME VERSION phase,phase`, and a JSON object with more of the manifest. Anything else is refused.
struct FakeInspector: PluginInspecting {
    func inspect(path: String) throws -> PluginFacts {
        let text = try String(contentsOfFile: path, encoding: .utf8).trimmingCharacters(in: .newlines)
        let words = text.split(separator: " ", maxSplits: 3).map(String.init)
        guard words.count >= 3 else { throw PluginRefusal(description: "\(path) is not an ELF file") }
        let more = words.count == 4 ? try JSONReader.read(Array(words[3].utf8)) : .object([])
        let hash = text.utf8.reduce(UInt64(14_695_981_039_346_656_037)) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
        let hex = String(hash, radix: 16)
        var facts = PluginFacts(
            name: words[0], version: words[1], vendor: "tests", language: "c", phases: words[2].split(separator: ",").map(String.init),
            isSwift: false,
            sha256: String(repeating: "0", count: 64 - hex.count) + hex, digest: hash, manifestJSON: "{}")
        facts.failOpen = more["failure_mode"]?.string == "open"
        facts.capabilities = (more["capabilities"]?.array ?? []).compactMap(\.string)
        facts.needs = (more["needs"]?.array ?? []).compactMap(\.string)
        facts.configSchema = more["config_schema"]?.text()
        return facts
    }
}

/// The "image" is a text that names revision, routes, plugins.
struct FakeCompiler: ImageCompiling {
    func compile(_ configuration: Configuration, state: ControlState, configPath: String) throws -> [UInt8] {
        if configuration.routes.contains(where: { $0.id == "uncompilable" }) { throw FileProblem(text: "routes[0]: cannot be compiled") }
        let plugins = state.plugins.map { plugin in
            let canary = state.canaries[plugin.name].map { "+\($0.plugin.generation)" } ?? ""
            return plugin.label + (plugin.isQuarantined ? "!" : "") + canary
        }.joined(separator: ",")
        return Array(
            "r\(state.revision) \(configuration.routes.map { "\($0.id):\(state.routeSlots.slot($0.id))" }.joined(separator: ",")) [\(plugins)]"
                .utf8)
    }
}

/// Finds every plugin sound but the one named.
struct FakeProbe: PluginProbing {
    var crashing = ""
    func run(_ request: ProbeRequest) async -> ProbeVerdict {
        request.name == crashing
            ? ProbeVerdict(outcome: .crashed, detail: "init crashed: SIGSEGV at 0x0 in boom+0x4") : ProbeVerdict(outcome: .sound)
    }
}

/// Everything that a control process has, on fakes, in a folder of its own.
final class Bench: Sendable {
    let folder: String
    let master: FakeMaster
    let control: Control
    let publisher: Publisher
    var configPath: String { folder + "/sluice.yaml" }
    var state: StateDirectory { StateDirectory(path: folder + "/state") }

    static let configuration = """
        version: 1
        listeners: [{ address: 127.0.0.1:8080 }]
        plugins_api: local
        plugins: [{ name: alpha, path: alpha.so }]
        routes:
          - { id: one, action: { respond: { status: 200 } }, plugins: [{ name: alpha }] }
        """

    init(
        _ text: String = Bench.configuration, script: FakeMaster.Script = .init(),
        limits: Publisher.Limits = .init(prepareMs: 3_000, commitMs: 3_000, successorMs: 1_500), prober: any PluginProbing = FakeProbe()
    ) async throws {
        folder = NSTemporaryDirectory() + "/sluice-control-tests-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Bench.write("alpha 1.0.0 access,log", folder + "/alpha.so")
        try Bench.write(text, folder + "/sluice.yaml")
        let library = PluginLibrary(inspector: FakeInspector(), folders: [])
        let directory = StateDirectory(path: folder + "/state")
        let assembler = Assembler(library: library, compiler: FakeCompiler(), configPath: folder + "/sluice.yaml", directory: directory)
        try directory.create()
        let reading = ConfigurationReader.read(Array(text.utf8), ConfigurationSurroundings(variable: { _ in nil }))
        var history = try History.open(directory)
        let old = try history.present()
        let merge = try FileMerge(
            file: reading.configuration, stored: old.configuration, table: old.table, base: try history.fileDigests(),
            keeper: NoSecretKeeper(),
            revision: old.state.nextRevision)
        let first = try assembler.assemble(merge.configuration, from: old.state, keepLoaded: false)
        var note = RevisionNote("start", .file)
        (note.changes, note.files) = (merge.changes, merge.files)
        try history.begin(first, note, after: old.state)
        _ = try history.store.settle(running: first.state.revision)
        master = FakeMaster(script)
        publisher = Publisher(sink: master, workers: Int(script.workers), revision: first.state.revision, limits: limits)
        master.connect(publisher)
        control = Control(
            present: try history.present(), history: history, publisher: publisher, assembler: assembler, prober: prober,
            surroundings: { around in
                var out = ConfigurationSurroundings(variable: { _ in nil }, loadedPlugins: around.plugins)
                out.storedClusters = around.clusters
                return out
            })
    }

    /// The store as a control process that starts finds it, while the old one is still open.
    func stored(running: UInt64?) throws -> StoredPresent {
        var history = try History.open(state)
        _ = try history.store.settle(running: running)
        defer { try? history.store.close() }
        return try history.present()
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    static func write(_ text: String, _ path: String) throws { try text.write(toFile: path, atomically: true, encoding: .utf8) }
    func write(_ text: String, _ name: String) throws -> String {
        try Bench.write(text, folder + "/" + name)
        return folder + "/" + name
    }
    /// Copies of plugins in the state directory, "alpha/1".
    var copies: [String] {
        let all = FileManager.default.enumerator(atPath: state.plugins)?.compactMap { $0 as? String } ?? []
        return all.filter { $0.hasSuffix(".so") }.map { $0.split(separator: "-")[0].description }.sorted()
    }
}

extension Control {
    func load(path: String?, name: String?) async throws(ChangeRefusal) -> ChangeReport {
        var wish = LoadWish()
        (wish.path, wish.name) = (path, name)
        return try await load(wish)
    }
    func inspect(path: String?, name: String?) async throws(ChangeRefusal) -> PluginFacts {
        var wish = LoadWish()
        (wish.path, wish.name) = (path, name)
        return try await inspect(wish).facts
    }
}
