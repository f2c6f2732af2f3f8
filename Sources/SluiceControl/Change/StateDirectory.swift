// The state directory: where the store, plugin copies and the last good image are. Private to the user (0700). What is in the store is
// `History.swift`; how a file is written whole is `Files.swift`.
import Foundation
import SluiceModel

/// The state directory: the store, plugin copies, the last good image. Private to the user (0700).
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

    /// The database (`History.swift`).
    var store: String { path + "/sluice.db" }
    var image: String { path + "/last-good.image" }

    /// Files that a predecessor was in the middle of when it died.
    func dropUnfinished() {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: plugins)) ?? []
        where (name.hasPrefix("upload-") || name.hasPrefix("staged-")) && name.contains(".") && !name.contains("-\(getpid())-") {
            unlink(plugins + "/" + name)
        }
    }

    /// After a commit: no copies of plugins that nothing needs.
    func settle(_ state: ControlState) {
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
