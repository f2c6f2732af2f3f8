// What the control process must not forget: counters of generations, counter slots, loaded plugins and the text of the
// running configuration. One file a revision in the state directory, written before the revision is published, so that
// a control process that comes back finds the one that matches what the workers run.
import Foundation
import SluiceModel
import SluiceShared

/// A plugin that the workers have, as published.
struct LoadedPlugin: Codable, Sendable, Equatable {
    enum Origin: String, Codable, Sendable { case file, api }
    var name: String
    var version: String
    var vendor: String
    var language: String
    var phases: [String]
    var isSwift: Bool
    /// Where it came from.
    var sourcePath: String
    /// The private copy that the workers load; never written again.
    var copyPath: String
    var generation: UInt64
    var sha256: String
    var digest: UInt64
    var failOpen: Bool
    var origin: Origin
    var filtersBody: Bool { phases.contains("body_filter") }
}

/// Counter slots by name: a name keeps its slot; a slot of a name that is gone is given away only when none is free.
struct SlotTable: Codable, Sendable, Equatable {
    private(set) var slots: [String: UInt32] = [:]
    let capacity: UInt32
    init(capacity: Int) { self.capacity = UInt32(capacity) }

    /// Gives each name a slot from 1; names past the capacity have none (0).
    mutating func assign(_ names: [String]) {
        let missing = names.filter { slots[$0] == nil }
        guard !missing.isEmpty else { return }
        var free = Set(1..<capacity).subtracting(slots.values).sorted(by: >)
        if free.count < missing.count {
            let used = Set(names)
            for (name, slot) in slots.sorted(by: { $0.value > $1.value }) where !used.contains(name) && free.count < missing.count {
                slots[name] = nil
                free.insert(slot, at: 0)
            }
        }
        for name in missing { if let slot = free.popLast() { slots[name] = slot } }
    }
    func slot(_ name: String) -> UInt32 { slots[name] ?? 0 }
}

struct ControlState: Codable, Sendable, Equatable {
    var revision: UInt64 = 0
    /// Last number given to a revision, refused ones included.
    var lastRevision: UInt64 = 0
    /// Last generation given to each plugin name, ever.
    var generations: [String: UInt64] = [:]
    var routeSlots = SlotTable(capacity: SharedLimits.routeSlots)
    var pluginSlots = SlotTable(capacity: SharedLimits.pluginSlots)
    var plugins: [LoadedPlugin] = []
    /// What the file says of each plugin it names: where a load by name alone finds it.
    var fileSources: [String: FileSource] = [:]
    struct FileSource: Codable, Sendable, Equatable {
        var path: String
        var failOpen: Bool
    }
    /// Text of the configuration file of this revision.
    var configText = ""

    /// What a refused change leaves behind: numbers that were used are not used again.
    mutating func remember(numbersOf refused: ControlState) {
        lastRevision = max(lastRevision, refused.lastRevision)
        generations.merge(refused.generations) { max($0, $1) }
    }

    func plugin(_ name: String) -> LoadedPlugin? { plugins.first { $0.name == name } }
    mutating func nextGeneration(_ name: String) -> UInt64 {
        let next = (generations[name] ?? 0) + 1
        generations[name] = next
        return next
    }
}

/// The state directory: revisions, plugin copies, the last good image. Private to the user (0700).
struct StateDirectory: Sendable {
    let path: String
    var plugins: String { path + "/plugins" }

    func create() throws {
        for folder in [path, plugins] {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        }
    }

    /// Keeps a second gateway out. The lock is the descriptor's, which `sluiced` inherits and holds as long as it lives.
    func lock() throws {
        let file = open(path + "/lock", O_RDWR | O_CREAT | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw FileProblem("open", path + "/lock") }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let problem =
                errno == EWOULDBLOCK
                ? FileProblem(text: "another gateway runs with the state directory \(path); allowed: one of its own for each")
                : FileProblem("lock", path + "/lock")
            close(file)
            throw problem
        }
    }

    private func file(_ revision: UInt64) -> String { "\(path)/state-\(revision).json" }

    func save(_ state: ControlState) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        try FileIO.replace(file(state.revision), with: Array(try encoder.encode(state)), mode: 0o600)
    }

    func load(revision: UInt64) -> ControlState? {
        guard let bytes = try? FileIO.read(file(revision), max: 64 << 20),
            let state = try? JSONDecoder().decode(ControlState.self, from: Data(bytes)), state.revision == revision
        else { return nil }
        return state
    }

    /// Revisions with a state file, newest first.
    var revisions: [UInt64] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.compactMap { $0.hasPrefix("state-") && $0.hasSuffix(".json") ? UInt64($0.dropFirst(6).dropLast(5)) : nil }.sorted(
            by: >)
    }

    /// The newest state that can be read.
    var newest: ControlState? { revisions.lazy.compactMap(load).first }

    func forget(_ revision: UInt64) { unlink(file(revision)) }

    /// After a commit: the image for a cold start, and nothing of older revisions.
    func settle(_ state: ControlState, image: [UInt8]) throws {
        try FileIO.replace(path + "/last-good.image", with: image, mode: 0o600)
        for old in revisions where old != state.revision { forget(old) }
        let keep = Set(state.plugins.map(\.copyPath))
        for name in (try? FileManager.default.contentsOfDirectory(atPath: plugins)) ?? [] {
            let folder = plugins + "/" + name
            for copy in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] where !keep.contains(folder + "/" + copy) {
                unlink(folder + "/" + copy)
            }
            rmdir(folder)  // only when empty
        }
    }
}
