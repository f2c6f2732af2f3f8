// Points of time and spans as CEL knows them: seconds and nanoseconds since 1970 in UTC, years 1 to 9999, the proleptic Gregorian calendar,
// their texts (RFC 3339, "1h30m"), without Foundation and without the time zone database: zones are UTC and fixed offsets.
import SluiceBytes

/// A date and time of day as people count them; months and days from 1.
struct CivilTime {
    var year: Int, month: Int, day: Int
    var hour: Int, minute: Int, second: Int

    static let secondsMin: Int64 = -62_135_596_800  // 0001-01-01T00:00:00Z
    static let secondsMax: Int64 = 253_402_300_799  // 9999-12-31T23:59:59Z

    init(seconds: Int64) {
        let days = (seconds >= 0 ? seconds : seconds - 86_399) / 86_400
        let rest = Int(seconds - days * 86_400)
        (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60)
        // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
        let z = Int(days) + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let doe = z - era * 146_097
        let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100)
        let mp = (5 * doy + 2) / 153
        day = doy - (153 * mp + 2) / 5 + 1
        month = mp < 10 ? mp + 3 : mp - 9
        year = yoe + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// Days since 1970-01-01 (days_from_civil of the same paper).
    static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yoe = y - era * 400
        let doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
    }
    static func daysIn(_ month: Int, _ year: Int) -> Int {
        month == 2
            ? (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28)
            : month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31
    }
    /// From 0.
    var dayOfYear: Int { Self.days(year, month, day) - Self.days(year, 1, 1) }
    /// 0 = Sunday.
    var dayOfWeek: Int { ((Self.days(year, month, day) + 4) % 7 + 7) % 7 }

    /// A point of time moved by nanoseconds, or an error outside years 1...9999.
    static func moved(_ t: Value, by nanoseconds: Int64) -> Value {
        var seconds = t.asInt + nanoseconds / 1_000_000_000
        var nanos = Int64(t.aux) + nanoseconds % 1_000_000_000
        if nanos < 0 { (nanos, seconds) = (nanos + 1_000_000_000, seconds - 1) }
        if nanos >= 1_000_000_000 { (nanos, seconds) = (nanos - 1_000_000_000, seconds + 1) }
        return point(seconds, UInt32(nanos))
    }
    static func between(_ x: Value, _ y: Value) -> Value {
        let whole = (x.asInt - y.asInt).multipliedReportingOverflow(by: 1_000_000_000)
        let all = whole.partialValue.addingReportingOverflow(Int64(x.aux) - Int64(y.aux))
        return whole.overflow || all.overflow ? .error(.overflow) : .duration(nanoseconds: all.partialValue)
    }
    static func point(_ seconds: Int64, _ nanos: UInt32) -> Value {
        (secondsMin...secondsMax).contains(seconds) ? .timestamp(seconds: seconds, nanoseconds: nanos) : .error(.overflow)
    }

    // MARK: Texts

    /// RFC 3339 section 5.6, with a zone; nil for anything else.
    static func parse(_ v: ByteView) -> Value? {
        var s = Scanner(v)
        guard let year = s.number(4, 1...9_999), s.skip(0x2d), let month = s.number(2, 1...12), s.skip(0x2d),
            let day = s.number(2, 1...daysIn(month, year)), s.skip(0x54) || s.skip(0x74), let hour = s.number(2, 0...23), s.skip(0x3a),
            let minute = s.number(2, 0...59), s.skip(0x3a), let second = s.number(2, 0...59)
        else { return nil }
        var nanos = 0
        if s.skip(0x2e) {
            guard let n = s.fraction() else { return nil }
            nanos = n
        }
        var zone = 0
        if !(s.skip(0x5a) || s.skip(0x7a)) {
            guard let offset = s.offset() else { return nil }
            zone = offset
        }
        if !s.isAtEnd { return nil }
        let seconds = Int64(days(year, month, day)) * 86_400 + Int64(hour * 3_600 + minute * 60 + second - zone)
        return point(seconds, UInt32(nanos))
    }

    /// Seconds east of UTC of "UTC", "Z", "+01:00", "-8:00"; nil: unknown.
    static func zone(_ v: ByteView) -> Int? {
        if v.isEmpty || v.equals("UTC") || v.equals("Z") || v.equals("GMT") || v.equals("Etc/UTC") { return 0 }
        var s = Scanner(v)
        guard let offset = s.offset(), s.isAtEnd else { return nil }
        return offset
    }

    static func text(_ t: Value) -> String {
        let c = CivilTime(seconds: t.asInt)
        let date = "\(padded(c.year, 4))-\(padded(c.month, 2))-\(padded(c.day, 2))"
        return "\(date)T\(padded(c.hour, 2)):\(padded(c.minute, 2)):\(padded(c.second, 2))\(fraction(Int64(t.aux)))Z"
    }
    /// "5400s", "-0.5s": seconds, as CEL's string(duration).
    static func durationText(_ nanoseconds: Int64) -> String {
        let size = nanoseconds.magnitude
        return "\(nanoseconds < 0 ? "-" : "")\(size / 1_000_000_000)\(fraction(Int64(size % 1_000_000_000)))s"
    }
    private static func padded(_ n: Int, _ width: Int) -> String {
        let s = String(n)
        return String(repeating: "0", count: max(0, width - s.utf8.count)) + s
    }
    private static func fraction(_ nanos: Int64) -> String {
        if nanos == 0 { return "" }
        var s = padded(Int(nanos), 9)
        while s.last == "0" { s.removeLast() }
        return "." + s
    }
}

extension ByteView {
    @inline(__always) fileprivate func equals(_ s: StaticString) -> Bool { equals(ByteView(s)) }
}

/// Reads a time from left to right.
private struct Scanner {
    let v: ByteView
    var at = 0
    init(_ v: ByteView) { self.v = v }
    var isAtEnd: Bool { at == v.count }

    mutating func skip(_ c: UInt8) -> Bool {
        if at < v.count && v[at] == c {
            at += 1
            return true
        }
        return false
    }
    /// Exactly `width` digits.
    mutating func number(_ width: Int, _ allowed: ClosedRange<Int>) -> Int? {
        if at + width > v.count { return nil }
        var n = 0
        for i in at..<at + width {
            if !ASCII.isDigit(v[i]) { return nil }
            n = n * 10 + Int(v[i] - 0x30)
        }
        if !allowed.contains(n) { return nil }
        at += width
        return n
    }
    /// 1 to 9 digits behind the point, as nanoseconds.
    mutating func fraction() -> Int? {
        var n = 0, digits = 0
        while at < v.count, ASCII.isDigit(v[at]) {
            if digits == 9 { return nil }
            n = n * 10 + Int(v[at] - 0x30)
            digits += 1
            at += 1
        }
        if digits == 0 { return nil }
        for _ in digits..<9 { n *= 10 }
        return n
    }
    /// [+-]h:mm or hh:mm, in seconds.
    mutating func offset() -> Int? {
        let isWest = skip(0x2d)
        if !isWest { _ = skip(0x2b) }
        let width = at + 1 < v.count && v[at + 1] == 0x3a ? 1 : 2
        guard let h = number(width, 0...23), skip(0x3a), let m = number(2, 0...59) else { return nil }
        return (isWest ? -1 : 1) * (h * 3_600 + m * 60)
    }
}

/// Spans as Go writes them: "1h30m", "-1.5s", "300ms", "2us".
enum DurationText {
    static func parse(_ v: ByteView) -> Int64? {
        var i = 0
        var isNegative = false
        if i < v.count, v[i] == 0x2d || v[i] == 0x2b {
            isNegative = v[i] == 0x2d
            i += 1
        }
        if v.count - i == 1 && v[i] == 0x30 { return 0 }
        if i == v.count { return nil }
        var total: Int64 = 0
        while i < v.count {
            guard let part = part(v, &i) else { return nil }
            let sum = total.subtractingReportingOverflow(part)  // negative, so that the least value can be said
            if sum.overflow { return nil }
            total = sum.partialValue
        }
        if isNegative { return total }
        return total == .min ? nil : -total
    }

    /// A number with its unit, in nanoseconds.
    private static func part(_ v: ByteView, _ i: inout Int) -> Int64? {
        var whole: Int64 = 0, fraction = 0.0, scale = 1.0, digits = 0
        while i < v.count, ASCII.isDigit(v[i]) {
            let n = whole.multipliedReportingOverflow(by: 10)
            let m = n.partialValue.addingReportingOverflow(Int64(v[i] - 0x30))
            if n.overflow || m.overflow { return nil }
            whole = m.partialValue
            digits += 1
            i += 1
        }
        if i < v.count, v[i] == 0x2e {
            i += 1
            while i < v.count, ASCII.isDigit(v[i]) {
                if scale < 1e15 { (fraction, scale) = (fraction * 10 + Double(v[i] - 0x30), scale * 10) }
                digits += 1
                i += 1
            }
        }
        guard digits > 0, let unit = unit(v, &i) else { return nil }
        let n = whole.multipliedReportingOverflow(by: unit)
        let m = n.partialValue.addingReportingOverflow(Int64((fraction * Double(unit) / scale).rounded(.down)))
        return n.overflow || m.overflow ? nil : m.partialValue
    }
    private static func unit(_ v: ByteView, _ i: inout Int) -> Int64? {
        let from = i
        while i < v.count, !ASCII.isDigit(v[i]), v[i] != 0x2e { i += 1 }
        let word = ByteView(v.start + from, i - from)
        if word.equals("h") { return 3_600_000_000_000 }
        if word.equals("m") { return 60_000_000_000 }
        if word.equals("s") { return 1_000_000_000 }
        if word.equals("ms") { return 1_000_000 }
        if word.equals("us") || word.equals("µs") || word.equals("μs") { return 1_000 }
        return word.equals("ns") ? 1 : nil
    }
}
