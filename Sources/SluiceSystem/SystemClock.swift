// The kernel's clocks in the units the house uses. Nothing here caches: the loop and the logs keep their own copies.
import CSluiceSys

public enum SystemClock {
    /// Milliseconds that never go back, for deadlines and durations. Excludes time asleep.
    @inlinable @inline(__always) public static func monotonicMs() -> UInt64 { monotonicNs() / 1_000_000 }
    @inlinable @inline(__always) public static func monotonicUs() -> UInt64 { monotonicNs() / 1_000 }
    @inlinable @inline(__always) public static func monotonicNs() -> UInt64 {
        var t = timespec()
        clock_gettime(CLOCK_MONOTONIC, &t)
        return UInt64(t.tv_sec) &* 1_000_000_000 &+ UInt64(t.tv_nsec)
    }
    /// Wall clock, Unix milliseconds.
    @inlinable @inline(__always) public static func realtimeMs() -> UInt64 { read(CLOCK_REALTIME) }
    /// Wall clock as of the last kernel tick (1 to 10 ms old), Unix milliseconds: a third of the price, good for log lines.
    @inlinable @inline(__always) public static func realtimeCoarseMs() -> UInt64 { read(CLOCK_REALTIME_COARSE) }

    @inlinable @inline(__always) static func read(_ clock: clockid_t) -> UInt64 {
        var t = timespec()
        clock_gettime(clock, &t)
        return UInt64(t.tv_sec) &* 1_000 &+ UInt64(t.tv_nsec) / 1_000_000
    }
}
