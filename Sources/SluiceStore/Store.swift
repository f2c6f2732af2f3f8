// The database of policies: objects, revisions, audit. SQLite by GRDB; nothing here knows HTTP, YAML or workers.
import GRDB
import SluiceModel

public enum StoreFormat {
    /// Of the library that is linked, for `sluice version` and error messages.
    public static func libraryVersion() throws -> String {
        try DatabaseQueue().read { try String.fetchOne($0, sql: "SELECT sqlite_version()") ?? "" }
    }
}
