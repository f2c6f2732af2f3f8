// The database of policies: objects with every version that a kept revision needs, revisions, what the file said, audit. SQLite by GRDB;
// nothing here knows HTTP, YAML, workers or what an object means: objects are JSON texts. Tables are in `StoreSchema.swift`, writing in
// `Store+Revisions.swift`, reading in `Store+Reading.swift`.
import GRDB
import Glibc
import SluiceModel

/// Why the database cannot be used.
public struct StoreProblem: Error, Sendable, Equatable, CustomStringConvertible {
    public var description: String
    public init(_ description: String) { self.description = description }
}

/// One open database. Any thread; transactions are one after the other.
public final class Store: Sendable {
    public let path: String
    let queue: DatabaseQueue

    /// Opens, creates and migrates. In WAL mode with foreign keys.
    /// - Parameter checking: reads through the whole file and refuses one that is damaged.
    public init(path: String, checking: Bool = true) throws(StoreProblem) {
        self.path = path
        var configuration = GRDB.Configuration()
        configuration.label = "store"
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
        }
        do {
            queue = try DatabaseQueue(path: path, configuration: configuration)
            if checking {
                let said = try queue.read { try String.fetchAll($0, sql: "PRAGMA quick_check(3)") }
                guard said == ["ok"] else { throw StoreProblem("\(path) is damaged: \(said.joined(separator: "; "))") }
            }
            let migrator = StoreSchema.migrator
            guard try queue.read(migrator.hasBeenSuperseded) == false else {
                throw StoreProblem("\(path) was written by a newer version; allowed: that version, or a newer one")
            }
            try migrator.migrate(queue)
        } catch let problem as StoreProblem {
            throw problem
        } catch {
            throw Store.problem(error, path)
        }
    }

    /// Of the library that is linked, for error messages.
    public static func libraryVersion() throws -> String {
        try DatabaseQueue().read { try String.fetchOne($0, sql: "SELECT sqlite_version()") ?? "" }
    }

    /// Writes everything into the main file and lets go of it. Nothing may be asked afterwards.
    public func close() throws {
        _ = try? queue.writeWithoutTransaction { try $0.checkpoint(.truncate) }
        try queue.close()
    }

    func read<T>(_ body: (Database) throws -> T) throws(StoreProblem) -> T {
        do { return try queue.read(body) } catch { throw Store.problem(error, path) }
    }

    /// - Parameter durable: on the disk when it returns; else it survives the end of the process, not of the machine.
    func write<T>(durable: Bool = true, _ body: (Database) throws -> T) throws(StoreProblem) -> T {
        do {
            return try queue.writeWithoutTransaction { db in
                try db.execute(sql: durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL")
                var out: T?
                try db.inTransaction(.immediate) {
                    out = try body(db)
                    return .commit
                }
                return out!
            }
        } catch { throw Store.problem(error, path) }
    }

    private static func problem(_ error: any Error, _ path: String) -> StoreProblem {
        if let problem = error as? StoreProblem { return problem }
        // The disk's own words are what an operator looks for; without room for its shared memory SQLite says "disk I/O error".
        if let error = error as? DatabaseError, [.SQLITE_FULL, .SQLITE_IOERR].contains(error.resultCode), hasNoRoom(path) {
            return StoreProblem("\(path): No space left on device")
        }
        return StoreProblem("\(path): \(error)")
    }

    /// Less than a page of the write-ahead log and its index together need.
    private static func hasNoRoom(_ path: String) -> Bool {
        var info = statvfs()
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        return statvfs(folder, &info) == 0 && UInt64(info.f_bavail) * UInt64(info.f_frsize) < 64 << 10
    }
}
