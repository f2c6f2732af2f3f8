// Reading: the state at any revision that is kept, diffs, history, audit. Lists are bounded by their caller's limit.
import GRDB

extension Store {
    /// What holds now, a pending revision included, by kind and as they were made.
    public func objects() throws(StoreProblem) -> [ObjectRow] {
        try read { try Self.objects($0, "to_revision IS NULL", []) }
    }

    /// What held at `number`, which must be kept.
    public func objects(at number: UInt64) throws(StoreProblem) -> [ObjectRow] {
        let n = Int64(number)
        return try read { try Self.objects($0, "from_revision <= ? AND (to_revision IS NULL OR to_revision > ?)", [n, n]) }
    }

    /// Objects that are not as they were at `number`, as they were then (nil = there was none).
    public func differences(since number: UInt64) throws(StoreProblem) -> [ObjectWrite] {
        let n = Int64(number)
        return try read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT kind, id, (SELECT json FROM versions AS old WHERE old.kind = changed.kind AND old.id = changed.id
                        AND old.from_revision <= :n AND (old.to_revision IS NULL OR old.to_revision > :n)) AS json
                    FROM (SELECT kind, id FROM versions WHERE from_revision > :n UNION SELECT kind, id FROM versions WHERE to_revision > :n)
                        AS changed ORDER BY kind, id
                    """, arguments: ["n": n])
            return rows.map { ObjectWrite(kind: $0["kind"], id: $0["id"], json: $0["json"]) }
        }
    }

    /// The diff of a revision that is kept.
    public func changes(of number: UInt64) throws(StoreProblem) -> [ChangeRow] {
        let n = Int64(number)
        return try read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT changed.kind, changed.id, old.json AS before, new.json AS after
                    FROM (SELECT kind, id FROM versions WHERE from_revision = :n UNION SELECT kind, id FROM versions WHERE to_revision = :n)
                        AS changed
                    LEFT JOIN versions AS old ON old.kind = changed.kind AND old.id = changed.id AND old.to_revision = :n
                    LEFT JOIN versions AS new ON new.kind = changed.kind AND new.id = changed.id AND new.from_revision = :n
                    ORDER BY changed.kind, changed.id
                    """, arguments: ["n": n])
            return rows.map { ChangeRow(kind: $0["kind"], id: $0["id"], before: $0["before"], after: $0["after"]) }
        }
    }

    public func revision(_ number: UInt64) throws(StoreProblem) -> RevisionRow? {
        try read { try Row.fetchOne($0, sql: "SELECT * FROM revisions WHERE number = ?", arguments: [Int64(number)]).map(Self.revision) }
    }

    /// Newest first, below `before`.
    public func revisions(limit: Int, before: UInt64? = nil) throws(StoreProblem) -> [RevisionRow] {
        try read {
            try Row.fetchAll(
                $0, sql: "SELECT * FROM revisions WHERE number < ? ORDER BY number DESC LIMIT ?",
                arguments: [before.map { Int64(clamping: $0) } ?? .max, limit]
            ).map(Self.revision)
        }
    }

    /// The newest that still has to be confirmed.
    public func waiting() throws(StoreProblem) -> RevisionRow? {
        try read {
            try Row.fetchOne($0, sql: "SELECT * FROM revisions WHERE confirm_by IS NOT NULL ORDER BY number DESC LIMIT 1").map(
                Self.revision)
        }
    }

    public enum Text: String, Sendable { case settings, ordering, control }
    /// As it holds at `number`.
    public func text(_ text: Text, at number: UInt64) throws(StoreProblem) -> String? {
        try read {
            try String.fetchOne(
                $0,
                sql: """
                    SELECT \(text.rawValue) FROM revisions WHERE number <= ? AND \(text.rawValue) IS NOT NULL ORDER BY number DESC LIMIT 1
                    """, arguments: [Int64(number)])
        }
    }

    /// What the file said last, by kind and id.
    public func fileDigests() throws(StoreProblem) -> [FileWrite] {
        try read {
            try Row.fetchAll($0, sql: "SELECT kind, id, digest FROM file_objects WHERE to_revision IS NULL").map {
                FileWrite(kind: $0["kind"], id: $0["id"], digest: $0["digest"])
            }
        }
    }

    public func slots() throws(StoreProblem) -> [SlotWrite] {
        try read {
            try Row.fetchAll($0, sql: "SELECT name, slot, gone FROM slots").map { row in
                SlotWrite(name: row["name"], slot: row["slot"], gone: (row["gone"] as Int64?).map { UInt64($0) })
            }
        }
    }

    public func counters() throws(StoreProblem) -> (text: String?, lastRevision: UInt64) {
        try read { db in
            let text = try String.fetchOne(db, sql: "SELECT value FROM meta WHERE key = 'counters'")
            let last = try String.fetchOne(db, sql: "SELECT value FROM meta WHERE key = 'last_revision'").flatMap { UInt64($0) }
            return (text, last ?? 0)
        }
    }

    /// Newest first, below `before`, of one actor or of all.
    public func audit(limit: Int, before: UInt64? = nil, actor: String? = nil) throws(StoreProblem) -> [AuditRow] {
        try read { db in
            let rows = try Row.fetchAll(
                db,
                sql: "SELECT * FROM audit WHERE number < ?1 AND (?2 IS NULL OR actor = ?2) ORDER BY number DESC LIMIT ?3",
                arguments: [before.map { Int64(clamping: $0) } ?? .max, actor, limit])
            return rows.map { row in
                var out = AuditRow(time: UInt64(row["time"] as Int64), actor: row["actor"], action: row["action"])
                (out.number, out.address, out.detail) = (UInt64(row["number"] as Int64), row["address"], row["detail"])
                out.revision = (row["revision"] as Int64?).map { UInt64($0) }
                return out
            }
        }
    }

    private static func objects(_ db: Database, _ condition: String, _ arguments: StatementArguments) throws -> [ObjectRow] {
        let rows = try Row.fetchCursor(
            db,
            sql:
                "SELECT kind, id, json, from_revision, created_at, updated_at FROM versions WHERE \(condition) ORDER BY kind, created_at, rowid",
            arguments: arguments)
        var out: [ObjectRow] = []
        while let row = try rows.next() {
            out.append(
                ObjectRow(
                    kind: row[0], id: row[1], json: row[2], revision: UInt64(row[3] as Int64), createdAt: UInt64(row[4] as Int64),
                    updatedAt: UInt64(row[5] as Int64)))
        }
        return out
    }

    private static func revision(_ row: Row) -> RevisionRow {
        var out = RevisionRow(
            number: UInt64(row["number"] as Int64), kind: row["kind"], actor: row["actor"], time: UInt64(row["time"] as Int64))
        out.isActive = row["state"] as String == "active"
        (out.address, out.comment, out.changes) = (row["address"], row["comment"], row["changes"])
        out.confirmBy = (row["confirm_by"] as Int64?).map { UInt64($0) }
        out.basis = (row["basis"] as Int64?).map { UInt64($0) }
        return out
    }
}
