// Which branch of a split serves a request. By hash the choice is a weighted rendezvous: each branch draws a number from the client's key and
// its own, the best draw wins. A branch's draw does not depend on the others or on their weights, so a change of weights moves exactly the
// clients that it must, and nobody between branches that did not change. Pure functions.
import SluiceRules

enum SplitChoice {
    typealias Branches = UnsafeBufferPointer<SplitBranch>

    /// By chance, in proportion to the weights. There is a weight above 0: the image was checked.
    static func byChance(_ branches: Branches, _ random: UInt64) -> Int {
        var total: UInt64 = 0
        for b in branches { total &+= UInt64(b.weight) }
        var at = random.multipliedFullWidth(by: total).high
        for i in 0..<branches.count {
            if at < UInt64(branches[i].weight) { return i }
            at &-= UInt64(branches[i].weight)
        }
        return 0
    }

    /// The branch of a client whose key has this hash.
    static func byHash(_ branches: Branches, _ hash: UInt64) -> Int {
        var best = 0
        var bestScore = -1.0
        for i in 0..<branches.count where branches[i].weight > 0 {
            let score = Double(branches[i].weight) / waiting(mixed(hash ^ mixed(branches[i].key)))
            if score > bestScore { (best, bestScore) = (i, score) }
        }
        return best
    }

    /// The branch with this key, as a cookie names it; -1: none, or none that takes requests.
    static func named(_ branches: Branches, _ key: UInt64) -> Int {
        for i in 0..<branches.count where branches[i].key == key && branches[i].weight > 0 { return i }
        return -1
    }

    /// The end of MurmurHash3: every bit of the input moves every bit.
    static func mixed(_ v: UInt64) -> UInt64 {
        var h = (v ^ (v >> 33)) &* 0xff51_afd7_ed55_8ccd
        h = (h ^ (h >> 33)) &* 0xc4ce_b9fe_1a85_ec53
        return h ^ (h >> 33)
    }

    /// -ln(u) for a u of 53 bits between 0 and 1: the time until the first event of a process of rate 1. Weights scale the rate, and the
    /// first of several processes is each with the probability of its share. The series is exact to 1e-7, and the same on all machines.
    private static func waiting(_ bits: UInt64) -> Double {
        let u = (Double(bits >> 11) + 0.5) / 9_007_199_254_740_992
        let m = u.significand  // 1..<2
        let t = (m - 1) / (m + 1), s = t * t
        let ln = 2 * t * (1 + s * (1.0 / 3 + s * (1.0 / 5 + s * (1.0 / 7 + s * (1.0 / 9 + s * (1.0 / 11 + s / 13))))))
        return -(ln + Double(u.exponent) * 0.693_147_180_559_945_3)
    }
}

/// Random numbers that decide nothing that matters to security (xorshift64*).
struct Chance {
    private var state = UInt64.random(in: 1...UInt64.max)
    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_f491_4f6c_dd1d
    }
}
