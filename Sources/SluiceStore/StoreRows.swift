// Rows as values: what goes into the database and what comes out. Times are Unix milliseconds.

/// One revision, without its objects.
public struct RevisionRow: Sendable, Equatable {
    public var number: UInt64
    /// False: written down, not yet taken by the workers.
    public var isActive = false
    /// "edit", "apply", "rollback", "file", "start", "plugin", "revert".
    public var kind: String
    public var actor: String
    public var address = ""
    public var comment = ""
    public var time: UInt64
    /// How many objects it changed.
    public var changes = 0
    /// Until then it must be confirmed; nil = need not, or was.
    public var confirmBy: UInt64?
    /// The revision to go back to when it is not.
    public var basis: UInt64?
    public init(number: UInt64, kind: String, actor: String, time: UInt64) {
        (self.number, self.kind, self.actor, self.time) = (number, kind, actor, time)
    }
}

/// An object as it is, or was.
public struct ObjectRow: Sendable, Equatable {
    public var kind: String
    public var id: String
    public var json: String
    /// That made it so.
    public var revision: UInt64
    public var createdAt: UInt64
    public var updatedAt: UInt64
}

/// nil = gone.
public struct ObjectWrite: Sendable, Equatable {
    public var kind: String
    public var id: String
    public var json: String?
    public init(kind: String, id: String, json: String?) { (self.kind, self.id, self.json) = (kind, id, json) }
}

/// What the file says of an object; nil = nothing any more.
public struct FileWrite: Sendable, Equatable {
    public var kind: String
    public var id: String
    public var digest: String?
    public init(kind: String, id: String, digest: String?) { (self.kind, self.id, self.digest) = (kind, id, digest) }
}

/// A counter slot; `slot` nil = the name has none any more.
public struct SlotWrite: Sendable, Equatable {
    public var name: String
    public var slot: UInt32?
    public var gone: UInt64?
    public init(name: String, slot: UInt32?, gone: UInt64?) { (self.name, self.slot, self.gone) = (name, slot, gone) }
}

/// A revision before the workers have it. Texts that are nil are as in the revision before.
public struct PendingRevision: Sendable {
    public var row: RevisionRow
    public var objects: [ObjectWrite] = []
    public var files: [FileWrite] = []
    public var slots: [SlotWrite] = []
    public var settings: String?
    public var ordering: String?
    public var control: String?
    /// Kept even when the revision is dropped.
    public var counters: String?
    public init(_ row: RevisionRow) { self.row = row }
}

/// One object of a revision's diff.
public struct ChangeRow: Sendable, Equatable {
    public var kind: String
    public var id: String
    public var before: String?
    public var after: String?
}

public struct AuditRow: Sendable, Equatable {
    public var number: UInt64 = 0
    public var time: UInt64
    public var actor: String
    public var address = ""
    /// The revision's kind, or what api calls it ("token created", "refused").
    public var action: String
    public var detail = ""
    public var revision: UInt64?
    public init(time: UInt64, actor: String, action: String) { (self.time, self.actor, self.action) = (time, actor, action) }
}
