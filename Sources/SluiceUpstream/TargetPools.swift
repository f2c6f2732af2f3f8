// One pool of kept connections per upstream target, found again by key when a new image names the same target, so that a
// change of routes or of other targets closes nothing. The connections themselves live in the pipeline's slab; a pool
// only knows the index of its most recently used idle one.
import SluiceBytes
import SluiceRules

/// Idle connections and counts of one target in this worker.
public struct TargetPool {
    public var key: UInt64 = 0
    public var address = AddressRecord()
    /// Slab index of the last connection put back (the list goes on inside the connections), -1 = none.
    public var idleHead: Int32 = -1
    public var idleCount: Int32 = 0
    public var idleMax: UInt32 = 0
    public var idleTimeoutMs: UInt32 = 0
    /// Requests on this target now.
    public var active: Int32 = 0
    /// Snapshots that name the target; at 0 its idle connections are closed and the slot is free.
    public var snapshots: Int32 = 0
}

/// Pools by slot number; slots are stable while any snapshot names them. One worker, one thread.
public struct TargetPools: ~Copyable {
    public private(set) var slots: UnsafeMutablePointer<TargetPool>
    public private(set) var count = 0
    var capacity = 64

    public init() { slots = .allocate(capacity: capacity) }
    deinit { slots.deallocate() }

    /// Slots for all targets of an image, in its order; each is claimed once for the snapshot that asks.
    public mutating func claim(_ image: ImageView, into out: UnsafeMutablePointer<UInt32>) {
        var byKey: [UInt64: Int] = [:]
        byKey.reserveCapacity(count)
        var spare: [Int] = []
        for i in 0..<count {
            if slots[i].snapshots > 0 { byKey[slots[i].key] = i } else { spare.append(i) }
        }
        for cluster in image.clusters {
            for t in Int(cluster.firstTarget)..<Int(cluster.firstTarget + cluster.targetCount) {
                let target = image.targets[t]
                let slot = byKey[target.key] ?? spare.popLast() ?? grow()
                if byKey[target.key] == nil {
                    slots[slot] = TargetPool()
                    slots[slot].key = target.key
                    byKey[target.key] = slot
                }
                slots[slot].address = target.address
                slots[slot].idleMax = cluster.idleMax
                slots[slot].idleTimeoutMs = cluster.idleTimeoutMs
                slots[slot].snapshots += 1
                out[t] = UInt32(slot)
            }
        }
    }

    mutating func grow() -> Int {
        if count == capacity {
            let bigger = UnsafeMutablePointer<TargetPool>.allocate(capacity: capacity * 2)
            bigger.moveInitialize(from: slots, count: count)
            slots.deallocate()
            slots = bigger
            capacity *= 2
        }
        (slots + count).initialize(to: TargetPool())
        count += 1
        return count - 1
    }
}
