// The state directory: what the control process writes down, and how it finds it again. Private to the user (0700). What is in a
// state is `ControlState`; how a file is written whole is `Files.swift`.
import Foundation
import SluiceModel

/// The state directory: revisions, plugin copies, the last good image. Private to the user (0700).
struct StateDirectory: Sendable {
    let path: String
    var plugins: String { path + "/plugins" }
    /// What a cold start runs; of the newest revision that every worker took.
    var lastGoodImage: String { path + "/last-good.image" }

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

    /// Files that a predecessor was in the middle of when it died.
    func dropUnfinished() {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: plugins)) ?? []
        where (name.hasPrefix("upload-") || name.hasPrefix("staged-")) && name.contains(".") && !name.contains("-\(getpid())-") {
            unlink(plugins + "/" + name)
        }
    }

    func forget(_ revision: UInt64) { unlink(file(revision)) }

    /// After a commit: the image for a cold start, and nothing of older revisions.
    func settle(_ state: ControlState, image: [UInt8]) throws {
        try FileIO.replace(lastGoodImage, with: image, mode: 0o600)
        for old in revisions where old != state.revision { forget(old) }
        let keep = state.copies
        for name in (try? FileManager.default.contentsOfDirectory(atPath: plugins)) ?? [] {
            let folder = plugins + "/" + name
            for copy in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] where !keep.contains(folder + "/" + copy) {
                unlink(folder + "/" + copy)
            }
            rmdir(folder)  // only when empty
        }
    }
}
