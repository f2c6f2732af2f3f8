// Conversions: int(x), string(x), timestamp(x) and so on. A value that does not fit is an error, never cut. Numbers as text go through
// Swift's String, which may take heap memory; rare enough on the request path.
import SluiceBytes

enum Conversions {
    static func call(_ f: Function, _ x: Value, _ run: inout Run) -> Value {
        switch f {
        case .bool: bool(x)
        case .int: int(x)
        case .uint: uint(x)
        case .double: double(x)
        case .string: string(x, &run)
        case .bytes: x.tag == .bytes ? x : x.tag == .string ? .bytes(x.view) : .error(.noSuchOverload)
        case .timestamp: timestamp(x)
        default: duration(x)
        }
    }

    private static func bool(_ x: Value) -> Value {
        if x.tag == .bool { return x }
        guard x.tag == .string else { return .error(.noSuchOverload) }
        let v = x.view
        func any(_ a: StaticString, _ b: StaticString, _ c: StaticString) -> Bool {
            v.equals(ByteView(a)) || v.equals(ByteView(b)) || v.equals(ByteView(c))
        }
        if any("true", "True", "TRUE") || any("1", "t", "T") { return .bool(true) }
        if any("false", "False", "FALSE") || any("0", "f", "F") { return .bool(false) }
        return .error(.invalidConversion)
    }

    private static func int(_ x: Value) -> Value {
        switch x.tag {
        case .int: return x
        case .uint: return x.a > UInt64(Int64.max) ? .error(.overflow) : .int(Int64(x.a))
        case .double:
            let d = x.asDouble
            return d > -0x1p63 && d < 0x1p63 ? .int(Int64(d)) : .error(.overflow)
        case .string:
            guard let n = integer(x.view) else { return .error(.invalidConversion) }
            if n.isNegative { return n.size <= 1 << 63 ? .int(Int64(truncatingIfNeeded: 0 &- n.size)) : .error(.overflow) }
            return n.size < 1 << 63 ? .int(Int64(n.size)) : .error(.overflow)
        case .timestamp: return .int(x.asInt)
        case .duration: return .int(x.asInt)
        default: return .error(.noSuchOverload)
        }
    }

    private static func uint(_ x: Value) -> Value {
        switch x.tag {
        case .uint: return x
        case .int: return x.asInt < 0 ? .error(.overflow) : .uint(x.a)
        case .double:
            let d = x.asDouble
            return d > -1 && d < 0x1p64 ? .uint(UInt64(d)) : .error(.overflow)
        case .string:
            guard let n = integer(x.view), !n.isNegative else { return .error(.invalidConversion) }
            return .uint(n.size)
        default: return .error(.noSuchOverload)
        }
    }

    /// Decimal digits with an optional sign.
    private static func integer(_ v: ByteView) -> (size: UInt64, isNegative: Bool)? {
        var i = 0
        var isNegative = false
        if v.count > 0, v[0] == 0x2d || v[0] == 0x2b {
            isNegative = v[0] == 0x2d
            i = 1
        }
        if i == v.count { return nil }
        var n: UInt64 = 0
        while i < v.count {
            if !ASCII.isDigit(v[i]) { return nil }
            let ten = n.multipliedReportingOverflow(by: 10), sum = ten.partialValue.addingReportingOverflow(UInt64(v[i] - 0x30))
            if ten.overflow || sum.overflow { return nil }
            n = sum.partialValue
            i += 1
        }
        return (n, isNegative)
    }

    private static func double(_ x: Value) -> Value {
        switch x.tag {
        case .double: return x
        case .int: return .double(Double(x.asInt))
        case .uint: return .double(Double(x.a))
        case .string:
            guard x.count <= 512, let d = Double(x.view.string) else { return .error(.invalidConversion) }
            return .double(d)
        default: return .error(.noSuchOverload)
        }
    }

    private static func string(_ x: Value, _ run: inout Run) -> Value {
        switch x.tag {
        case .string: return x
        case .bool: return .string(x.a != 0 ? ByteView("true") : ByteView("false"))
        case .int: return run.copy(String(x.asInt))
        case .uint: return run.copy(String(x.a))
        case .double: return run.copy(DoubleText.text(x.asDouble))
        case .bytes:
            run.chargeText(x.count)
            return CodePoints.isValid(x.view) ? .string(x.view) : .error(.invalidConversion)
        case .timestamp: return run.copy(CivilTime.text(x))
        case .duration: return run.copy(CivilTime.durationText(x.asInt))
        case .ip: return run.copy(AddressText.text(x))
        case .cidr: return run.copy(AddressText.networkText(x))
        default: return .error(.noSuchOverload)
        }
    }

    private static func timestamp(_ x: Value) -> Value {
        switch x.tag {
        case .timestamp: x
        case .int: CivilTime.point(x.asInt, 0)
        case .string: CivilTime.parse(x.view) ?? .error(.invalidConversion)
        default: .error(.noSuchOverload)
        }
    }
    private static func duration(_ x: Value) -> Value {
        switch x.tag {
        case .duration: x
        case .int: .duration(nanoseconds: x.asInt)
        case .string: DurationText.parse(x.view).map { .duration(nanoseconds: $0) } ?? .error(.invalidConversion)
        default: .error(.noSuchOverload)
        }
    }
}

/// Doubles as text without a C library: the shortest digits that read back, plain between 1e-5 and 1e21.
enum DoubleText {
    static func text(_ d: Double) -> String {
        if d.isNaN { return "NaN" }
        if d.isInfinite { return d < 0 ? "-Infinity" : "Infinity" }
        if d == 0 { return d.sign == .minus ? "-0" : "0" }
        let (digits, exponent) = decimal(d.magnitude)
        let sign = d < 0 ? "-" : ""
        if exponent > 21 || exponent < -5 {
            let tail = digits.count > 1 ? "." + String(digits.dropFirst()) : ""
            return "\(sign)\(digits.first!)\(tail)e\(exponent > 0 ? "+" : "-")\(abs(exponent - 1))"
        }
        if exponent <= 0 { return sign + "0." + String(repeating: "0", count: -exponent) + digits }
        if digits.count <= exponent { return sign + digits + String(repeating: "0", count: exponent - digits.count) }
        return sign + digits.prefix(exponent) + "." + digits.dropFirst(exponent)
    }

    /// Significant digits d₁d₂… and the exponent with value = 0.d₁d₂… × 10^exponent; `d` positive and finite.
    static func decimal(_ d: Double) -> (digits: String, exponent: Int) {
        var digits = "", point = 0, exponent = 0
        var isBehind = false
        var text = Substring(d.description)  // the shortest that reads back, Swift's promise
        if let e = text.firstIndex(of: "e") {
            exponent = Int(text[text.index(after: e)...].drop { $0 == "+" })!
            text = text[..<e]
        }
        for c in text {
            if c == "." {
                isBehind = true
            } else {
                if !isBehind { point += 1 }
                digits.append(c)
            }
        }
        while digits.first == "0" {
            digits.removeFirst()
            point -= 1
        }
        while digits.last == "0" { digits.removeLast() }
        return (digits, point + exponent)
    }
}
