// Writing: a revision is written down as pending, and becomes active when the workers have it, or is dropped. Each is one transaction and
// costs what the revision changes, not what there is.
import GRDB
import SluiceModel

extension Store {
    /// Writes the revision down. Survives the end of this process; `activate` makes it survive the machine's.
    public func begin(_ pending: PendingRevision) throws(StoreProblem) {
        let row = pending.row, number = Int64(row.number)
        try write(durable: false) { db in
            try db.execute(
                sql: """
                    INSERT INTO revisions
                        (number, state, kind, actor, address, comment, time, changes, settings, ordering, control, confirm_by, basis)
                    VALUES (?, 'pending', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    number, row.kind, row.actor, row.address, row.comment, Int64(row.time), pending.objects.count, pending.settings,
                    pending.ordering, pending.control, row.confirmBy.map { Int64($0) }, row.basis.map { Int64($0) },
                ])
            try Self.put(db, "last_revision", String(row.number))
            if let counters = pending.counters { try Self.put(db, "counters", counters) }
            for object in pending.objects { try Self.write(db, object, number, Int64(row.time)) }
            for file in pending.files { try Self.write(db, file, number) }
            for slot in pending.slots { try Self.write(db, slot) }
        }
    }

    /// The workers run it.
    /// - Parameter kept: so many revisions are kept; older ones are forgotten.
    public func activate(_ number: UInt64, kept: Int = Limits.revisionsKept, auditKept: Int = Limits.auditKept) throws(StoreProblem) {
        try write { try Self.activate($0, Int64(number), kept, auditKept) }
    }

    /// It never was: everything is as before.
    public func drop(_ number: UInt64) throws(StoreProblem) { try write { try Self.drop($0, Int64(number)) } }

    /// After a start: the pending revision that the workers run is active, every other one is dropped.
    /// - Returns: numbers of those dropped.
    public func settle(running: UInt64?) throws(StoreProblem) -> [UInt64] {
        try write { db in
            let pending = try Int64.fetchAll(db, sql: "SELECT number FROM revisions WHERE state = 'pending' ORDER BY number DESC")
            for number in pending {
                if UInt64(number) == running {
                    try Self.activate(db, number, Limits.revisionsKept, Limits.auditKept)
                } else {
                    try Self.drop(db, number)
                }
            }
            return pending.map { UInt64($0) }.filter { $0 != running }
        }
    }

    /// It holds; false when it was not waiting.
    public func confirm(_ number: UInt64) throws(StoreProblem) -> Bool {
        try write { db in
            try db.execute(
                sql: "UPDATE revisions SET confirm_by = NULL WHERE number = ? AND confirm_by IS NOT NULL", arguments: [Int64(number)])
            return db.changesCount == 1
        }
    }

    /// Something that is no revision.
    public func note(_ row: AuditRow) throws(StoreProblem) { try write { try Self.note($0, row) } }

    /// Numbers that were used by what was refused.
    public func keep(counters: String, lastRevision: UInt64) throws(StoreProblem) {
        try write { db in
            try Self.put(db, "counters", counters)
            try Self.put(db, "last_revision", String(lastRevision))
        }
    }

    // Steps

    private static func put(_ db: Database, _ key: String, _ value: String) throws {
        try db.cachedStatement(sql: "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
            .execute(arguments: [key, value])
    }

    private static func write(_ db: Database, _ object: ObjectWrite, _ number: Int64, _ time: Int64) throws {
        let created = try Int64.fetchOne(
            db.cachedStatement(sql: "SELECT created_at FROM versions WHERE kind = ? AND id = ? AND to_revision IS NULL"),
            arguments: [object.kind, object.id])
        if created != nil {
            try db.cachedStatement(sql: "UPDATE versions SET to_revision = ? WHERE kind = ? AND id = ? AND to_revision IS NULL")
                .execute(arguments: [number, object.kind, object.id])
        }
        guard let json = object.json else { return }
        try db.cachedStatement(sql: "INSERT INTO versions VALUES (?, ?, ?, NULL, ?, ?, ?)")
            .execute(arguments: [object.kind, object.id, number, json, created ?? time, time])
    }

    private static func write(_ db: Database, _ file: FileWrite, _ number: Int64) throws {
        try db.cachedStatement(sql: "UPDATE file_objects SET to_revision = ? WHERE kind = ? AND id = ? AND to_revision IS NULL")
            .execute(arguments: [number, file.kind, file.id])
        guard let digest = file.digest else { return }
        try db.cachedStatement(sql: "INSERT INTO file_objects VALUES (?, ?, ?, ?, NULL)")
            .execute(arguments: [file.kind, file.id, digest, number])
    }

    private static func write(_ db: Database, _ slot: SlotWrite) throws {
        guard let number = slot.slot else {
            return try db.cachedStatement(sql: "DELETE FROM slots WHERE name = ?").execute(arguments: [slot.name])
        }
        try db.cachedStatement(
            sql: "INSERT INTO slots VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET slot = excluded.slot, gone = excluded.gone"
        ).execute(arguments: [slot.name, Int64(number), slot.gone.map { Int64($0) }])
    }

    private static func activate(_ db: Database, _ number: Int64, _ kept: Int, _ auditKept: Int) throws {
        try db.execute(sql: "UPDATE revisions SET state = 'active' WHERE number = ? AND state = 'pending'", arguments: [number])
        guard db.changesCount == 1, let row = try Row.fetchOne(db, sql: "SELECT * FROM revisions WHERE number = ?", arguments: [number])
        else {
            return
        }
        var entry = AuditRow(time: UInt64(row["time"] as Int64), actor: row["actor"], action: row["kind"])
        (entry.address, entry.detail, entry.revision) = (row["address"], row["comment"], UInt64(number))
        try note(db, entry)
        try forget(db, kept)
        try db.execute(
            sql: "DELETE FROM audit WHERE number <= (SELECT max(number) FROM audit) - ?", arguments: [auditKept])
    }

    private static func drop(_ db: Database, _ number: Int64) throws {
        for table in ["versions", "file_objects"] {
            try db.execute(sql: "DELETE FROM \(table) WHERE from_revision = ?", arguments: [number])
            try db.execute(sql: "UPDATE \(table) SET to_revision = NULL WHERE to_revision = ?", arguments: [number])
        }
        try db.execute(sql: "DELETE FROM revisions WHERE number = ?", arguments: [number])
    }

    /// The oldest revision that stays takes over what it only inherits.
    private static func forget(_ db: Database, _ kept: Int) throws {
        let oldest = try Int64.fetchOne(
            db, sql: "SELECT number FROM revisions ORDER BY number DESC LIMIT 1 OFFSET ?", arguments: [max(1, kept) - 1])
        guard let oldest,
            try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM revisions WHERE number < ?)", arguments: [oldest]) == true
        else { return }
        for column in ["settings", "ordering", "control"] {
            try db.execute(
                sql: """
                    UPDATE revisions SET \(column) = (SELECT \(column) FROM revisions WHERE number < ? AND \(column) IS NOT NULL
                        ORDER BY number DESC LIMIT 1) WHERE number = ? AND \(column) IS NULL
                    """, arguments: [oldest, oldest])
        }
        try db.execute(sql: "DELETE FROM revisions WHERE number < ?", arguments: [oldest])
    }

    private static func note(_ db: Database, _ row: AuditRow) throws {
        try db.execute(
            sql: "INSERT INTO audit (time, actor, address, action, detail, revision) VALUES (?, ?, ?, ?, ?, ?)",
            arguments: [Int64(row.time), row.actor, row.address, row.action, row.detail, row.revision.map { Int64($0) }])
    }
}
