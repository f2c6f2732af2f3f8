// The cheapest clock there is: the processor's own counter, for how long hooks run. Its rate is measured once by the master and
// kept in the shared header, so that every reader turns ticks into nanoseconds alike.
import CSluiceSys
import SluiceSystem

public enum TickClock {
    /// Ticks since some start; rises at a constant rate on every machine of the last fifteen years (invariant TSC, CNTVCT).
    @inlinable @inline(__always) public static var now: UInt64 { cs_ticks() }

    /// Ticks a microsecond, measured against the monotonic clock for two milliseconds. At start only.
    public static func measureRate() -> Double {
        let t0 = SystemClock.monotonicUs(), c0 = now
        while SystemClock.monotonicUs() &- t0 < 2_000 {}
        let t1 = SystemClock.monotonicUs(), c1 = now
        return Double(c1 &- c0) / Double(t1 &- t0)
    }
}
