// Points in time as text for logs, formatted once per second and patched for the milliseconds. RFC 3339 in UTC for error
// lines and JSON, the local form of the common log format for the combined access log.
import SluiceSystem

/// A time text that is remade only when the second changes. Plain data; one per log.
public struct TimeText {
    public enum Form: Sendable { case rfc3339, common }
    let form: Form
    var second: UInt64 = .max
    var bytes = InlineArray<40, UInt8>(repeating: 0)
    var count = 0

    public init(_ form: Form) { self.form = form }

    /// Writes the text of `ms` (Unix milliseconds) to `out` (at least 40 bytes of room); returns how many bytes.
    /// `2026-11-24T13:00:00.123Z` or `24/Nov/2026:13:00:00 +0000`.
    public mutating func write(_ ms: UInt64, to out: UnsafeMutablePointer<UInt8>) -> Int {
        let s = ms / 1000
        if s != second { remake(s) }
        // All 40 bytes, whatever the count: a copy of fixed size is a few moves.
        withUnsafeBytes(of: &bytes) { UnsafeMutableRawPointer(out).copyMemory(from: $0.baseAddress.unsafelyUnwrapped, byteCount: 40) }
        if form == .rfc3339 {
            let rest = ms % 1000
            out[20] = UInt8(0x30 + rest / 100)
            out[21] = UInt8(0x30 + rest / 10 % 10)
            out[22] = UInt8(0x30 + rest % 10)
        }
        return count
    }

    mutating func remake(_ s: UInt64) {
        second = s
        count = 0
        var t = tm()
        var seconds = time_t(s)
        if form == .rfc3339 {
            gmtime_r(&seconds, &t)
            put(Int(t.tm_year) + 1900, 4, "-")
            put(Int(t.tm_mon) + 1, 2, "-")
            put(Int(t.tm_mday), 2, "T")
            putClock(t)
            put(".000Z")
        } else {
            localtime_r(&seconds, &t)
            put(Int(t.tm_mday), 2, "/")
            put(TimeText.month(Int(t.tm_mon)))
            put("/")
            put(Int(t.tm_year) + 1900, 4, ":")
            putClock(t)
            put(t.tm_gmtoff < 0 ? " -" : " +")
            let minutes = abs(Int(t.tm_gmtoff)) / 60
            put(minutes / 60 * 100 + minutes % 60, 4, "")
        }
    }

    static func month(_ i: Int) -> StaticString {
        switch i {
        case 0: "Jan"
        case 1: "Feb"
        case 2: "Mar"
        case 3: "Apr"
        case 4: "May"
        case 5: "Jun"
        case 6: "Jul"
        case 7: "Aug"
        case 8: "Sep"
        case 9: "Oct"
        case 10: "Nov"
        default: "Dec"
        }
    }
    mutating func putClock(_ t: tm) {
        put(Int(t.tm_hour), 2, ":")
        put(Int(t.tm_min), 2, ":")
        put(Int(t.tm_sec), 2, "")
    }
    mutating func put(_ s: StaticString) {
        for i in 0..<s.utf8CodeUnitCount {
            bytes[count] = s.utf8Start[i]
            count += 1
        }
    }
    mutating func put(_ value: Int, _ digits: Int, _ after: StaticString) {
        var v = value
        for i in stride(from: digits - 1, through: 0, by: -1) {
            bytes[count + i] = UInt8(0x30 + v % 10)
            v /= 10
        }
        count += digits
        put(after)
    }
}
