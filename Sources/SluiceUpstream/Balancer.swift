// Picks a target of a cluster: smooth weighted round robin, the order nginx users know (weights 5,1,1 give a a b a c a a).
// Pure arithmetic on the snapshot's own state; other algorithms join here behind the same face.
import SluiceRules

public enum Balancer {
    /// Index of the next target within the cluster, or -1 when every one is excluded.
    /// - Parameters:
    ///   - state: one Int32 per target, zero at first, owned by the snapshot.
    ///   - tried: bit i set = target i has been tried by this request (targets from 64 on are never excluded).
    @inline(__always) public static func pick(
        _ targets: UnsafePointer<TargetRecord>, count: Int, state: UnsafeMutablePointer<Int32>, tried: UInt64
    ) -> Int {
        if count == 1 { return tried & 1 == 0 ? 0 : -1 }
        return pickWeighted(targets, count, state, tried)
    }

    @inline(never) static func pickWeighted(
        _ targets: UnsafePointer<TargetRecord>, _ count: Int, _ state: UnsafeMutablePointer<Int32>, _ tried: UInt64
    ) -> Int {
        var best = -1
        var total: Int32 = 0
        for i in 0..<count {
            if i < 64 && tried & (1 << UInt64(i)) != 0 { continue }
            let w = Int32(truncatingIfNeeded: targets[i].weight)
            state[i] &+= w
            total &+= w
            if best < 0 || state[i] > state[best] { best = i }
        }
        if best >= 0 { state[best] &-= total }
        return best
    }
}
