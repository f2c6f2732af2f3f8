// Routes between two images: which are new, changed or gone, and which index each has. A route keeps its index as long as it can, so that
// what was made of it stays right; how its record and patterns are made is in `ImageCompiler+Routes.swift`.
import SluiceModel

/// What differs between two lists of routes.
struct RouteDifference {
    var removed: [String] = []
    /// Places in the new list.
    var changed: [Int] = []
    var added: [Int] = []

    init(from old: [Route], to new: [Route]) {
        var first = 0
        var oldEnd = old.count
        var newEnd = new.count
        old.withUnsafeBufferPointer { old in
            new.withUnsafeBufferPointer { new in
                while first < oldEnd, first < newEnd, old[first] == new[first] { first += 1 }
                while oldEnd > first, newEnd > first, old[oldEnd - 1] == new[newEnd - 1] {
                    oldEnd -= 1
                    newEnd -= 1
                }
            }
        }
        var before: [String: Int] = [:]
        for i in first..<oldEnd { before[old[i].id] = i }
        for i in first..<newEnd {
            guard let was = before.removeValue(forKey: new[i].id) else {
                added.append(i)
                continue
            }
            if old[was] != new[i] { changed.append(i) }
        }
        removed = Array(before.keys)
    }
}

/// Where routes stand in the image; indices are dense.
struct RouteTable {
    /// As the configuration before listed them.
    private(set) var last: [Route] = []
    private(set) var slots: [String: UInt32] = [:]
    /// By index: what its groups know it by, and how many combinations of host and path it has.
    private(set) var keys: [GroupKey] = []
    private(set) var combinations: [UInt32] = []
    private(set) var combinationCount = 0
    /// By index: its run of groups.
    private var groupRuns: [(first: Int, count: Int)] = []
    private var groupList: [Int32] = []
    private var version: UInt64 = 0
    /// Routes that were placed since the table was new.
    private(set) var placements = 0

    /// One step of a change: the route at `place` of the new list gets index `slot`.
    struct Placement {
        var place: Int
        var slot: UInt32
        var isNew: Bool
    }

    /// What is to be done for the new list: indices whose patterns go, and routes that are to be placed.
    mutating func plan(_ new: [Route]) -> (stale: [UInt32], placements: [Placement], count: Int) {
        let difference = RouteDifference(from: last, to: new)
        last = new
        var stale: [UInt32] = []
        var placements: [Placement] = []
        var holes: [UInt32] = difference.removed.compactMap { slots.removeValue(forKey: $0) }
        stale += holes
        holes.sort(by: >)
        var count = keys.count
        for place in difference.added {
            let slot = holes.popLast() ?? UInt32(count)
            if slot == UInt32(count) { count += 1 }
            placements.append(Placement(place: place, slot: slot, isNew: true))
        }
        // Indices stay dense: the last routes move into what is still open.
        var moved: [UInt32: UInt32] = [:]
        count -= holes.count
        let open = Set(holes)
        var low = holes.filter { $0 < count }
        for slot in UInt32(count)..<UInt32(count + holes.count) where !open.contains(slot) { moved[slot] = low.removeLast() }
        for place in difference.changed {
            let slot = slots[new[place].id]!
            stale.append(slot)
            placements.append(Placement(place: place, slot: moved.removeValue(forKey: slot) ?? slot, isNew: false))
        }
        if !moved.isEmpty {
            for (place, route) in new.enumerated() {
                guard let slot = slots[route.id], let hole = moved.removeValue(forKey: slot) else { continue }
                stale.append(slot)
                placements.append(Placement(place: place, slot: hole, isNew: false))
                if moved.isEmpty { break }
            }
        }
        return (stale, placements, count)
    }

    /// Groups of a route.
    func groups(of slot: UInt32) -> ArraySlice<Int32> {
        let run = groupRuns[Int(slot)]
        return groupList[run.first..<run.first + run.count]
    }

    /// - Returns: nil when another route has the id.
    mutating func put(_ id: String, _ p: Placement, groups: [Int32], combinations n: Int) -> GroupKey? {
        if slots.updateValue(p.slot, forKey: id) != nil && p.isNew { return nil }
        version += 1
        placements += 1
        let key = GroupKey(low: RouteTable.mix(version), high: RouteTable.mix(~version))
        let run = (groupList.count, groups.count)
        groupList += groups
        if Int(p.slot) == keys.count {
            keys.append(key)
            combinations.append(UInt32(n))
            groupRuns.append(run)
        } else {
            combinationCount -= Int(combinations[Int(p.slot)])
            (keys[Int(p.slot)], combinations[Int(p.slot)], groupRuns[Int(p.slot)]) = (key, UInt32(n), run)
        }
        combinationCount += n
        return key
    }

    mutating func truncate(_ count: Int) {
        for i in count..<max(count, keys.count) { combinationCount -= Int(combinations[i]) }
        keys.removeLast(max(0, keys.count - count))
        combinations.removeLast(max(0, combinations.count - count))
        groupRuns.removeLast(max(0, groupRuns.count - count))
    }

    /// The finishing steps of splitmix64: sums of such numbers tell sets apart.
    private static func mix(_ n: UInt64) -> UInt64 {
        var z = n &* 0x9e37_79b9_7f4a_7c15
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }
}
