// The control process's side of the store: revisions go in as texts and come out as configuration, table and state. What a revision is
// stands in SluiceStore; who decides to make one is `Control`.
import Foundation
import SluiceModel
import SluiceShared
import SluiceStore

/// Why a revision was made, for those who look at it later.
struct RevisionNote: Sendable {
    var kind: String
    var actor: ChangeActor
    var comment = ""
    /// Objects that differ from the revision before.
    var changes: [PolicyChange] = []
    /// The table with them; nil = none differ.
    var table: PolicyTable?
    /// What the file says now, where that is something else than before.
    var files: [FileWrite] = []
    /// Unix milliseconds until which it must be confirmed.
    var confirmBy: UInt64?
    /// The revision to go back to when it is not.
    var basis: UInt64?
    init(_ kind: String, _ actor: ChangeActor) { (self.kind, self.actor) = (kind, actor) }
}

/// What the store says of the present.
struct StoredPresent: Sendable {
    var configuration = Configuration()
    var table = PolicyTable()
    var state = ControlState()
    /// Nothing was ever kept there.
    var isEmpty = true
}

struct History: Sendable {
    let store: Store
    /// As last written, so that only what changed is written again.
    private var written = Texts()
    private struct Texts: Sendable { var settings, ordering, control, counters: String? }

    /// Opens or creates the store of a state directory, for its user alone.
    static func open(_ directory: StateDirectory, checking: Bool = true) throws(StoreProblem) -> History {
        let file = Glibc.open(directory.store, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw StoreProblem(FileProblem("open", directory.store).description) }
        Glibc.close(file)
        return History(store: try Store(path: directory.store, checking: checking))
    }

    private init(store: Store) { self.store = store }

    // Reading

    /// What the newest revision holds.
    mutating func present() throws -> StoredPresent {
        guard let newest = try store.revisions(limit: 1).first else { return StoredPresent() }
        var out = try past(newest.number, rows: try store.objects())
        written.settings = try store.text(.settings, at: newest.number)
        written.ordering = try store.text(.ordering, at: newest.number)
        written.control = try store.text(.control, at: newest.number)
        let counters = try store.counters()
        written.counters = counters.text
        if let text = counters.text { out.state.generations = try JSONDecoder().decode([String: UInt64].self, from: Data(text.utf8)) }
        (out.state.revision, out.state.lastRevision) = (newest.number, max(newest.number, counters.lastRevision))
        let slots = try store.slots()
        out.state.routeSlots = SlotTable(
            capacity: SharedLimits.routeSlots, slots: Dictionary(slots.compactMap { row in row.slot.map { (row.name, $0) } }) { a, _ in a },
            gone: Dictionary(slots.compactMap { row in row.gone.map { (row.name, $0) } }) { a, _ in a })
        return out
    }

    /// What `number` held; throws when it is not kept.
    func past(_ number: UInt64) throws -> StoredPresent {
        guard try store.revision(number)?.isActive == true else { throw StoreProblem("revision \(number) is not kept") }
        return try past(number, rows: try store.objects(at: number))
    }

    private func past(_ number: UInt64, rows: [ObjectRow]) throws -> StoredPresent {
        var out = StoredPresent()
        out.isEmpty = false
        if let text = try store.text(.settings, at: number) {
            out.configuration = ConfigurationDecoder.configuration(ConfigNode(json: try JSONReader.read(Array(text.utf8))))
        }
        if let text = try store.text(.control, at: number) {
            out.state = try JSONDecoder().decode(ControlState.self, from: Data(text.utf8))
        }
        var marks: [PolicyKey: PolicyTable.Mark] = [:]
        for row in rows {
            guard let value = try Self.value(row.kind, row.json) else { continue }
            out.configuration.set(value, at: out.configuration.count(value.key.kind))
            marks[value.key] = PolicyTable.Mark(revision: row.revision, createdAt: row.createdAt, updatedAt: row.updatedAt)
        }
        out.configuration.order(globalPlugins: try ordering(at: number))
        out.table = PolicyTable(out.configuration) { marks[$0] ?? PolicyTable.Mark(revision: number, createdAt: 0, updatedAt: 0) }
        out.configuration.plugins = out.state.sources
        return out
    }

    /// Global bindings as they ran at `number`.
    func ordering(at number: UInt64) throws -> [String] {
        guard let text = try store.text(.ordering, at: number) else { return [] }
        return (try JSONReader.read(Array(text.utf8)).array ?? []).compactMap(\.string)
    }

    /// Objects that differ between now and `number`, as they were then.
    func differences(since number: UInt64) throws -> [PolicyKey: PolicyValue?] {
        guard try store.revision(number)?.isActive == true else { throw StoreProblem("revision \(number) is not kept") }
        var out: [PolicyKey: PolicyValue?] = [:]
        for row in try store.differences(since: number) {
            guard let kind = PolicyKind(rawValue: row.kind) else { continue }
            out.updateValue(try row.json.flatMap { try Self.value(row.kind, $0) }, forKey: PolicyKey(kind: kind, id: row.id))
        }
        return out
    }

    func fileDigests() throws -> [PolicyKey: String] {
        Dictionary(
            try store.fileDigests().compactMap { row in
                PolicyKind(rawValue: row.kind).flatMap { kind in row.digest.map { (PolicyKey(kind: kind, id: row.id), $0) } }
            }
        ) { a, _ in a }
    }

    /// An object of the store; nil = of a kind that this version does not know.
    static func value(_ kind: String, _ json: String) throws -> PolicyValue? {
        guard let kind = PolicyKind(rawValue: kind) else { return nil }
        return PolicyValue(kind, ConfigNode(json: try JSONReader.read(Array(json.utf8))))
    }

    // Writing

    /// Writes the revision down before the workers hear of it.
    mutating func begin(_ assembly: Assembly, _ note: RevisionNote, after old: ControlState) throws {
        let state = assembly.state
        var row = RevisionRow(number: state.revision, kind: note.kind, actor: note.actor.name, time: UnixTime.nowMs)
        (row.address, row.comment, row.confirmBy, row.basis) = (note.actor.address, note.comment, note.confirmBy, note.basis)
        var pending = PendingRevision(row), next = written
        pending.objects = note.changes.filter { $0.kind != .unchanged }.map {
            ObjectWrite(kind: $0.key.kind.rawValue, id: $0.key.id, json: $0.after?.json(masked: false).text())
        }
        pending.files = note.files
        pending.slots = Self.slots(old.routeSlots, state.routeSlots)
        next.settings = ConfigurationEncoder.settings(assembly.configuration).text()
        next.ordering = JSONValue.strings(assembly.configuration.globalPlugins.map { PolicyValue.globalPlugin($0).key.id }).text()
        next.control = try Self.text(state)
        next.counters = try Self.text(state.generations)
        if next.settings != written.settings { pending.settings = next.settings }
        if next.ordering != written.ordering { pending.ordering = next.ordering }
        if next.control != written.control { pending.control = next.control }
        if next.counters != written.counters { pending.counters = next.counters }
        try store.begin(pending)
        written.counters = next.counters
        begun = next
    }
    /// Believed when the revision is.
    private var begun = Texts()

    mutating func activate(_ revision: UInt64) throws {
        try store.activate(revision)
        written = begun
    }

    func drop(_ revision: UInt64) throws { try store.drop(revision) }

    /// Numbers that something refused has used.
    mutating func keepCounters(_ state: ControlState) throws {
        let text = try Self.text(state.generations)
        try store.keep(counters: text, lastRevision: state.lastRevision)
        written.counters = text
    }

    private static func text(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    private static func slots(_ old: SlotTable, _ new: SlotTable) -> [SlotWrite] {
        guard old.slots != new.slots || old.gone != new.gone else { return [] }
        var out = old.slots.keys.filter { new.slots[$0] == nil }.map { SlotWrite(name: $0, slot: nil, gone: nil) }
        for (name, slot) in new.slots where old.slots[name] != slot || old.gone[name] != new.gone[name] {
            out.append(SlotWrite(name: name, slot: slot, gone: new.gone[name]))
        }
        return out
    }
}

extension Configuration {
    /// Puts the global bindings in the order of these ids; others follow as they stand.
    mutating func order(globalPlugins ids: [String]) {
        let places = Dictionary(ids.enumerated().map { ($0.element, $0.offset) }) { a, _ in a }
        globalPlugins = globalPlugins.enumerated().sorted {
            let a = places[PolicyValue.globalPlugin($0.element).key.id] ?? .max,
                b = places[PolicyValue.globalPlugin($1.element).key.id] ?? .max
            return (a, $0.offset) < (b, $1.offset)
        }.map(\.element)
    }
}
