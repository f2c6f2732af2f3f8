// Which Swift code a function of the language is: errors pass through, then each group has its own file. No function looks at anything but
// its arguments and the run. To add one: a case in `Function`, an overload in the table of the checker, a line here.
import SluiceBytes

extension Function {
    /// Calls the function with `n` arguments; an argument that is an error is the result.
    func call(_ x: UnsafeMutablePointer<Value>, _ n: Int, _ run: inout Run) -> Value {
        for i in 0..<n where x[i].isError { return x[i] }
        switch self {
        case .add: return Arithmetic.add(x[0], x[1], &run)
        case .subtract: return Arithmetic.subtract(x[0], x[1])
        case .multiply: return Arithmetic.multiply(x[0], x[1])
        case .divide: return Arithmetic.divide(x[0], x[1])
        case .modulo: return Arithmetic.modulo(x[0], x[1])
        case .negate: return Arithmetic.negate(x[0])
        case .equals: return .bool(Comparison.equal(x[0], x[1], &run.budget))
        case .notEquals: return .bool(!Comparison.equal(x[0], x[1], &run.budget))
        case .less: return compare(x) { $0 == .less }
        case .lessOrEqual: return compare(x) { $0 == .less || $0 == .equal }
        case .greater: return compare(x) { $0 == .greater }
        case .greaterOrEqual: return compare(x) { $0 == .greater || $0 == .equal }
        case .index: return Collections.index(x[0], x[1], &run)
        case .isIn: return Collections.isIn(x[0], x[1], &run)
        case .size: return Collections.size(x[0], &run)
        case .type: return .type(TypeName(x[0].tag))
        case .dyn: return x[0]
        case .bool, .int, .uint, .double, .string, .bytes, .timestamp, .duration: return Conversions.call(self, x[0], &run)
        case .contains, .startsWith, .endsWith, .matches, .charAt, .indexOf, .lastIndexOf, .join, .lowerAscii, .upperAscii, .replace,
            .split,
            .substring, .trim, .reverse, .quote:
            return TextFunctions.call(self, x, n, &run)
        case .getFullYear, .getMonth, .getDayOfYear, .getDayOfMonth, .getDate, .getDayOfWeek, .getHours, .getMinutes, .getSeconds,
            .getMilliseconds:
            return TimeFunctions.call(self, x, n)
        case .ip, .isIP, .isCanonical, .family, .isUnspecified, .isLoopback, .isGlobalUnicast, .isLinkLocalMulticast, .isLinkLocalUnicast,
            .cidr, .isCIDR, .containsIP, .containsCIDR, .masked, .prefixLength:
            return NetworkFunctions.call(self, x, n, &run)
        case .dict: return dictionary(x, &run)
        }
    }

    @inline(__always) private func compare(_ x: UnsafeMutablePointer<Value>, _ wanted: (Comparison.Order) -> Bool) -> Value {
        guard let order = Comparison.order(x[0], x[1]) else { return .error(.noSuchOverload) }
        return .bool(wanted(order))
    }

    private func dictionary(_ x: UnsafeMutablePointer<Value>, _ run: inout Run) -> Value {
        guard x[0].tag == .string, x[1].tag == .string else { return .error(.noSuchOverload) }
        let zone = x[0].view, key = x[1].view
        var out = Value(.null)
        let p = run.provider.pointee
        return p.dictionary(p.context, zone.start, zone.count, key.start, key.count, &out) ? out : .error(.noSuchKey)
    }
}
