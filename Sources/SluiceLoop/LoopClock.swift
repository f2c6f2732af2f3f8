// The loop's clocks, read once a turn and cached: monotonic for timeouts and durations, wall time for logs and `Date`.
import CSluiceSys
import SluiceBytes

public struct LoopClock: ~Copyable {
    /// Monotonic microseconds at the last refresh.
    public private(set) var nowUs: UInt64 = 0
    /// The same in milliseconds.
    public private(set) var nowMs: UInt64 = 0
    /// Unix seconds at the last refresh of `date`.
    public private(set) var unixSeconds: Int64 = 0
    let text: UnsafeMutablePointer<UInt8>
    var dateAtMs: UInt64 = 0

    public init() {
        text = .allocate(capacity: 32)
        refresh()
        refreshDate()
    }
    deinit { text.deallocate() }

    /// One vDSO call.
    @inline(__always) public mutating func refresh() {
        nowUs = LoopClock.readUs()
        nowMs = nowUs / 1000
    }

    /// Monotonic microseconds right now.
    @inline(__always) public static func readUs() -> UInt64 {
        var t = timespec()
        clock_gettime(CLOCK_MONOTONIC, &t)
        return UInt64(t.tv_sec) &* 1_000_000 &+ UInt64(t.tv_nsec) / 1000
    }

    /// `Tue, 24 Nov 2026 13:00:00 GMT` (RFC 9110 section 5.6.7), at most a second old; valid until the next turn of the loop.
    @inline(__always) public mutating func date() -> ByteView {
        if nowMs &- dateAtMs >= 1000 { refreshDate() }
        return ByteView(text, 29)
    }

    @inline(never) mutating func refreshDate() {
        dateAtMs = nowMs
        var t = time(nil)
        unixSeconds = Int64(t)
        var parts = tm()
        gmtime_r(&t, &parts)
        let days: StaticString = "SunMonTueWedThuFriSat"
        let months: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"
        var p = text
        func raw(_ s: UnsafePointer<UInt8>, _ n: Int) { memcpy(p, s, n); p += n }
        func two(_ v: Int32) {
            p[0] = UInt8(truncatingIfNeeded: v / 10) &+ 48
            p[1] = UInt8(truncatingIfNeeded: v % 10) &+ 48
            p += 2
        }
        raw(days.utf8Start + Int(parts.tm_wday) * 3, 3)
        raw((", " as StaticString).utf8Start, 2)
        two(parts.tm_mday)
        raw((" " as StaticString).utf8Start, 1)
        raw(months.utf8Start + Int(parts.tm_mon) * 3, 3)
        raw((" " as StaticString).utf8Start, 1)
        let year = parts.tm_year + 1900
        two(year / 100)
        two(year % 100)
        raw((" " as StaticString).utf8Start, 1)
        two(parts.tm_hour)
        raw((":" as StaticString).utf8Start, 1)
        two(parts.tm_min)
        raw((":" as StaticString).utf8Start, 1)
        two(parts.tm_sec)
        raw((" GMT" as StaticString).utf8Start, 4)
    }
}
