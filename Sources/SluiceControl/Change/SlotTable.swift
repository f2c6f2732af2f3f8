// Counter slots in shared memory by name. Pure; which names there are is decided by whoever assigns.

/// A name keeps its slot; a slot of a name that is gone is given away only when none is free, the one longest gone first.
struct SlotTable: Codable, Sendable, Equatable {
    private(set) var slots: [String: UInt32] = [:]
    /// Names that have a slot and are not there any more, with the number of the assignment that missed them first.
    private(set) var gone: [String: UInt64] = [:]
    private var assignments: UInt64 = 0
    let capacity: UInt32
    init(capacity: Int) { self.capacity = UInt32(capacity) }

    /// As it was kept somewhere.
    init(capacity: Int, slots: [String: UInt32], gone: [String: UInt64]) {
        self.capacity = UInt32(capacity)
        self.slots = slots.filter { (1..<UInt32(capacity)).contains($0.value) }
        self.gone = gone.filter { slots[$0.key] != nil }
        assignments = gone.values.max() ?? 0
    }

    /// Gives each name a slot from 1; names past the capacity have none (0).
    mutating func assign(_ names: [String]) {
        let present = Set(names)
        change(added: names, removed: slots.keys.filter { !present.contains($0) && gone[$0] == nil })
    }

    /// The same when only these came and went.
    mutating func change(added: [String], removed: [String]) {
        assignments += 1
        for name in removed where slots[name] != nil { gone[name] = assignments }
        for name in added { gone[name] = nil }
        var missing = added.filter { slots[$0] == nil }
        guard !missing.isEmpty else { return }
        var free = Set(1..<capacity).subtracting(slots.values).sorted(by: >)
        if free.count < missing.count {
            for (name, _) in gone.sorted(by: { ($0.value, $0.key) < ($1.value, $1.key) }).prefix(missing.count - free.count) {
                free.append(slots.removeValue(forKey: name)!)
                gone[name] = nil
            }
        }
        missing.reverse()
        while let slot = free.popLast(), let name = missing.popLast() { slots[name] = slot }
    }
    func slot(_ name: String) -> UInt32 { slots[name] ?? 0 }

    /// Names with their slots that are `isOfInterest`.
    func filter(_ isOfInterest: (String) -> Bool) -> [String: UInt32] { slots.filter { isOfInterest($0.key) } }
}
