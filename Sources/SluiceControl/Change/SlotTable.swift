// Counter slots in shared memory by name. Pure; which names there are is decided by whoever assigns.

/// A name keeps its slot; a slot of a name that is gone is given away only when none is free, the one longest gone first.
struct SlotTable: Codable, Sendable, Equatable {
    private(set) var slots: [String: UInt32] = [:]
    /// Number of the assignment that named it last.
    private var named: [String: UInt64] = [:]
    private var assignments: UInt64 = 0
    let capacity: UInt32
    init(capacity: Int) { self.capacity = UInt32(capacity) }

    /// Gives each name a slot from 1; names past the capacity have none (0).
    mutating func assign(_ names: [String]) {
        assignments += 1
        for name in names { named[name] = assignments }
        var missing = names.filter { slots[$0] == nil }
        guard !missing.isEmpty else { return }
        var free = Set(1..<capacity).subtracting(slots.values).sorted(by: >)
        if free.count < missing.count {
            let gone = slots.keys.filter { named[$0] != assignments }.sorted { (named[$0] ?? 0, $0) < (named[$1] ?? 0, $1) }
            for name in gone.prefix(missing.count - free.count) {
                free.append(slots.removeValue(forKey: name)!)
                named[name] = nil
            }
        }
        missing.reverse()
        while let slot = free.popLast(), let name = missing.popLast() { slots[name] = slot }
    }
    func slot(_ name: String) -> UInt32 { slots[name] ?? 0 }

    /// Names with their slots that are `isOfInterest`.
    func filter(_ isOfInterest: (String) -> Bool) -> [String: UInt32] { slots.filter { isOfInterest($0.key) } }
}
