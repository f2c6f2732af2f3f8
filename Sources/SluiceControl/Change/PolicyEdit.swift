// What may be asked of the policies and what comes of it: the types that the admin API and the command line build on. Objects travel as
// JSON in the grammar of the file. How an edit becomes a revision is in `Control+Policy.swift`; what an edit would change is worked out
// in `PolicyPlan.swift`.
import SluiceModel

/// The kinds of objects that the store keeps, named as in the configuration file.
enum PolicyKind: String, Sendable, CaseIterable, Codable {
    case routes, clusters
    case globalPlugins = "global_plugins"
    case consumers, certificates
    case ipSets = "ip_sets"

    /// What one of them is called in messages.
    var one: String {
        switch self {
        case .routes: "route"
        case .clusters: "cluster"
        case .globalPlugins: "global plugin binding"
        case .consumers: "consumer"
        case .certificates: "certificate"
        case .ipSets: "ip set"
        }
    }
}

struct PolicyKey: Hashable, Sendable, CustomStringConvertible {
    var kind: PolicyKind
    var id: String
    /// "routes/users"
    var description: String { "\(kind.rawValue)/\(id)" }
}

/// Who changes something, as the audit shows it.
struct ChangeActor: Sendable, Equatable {
    /// Name of a token, "file", "local", "sluice" for what the gateway does by itself.
    var name: String
    /// Where the request came from; empty when from nowhere.
    var address = ""

    static let file = ChangeActor(name: "file")
    static let itself = ChangeActor(name: "sluice")
}

/// Opaque, without quotes; changes with every change of the object.
struct ETag: Hashable, Sendable {
    var text: String
    init(_ text: String) { self.text = text }
    /// The revision that last changed an object says exactly what is in it.
    init(revision: UInt64) { text = "r\(revision)" }
}

enum PolicyOperation: Sendable {
    /// Creates or replaces. `ifMatch`: one of these, or any when empty, must be the object's (412); nil = do not ask.
    case put(PolicyKind, id: String, JSONValue, ifMatch: [ETag]? = nil, ifNoneMatch: Bool = false)
    /// A merge patch (RFC 7396).
    case patch(PolicyKind, id: String, JSONValue, ifMatch: [ETag]? = nil)
    case delete(PolicyKind, id: String, ifMatch: [ETag]? = nil)
    /// Every object of the document; with `prune`, objects that it does not name go. Keys that are settings of the file only cause a warning.
    case apply(JSONValue, prune: Bool)
    /// The objects as they were at this revision.
    case rollback(UInt64)
}

/// Operations that become one revision, all or none.
struct PolicyEdit: Sendable {
    var operations: [PolicyOperation]
    var actor: ChangeActor
    var comment = ""
    /// Everything is checked and compiled, nothing is changed.
    var dryRun = false
    /// Goes back by itself unless confirmed within so many seconds (`Limits.confirmSecondsRange`).
    var confirmWithinSeconds: Int?
    /// The revision that it was made for; another one refuses it (412).
    var basedOn: UInt64?
    /// A whole document: its author wants to know what is odd in it.
    var isApply: Bool { operations.contains { if case .apply = $0 { true } else { false } } }

    init(
        _ operations: [PolicyOperation], actor: ChangeActor, comment: String = "", dryRun: Bool = false, confirmWithinSeconds: Int? = nil
    ) {
        self.operations = operations
        self.actor = actor
        self.comment = comment
        self.dryRun = dryRun
        self.confirmWithinSeconds = confirmWithinSeconds
    }
}

/// What an edit does to one object. `before` and `after` are unmasked: whoever shows them masks them (`maskedBefore`, `maskedAfter`).
struct PolicyChange: Sendable, Equatable {
    enum Kind: String, Sendable { case created, updated, deleted, unchanged }
    var key: PolicyKey
    var kind: Kind
    var before: PolicyValue?
    var after: PolicyValue?

    var maskedBefore: JSONValue? { before?.json(masked: true) }
    var maskedAfter: JSONValue? { after?.json(masked: true) }
}

struct PolicyReport: Sendable {
    /// The revision that runs now; of a dry run or when nothing changed the one that ran before.
    var revision: UInt64
    /// How each worker took it; nil when nothing was published.
    var outcome: ChangeOutcome?
    var changes: [PolicyChange]
    /// Of every object that the edit named and that is there now.
    var etags: [PolicyKey: ETag] = [:]
    var warnings: [String] = []
    /// Unix milliseconds; nil = holds without being confirmed.
    var confirmBy: UInt64?
}

/// One thing wrong with an edit.
struct PolicyProblem: Sendable, Equatable {
    /// Index into the operations of the edit.
    var operation = 0
    /// JSON pointer into the value of that operation; "" = the whole.
    var pointer: String
    /// What was found.
    var detail: String
    /// What may stand there; empty when `detail` says it.
    var allowed = ""

    /// The words of the file check: "found X; allowed: Y".
    init(operation: Int = 0, pointer: String, message: String) {
        self.operation = operation
        self.pointer = pointer
        let separator = "; allowed: "
        if let range = message.firstRange(of: separator) {
            (detail, allowed) = (String(message[..<range.lowerBound]), String(message[range.upperBound...]))
        } else {
            detail = message
        }
    }
    init(operation: Int = 0, pointer: String, found: String, allowed: String) {
        (self.operation, self.pointer, detail, self.allowed) = (operation, pointer, found, allowed)
    }
    /// One line for logs and lists.
    var line: String { (pointer.isEmpty ? "" : pointer + ": ") + detail + (allowed.isEmpty ? "" : "; allowed: \(allowed)") }
}

/// Hashes or seals what must not be kept as it was given. `api` has the real one; tests need none.
protocol SecretKeeping: Sendable {
    /// The object with its secrets as the store may keep them. `stored` is the object as it is there: a secret that equals its own is kept
    /// already. Called for every object of an edit and of the file, before it is compared with anything.
    func keep(_ value: PolicyValue, stored: PolicyValue?) throws -> PolicyValue
}

struct NoSecretKeeper: SecretKeeping {
    func keep(_ value: PolicyValue, stored: PolicyValue?) -> PolicyValue { value }
}
