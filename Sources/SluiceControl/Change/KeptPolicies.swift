// What a state directory has from before, as `sluice run` finds it: the store with what it holds, or, when that cannot be used, the last
// good image. A damaged store is moved aside, never deleted and never written to.
import Foundation
import SluiceModel
import SluiceRules
import SluiceStore

struct KeptPolicies {
    var history: History?
    var present = StoredPresent()
    /// Set: the store cannot be used and this starts the workers.
    var image: (bytes: [UInt8], revision: UInt64)?
    private var isLocked = false

    /// Plugins and clusters that a file may name without having them itself.
    var plugins: Set<String> { Set(present.state.plugins.filter { $0.origin != .file }.map(\.name)) }
    var clusters: Set<String> { Set(present.configuration.clusters.map(\.id)) }

    /// Looks without making anything: a file that is refused leaves no state directory behind.
    static func find(stateDirectory path: String) throws -> KeptPolicies {
        let directory = StateDirectory(path: path)
        var out = KeptPolicies()
        guard access(directory.store, F_OK) == 0 || access(directory.image, F_OK) == 0 else { return out }
        try out.open(directory)
        return out
    }

    /// The store of a directory that is there, for this gateway alone; does nothing the second time.
    mutating func open(_ directory: StateDirectory) throws {
        guard !isLocked else { return }
        try directory.lock()
        isLocked = true
        let isMissing = access(directory.store, F_OK) != 0
        if isMissing, let good = Self.goodImage(directory) { return fallBack(good, "\(directory.store) is missing", directory) }
        do {
            (history, present) = try Self.load(directory)
            if present.isEmpty, let good = Self.goodImage(directory) {
                try history?.store.close()
                history = nil
                return fallBack(good, "\(directory.store) is empty", directory)
            }
        } catch let error as StoreProblem where Self.isFull(directory) {
            throw error  // nothing is wrong with what is there
        } catch {
            let aside = try Self.moveAside(directory)
            let why = "\(error); it was moved to \(aside)"
            if let good = Self.goodImage(directory) { return fallBack(good, why, directory) }
            ControlLog.write(.error, "\(why); there is no last good image either: a new store is made from the file")
            (history, present) = try Self.load(directory)
        }
    }

    private mutating func fallBack(_ good: (bytes: [UInt8], revision: UInt64), _ why: String, _ directory: StateDirectory) {
        ControlLog.write(
            .error,
            "\(why). The last good image (revision \(good.revision)) starts the workers; nothing of the file is taken in, and the admin API "
                + "changes nothing until `sluice apply` of an export, or of the file, makes a new store")
        image = good
    }

    /// - Throws: whatever makes the store unusable; only then it is left closed.
    private static func load(_ directory: StateDirectory) throws -> (History, StoredPresent) {
        var history = try History.open(directory)
        do {
            for number in try history.store.settle(running: nil) {
                ControlLog.write(.notice, "revision \(number) was not finished and is dropped")
            }
            return (history, try history.present())
        } catch {
            try? history.store.close()
            throw error
        }
    }

    /// A disk without room makes a sound store look bad.
    private static func isFull(_ directory: StateDirectory) -> Bool {
        var info = statvfs()
        return statvfs(directory.path, &info) == 0 && UInt64(info.f_bavail) * UInt64(info.f_frsize) < 256 << 10
    }

    /// - Returns: where it is now.
    static func moveAside(_ directory: StateDirectory) throws -> String {
        let aside = directory.store + ".damaged-\(UnixTime.nowMs)"
        for end in ["", "-wal", "-shm"] where access(directory.store + end, F_OK) == 0 {
            guard rename(directory.store + end, aside + end) == 0 else { throw FileProblem("move aside", directory.store + end) }
        }
        FileIO.syncFolder(of: aside)
        return aside
    }

    private static func goodImage(_ directory: StateDirectory) -> (bytes: [UInt8], revision: UInt64)? {
        guard let bytes = try? FileIO.read(directory.image, max: 1 << 31) else { return nil }
        let revision = bytes.withUnsafeBytes { raw in (try? ImageView(base: raw.baseAddress!, count: raw.count))?.header.pointee.revision }
        return revision.map { (bytes, $0) }
    }
}
