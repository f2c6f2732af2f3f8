// Answers of the service, for a bounded time and in a bounded number. One for each configuration and worker; used on its thread only.

/// Two halves: what was used lately is in the young one. When that is full it becomes the old one, and the old one goes: a client that
/// invents keys makes nothing grow, and nothing is ever searched.
struct Cache {
    typealias Field = (name: String, value: String)
    private struct Entry {
        let fields: [Field]
        let endMs: UInt64
    }
    private var young: [String: Entry] = [:], old: [String: Entry] = [:]
    private let keepMs: UInt64
    private let halfMax: Int

    /// - Parameters:
    ///   - keepMs: how long an answer holds; 0: nothing is kept.
    ///   - entriesMax: 1 or more.
    init(keepMs: UInt64, entriesMax: Int) { (self.keepMs, halfMax) = (keepMs, max(1, entriesMax / 2)) }

    mutating func find(_ key: String, nowMs: UInt64) -> [Field]? {
        if let entry = young[key] { return nowMs < entry.endMs ? entry.fields : nil }
        guard let entry = old[key], nowMs < entry.endMs else { return nil }
        put(key, entry)
        return entry.fields
    }

    mutating func keep(_ key: String, _ fields: [Field], nowMs: UInt64) {
        if keepMs > 0 { put(key, Entry(fields: fields, endMs: nowMs + keepMs)) }
    }

    private mutating func put(_ key: String, _ entry: Entry) {
        if young.count >= halfMax { (old, young) = (young, [:]) }
        young[key] = entry
    }
}
