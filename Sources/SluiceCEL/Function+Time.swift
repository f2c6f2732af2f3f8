// The parts of a point of time in a zone, and of a span: CEL's getFullYear to getMilliseconds, with its habit of counting some from 0.
import SluiceBytes

enum TimeFunctions {
    static func call(_ f: Function, _ x: UnsafeMutablePointer<Value>, _ n: Int) -> Value {
        if x[0].tag == .duration { return n == 1 ? ofSpan(f, x[0].asInt) : .error(.noSuchOverload) }
        guard x[0].tag == .timestamp else { return .error(.noSuchOverload) }
        var offset = 0
        if n == 2 {
            guard x[1].tag == .string else { return .error(.noSuchOverload) }
            guard let zone = CivilTime.zone(x[1].view) else { return .error(.unknownTimeZone) }
            offset = zone
        }
        let t = CivilTime(seconds: x[0].asInt + Int64(offset))
        switch f {
        case .getFullYear: return .int(t.year)
        case .getMonth: return .int(t.month - 1)
        case .getDayOfYear: return .int(t.dayOfYear)
        case .getDayOfMonth: return .int(t.day - 1)
        case .getDate: return .int(t.day)
        case .getDayOfWeek: return .int(t.dayOfWeek)
        case .getHours: return .int(t.hour)
        case .getMinutes: return .int(t.minute)
        case .getSeconds: return .int(t.second)
        default: return .int(Int(x[0].aux / 1_000_000))
        }
    }

    /// The whole span in the unit, except milliseconds, which are those of the last second (CEL specification, "getMilliseconds").
    private static func ofSpan(_ f: Function, _ nanoseconds: Int64) -> Value {
        switch f {
        case .getHours: .int(nanoseconds / 3_600_000_000_000)
        case .getMinutes: .int(nanoseconds / 60_000_000_000)
        case .getSeconds: .int(nanoseconds / 1_000_000_000)
        case .getMilliseconds: .int(nanoseconds / 1_000_000 % 1_000)
        default: .error(.noSuchOverload)
        }
    }
}
