// When a dead child is started again. A decision without a clock or a process: times come in, a delay goes out.
import SluiceModel

/// A child that ran for a while is replaced at once, and so is one that died young for the first time. Only repeated deaths
/// within `rapidDeathMs` of the start wait, twice as long each time; `healthyMs` of life forgive everything.
struct RespawnPolicy {
    /// Deaths in a row soon after the start.
    private(set) var rapidDeaths = 0

    /// Milliseconds to wait before the next start.
    mutating func delayAfterDeath(livedMs: UInt64) -> UInt64 {
        if livedMs >= UInt64(Limits.healthyMs) { rapidDeaths = 0 }
        if livedMs >= UInt64(Limits.rapidDeathMs) { return 0 }
        rapidDeaths += 1
        if rapidDeaths == 1 { return 0 }
        let doublings = min(rapidDeaths - 2, 16)
        return min(UInt64(Limits.respawnDelayMsMax), UInt64(Limits.respawnDelayMsMin) << UInt64(doublings))
    }
}
