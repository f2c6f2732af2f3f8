// The tables. A revision that is dropped or forgotten takes with it exactly what it alone needs; see `versions`.
import GRDB

enum StoreSchema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 policies") { try $0.execute(sql: first) }
        return migrator
    }

    private static let first = """
        -- What is not part of a revision: numbers that are never given twice.
        CREATE TABLE meta (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

        -- settings, ordering and control hold from their revision on: NULL = as in the one before.
        CREATE TABLE revisions (
            number INTEGER NOT NULL PRIMARY KEY,
            state TEXT NOT NULL CHECK (state IN ('pending', 'active')),
            kind TEXT NOT NULL,
            actor TEXT NOT NULL,
            address TEXT NOT NULL,
            comment TEXT NOT NULL,
            time INTEGER NOT NULL,
            changes INTEGER NOT NULL,
            settings TEXT,
            ordering TEXT,
            control TEXT,
            confirm_by INTEGER,
            basis INTEGER
        ) STRICT;
        CREATE INDEX revisions_waiting ON revisions (confirm_by) WHERE confirm_by IS NOT NULL;

        -- An object holds from from_revision until to_revision (NULL = still). Forgetting the revision that replaced a version forgets the
        -- version: no revision that is left can see it.
        CREATE TABLE versions (
            kind TEXT NOT NULL,
            id TEXT NOT NULL,
            from_revision INTEGER NOT NULL,
            to_revision INTEGER REFERENCES revisions (number) ON DELETE CASCADE,
            json TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL
        ) STRICT;
        CREATE UNIQUE INDEX versions_key ON versions (kind, id, from_revision);
        CREATE UNIQUE INDEX versions_current ON versions (kind, id) WHERE to_revision IS NULL;
        CREATE INDEX versions_from ON versions (from_revision);
        CREATE INDEX versions_to ON versions (to_revision);

        -- What the configuration file said of an object when it was last taken in.
        CREATE TABLE file_objects (
            kind TEXT NOT NULL,
            id TEXT NOT NULL,
            digest TEXT NOT NULL,
            from_revision INTEGER NOT NULL,
            to_revision INTEGER REFERENCES revisions (number) ON DELETE CASCADE
        ) STRICT;
        CREATE UNIQUE INDEX file_objects_current ON file_objects (kind, id) WHERE to_revision IS NULL;
        CREATE INDEX file_objects_from ON file_objects (from_revision);
        CREATE INDEX file_objects_to ON file_objects (to_revision);

        -- Counter slots of routes; not part of a revision, so that a slot keeps its counts whatever happens to a change.
        CREATE TABLE slots (
            name TEXT NOT NULL PRIMARY KEY,
            slot INTEGER NOT NULL,
            -- Number of the assignment after which it was gone; NULL = in use.
            gone INTEGER
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE audit (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            time INTEGER NOT NULL,
            actor TEXT NOT NULL,
            address TEXT NOT NULL,
            action TEXT NOT NULL,
            detail TEXT NOT NULL,
            -- Its diff, as long as that revision is kept.
            revision INTEGER
        ) STRICT;
        CREATE INDEX audit_actor ON audit (actor, number);
        """
}
