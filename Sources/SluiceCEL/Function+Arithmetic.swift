// The arithmetic operators: integers stop with an error where they would wrap, doubles follow IEEE 754, times stay in their range, texts
// and lists are joined by `+`.
import SluiceBytes

enum Arithmetic {
    @inline(__always) private static func int(_ r: (partialValue: Int64, overflow: Bool)) -> Value {
        r.overflow ? .error(.overflow) : .int(r.partialValue)
    }
    @inline(__always) private static func uint(_ r: (partialValue: UInt64, overflow: Bool)) -> Value {
        r.overflow ? .error(.overflow) : .uint(r.partialValue)
    }
    @inline(__always) private static func span(_ r: (partialValue: Int64, overflow: Bool)) -> Value {
        r.overflow ? .error(.overflow) : .duration(nanoseconds: r.partialValue)
    }

    static func add(_ x: Value, _ y: Value, _ run: inout Run) -> Value {
        switch (x.tag, y.tag) {
        case (.int, .int): return int(x.asInt.addingReportingOverflow(y.asInt))
        case (.uint, .uint): return uint(x.a.addingReportingOverflow(y.a))
        case (.double, .double): return .double(x.asDouble + y.asDouble)
        case (.duration, .duration): return span(x.asInt.addingReportingOverflow(y.asInt))
        case (.timestamp, .duration): return CivilTime.moved(x, by: y.asInt)
        case (.duration, .timestamp): return CivilTime.moved(y, by: x.asInt)
        case (.string, .string), (.bytes, .bytes): return joined(x, y, &run)
        case (.list, .list):
            return run.list(x.count + y.count) { p in
                if x.count > 0 { p.update(from: x.items!, count: x.count) }
                if y.count > 0 { (p + x.count).update(from: y.items!, count: y.count) }
            }
        default: return .error(.noSuchOverload)
        }
    }
    private static func joined(_ x: Value, _ y: Value, _ run: inout Run) -> Value {
        let a = x.view, b = y.view
        return run.text(a.count + b.count, as: x.tag) { p in
            p.update(from: a.start, count: a.count)
            (p + a.count).update(from: b.start, count: b.count)
            return a.count + b.count
        }
    }

    static func subtract(_ x: Value, _ y: Value) -> Value {
        switch (x.tag, y.tag) {
        case (.int, .int): int(x.asInt.subtractingReportingOverflow(y.asInt))
        case (.uint, .uint): uint(x.a.subtractingReportingOverflow(y.a))
        case (.double, .double): .double(x.asDouble - y.asDouble)
        case (.duration, .duration): span(x.asInt.subtractingReportingOverflow(y.asInt))
        case (.timestamp, .duration): y.asInt == .min ? .error(.overflow) : CivilTime.moved(x, by: -y.asInt)
        case (.timestamp, .timestamp): CivilTime.between(x, y)
        default: .error(.noSuchOverload)
        }
    }

    static func multiply(_ x: Value, _ y: Value) -> Value {
        switch (x.tag, y.tag) {
        case (.int, .int): int(x.asInt.multipliedReportingOverflow(by: y.asInt))
        case (.uint, .uint): uint(x.a.multipliedReportingOverflow(by: y.a))
        case (.double, .double): .double(x.asDouble * y.asDouble)
        default: .error(.noSuchOverload)
        }
    }

    static func divide(_ x: Value, _ y: Value) -> Value {
        switch (x.tag, y.tag) {
        case (.int, .int): y.a == 0 ? .error(.divisionByZero) : int(x.asInt.dividedReportingOverflow(by: y.asInt))
        case (.uint, .uint): y.a == 0 ? .error(.divisionByZero) : .uint(x.a / y.a)
        case (.double, .double): .double(x.asDouble / y.asDouble)
        default: .error(.noSuchOverload)
        }
    }

    static func modulo(_ x: Value, _ y: Value) -> Value {
        switch (x.tag, y.tag) {
        case (.int, .int): y.a == 0 ? .error(.modulusByZero) : int(x.asInt.remainderReportingOverflow(dividingBy: y.asInt))
        case (.uint, .uint): y.a == 0 ? .error(.modulusByZero) : .uint(x.a % y.a)
        default: .error(.noSuchOverload)
        }
    }

    static func negate(_ x: Value) -> Value {
        switch x.tag {
        case .int: int(Int64(0).subtractingReportingOverflow(x.asInt))
        case .double: .double(-x.asDouble)
        case .duration: span(Int64(0).subtractingReportingOverflow(x.asInt))
        default: .error(.noSuchOverload)
        }
    }
}
