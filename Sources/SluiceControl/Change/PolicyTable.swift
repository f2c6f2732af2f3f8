// Where each policy object stands in the configuration and since when it is as it is. Kept beside the configuration so that an edit finds
// and changes its objects without looking at the others. Pure; the one who changes both is `Control`.
import SluiceModel

/// An object as readers get it. Its JSON is made when it is asked for.
struct PolicyObject: Sendable {
    var key: PolicyKey
    var value: PolicyValue
    /// That last changed it.
    var revision: UInt64
    /// Unix milliseconds.
    var createdAt: UInt64
    var updatedAt: UInt64

    var id: String { key.id }
    var etag: ETag { ETag(revision: revision) }
    /// With its secrets as they are kept.
    var json: JSONValue { value.json(masked: false) }
    var masked: JSONValue { value.json(masked: true) }
}

struct PolicyTable: Sendable {
    /// Of one object.
    struct Mark: Sendable, Equatable {
        var revision: UInt64
        /// Unix milliseconds.
        var createdAt: UInt64
        var updatedAt: UInt64
    }
    struct Entry: Sendable {
        /// Into the list of its kind.
        var index: Int
        var mark: Mark
    }
    private var lists: [PolicyKind: [String: Entry]] = [:]

    init() {}

    /// - Parameter mark: since when an object is as it is.
    init(_ configuration: Configuration, mark: (PolicyKey) -> Mark) {
        for kind in PolicyKind.allCases {
            var list = [String: Entry](minimumCapacity: configuration.count(kind))
            for index in 0..<configuration.count(kind) {
                let key = configuration.policy(kind, at: index).key
                list[key.id] = Entry(index: index, mark: mark(key))
            }
            lists[kind] = list
        }
    }

    subscript(key: PolicyKey) -> Entry? { lists[key.kind]?[key.id] }

    func object(_ key: PolicyKey, in configuration: Configuration) -> PolicyObject? {
        guard let entry = self[key] else { return nil }
        let value = configuration.policy(key.kind, at: entry.index), mark = entry.mark
        return PolicyObject(key: key, value: value, revision: mark.revision, createdAt: mark.createdAt, updatedAt: mark.updatedAt)
    }

    /// In the order of the configuration.
    func objects(_ kind: PolicyKind, in configuration: Configuration) -> [PolicyObject] {
        let list = lists[kind] ?? [:]
        return (0..<configuration.count(kind)).compactMap { index in
            let value = configuration.policy(kind, at: index), key = value.key
            guard let mark = list[key.id]?.mark else { return nil }
            return PolicyObject(key: key, value: value, revision: mark.revision, createdAt: mark.createdAt, updatedAt: mark.updatedAt)
        }
    }

    /// Makes the changes of `revision` in the configuration and notes them.
    mutating func make(_ changes: [PolicyChange], in configuration: inout Configuration, revision: UInt64, now: UInt64) {
        for change in changes where change.kind != .unchanged {
            let key = change.key, old = self[key]
            if let value = change.after {
                let index = old?.index ?? configuration.count(key.kind)
                configuration.set(value, at: index)
                lists[key.kind, default: [:]][key.id] = Entry(
                    index: index, mark: Mark(revision: revision, createdAt: old?.mark.createdAt ?? now, updatedAt: now))
            } else if let old {
                configuration.removePolicy(key.kind, at: old.index)
                lists[key.kind]?[key.id] = nil
                moved(key.kind, from: old.index, in: configuration)
            }
        }
    }

    /// The list of this kind was put in another order.
    mutating func reindex(_ kind: PolicyKind, in configuration: Configuration) {
        for index in 0..<configuration.count(kind) { lists[kind]?[configuration.policy(kind, at: index).key.id]?.index = index }
    }

    /// After an object at `index` went: one other, or all behind it, stand somewhere else.
    private mutating func moved(_ kind: PolicyKind, from index: Int, in configuration: Configuration) {
        let count = configuration.count(kind)
        for i in index..<max(index, kind.isOrdered ? count : min(index + 1, count)) {
            lists[kind]![configuration.policy(kind, at: i).key.id]!.index = i
        }
    }
}
