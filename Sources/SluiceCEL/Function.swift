// The functions that programs call, by numbers that stand in bytecode: never reuse one. A number is a name; which overload it is decides
// the type of the values when it runs, so that `dyn` needs nothing of its own. What they do is in `Function+….swift`.

/// A function or operator of the language.
public enum Function: UInt8, Sendable, CaseIterable {
    // Operators
    case add = 0, subtract, multiply, divide, modulo, negate
    case equals, notEquals, less, lessOrEqual, greater, greaterOrEqual
    case index, isIn
    // Core
    case size, contains, startsWith, endsWith, matches, type
    case bool, int, uint, double, string, bytes, dyn, timestamp, duration
    // Times
    case getFullYear, getMonth, getDayOfYear, getDayOfMonth, getDate, getDayOfWeek, getHours, getMinutes, getSeconds, getMilliseconds
    // Strings extension
    case charAt, indexOf, lastIndexOf, join, lowerAscii, upperAscii, replace, split, substring, trim, reverse, quote
    // Network extension
    case ip, isIP, isCanonical, family, isUnspecified, isLoopback, isGlobalUnicast, isLinkLocalMulticast, isLinkLocalUnicast
    case cidr, isCIDR, containsIP, containsCIDR, masked, prefixLength
    // Ours
    case dict

    /// How many arguments a call may have, a target counted.
    var arguments: ClosedRange<Int> {
        switch self {
        case .negate, .type, .bool, .int, .uint, .double, .string, .bytes, .dyn, .timestamp, .duration, .size: 1...1
        case .getFullYear, .getMonth, .getDayOfYear, .getDayOfMonth, .getDate, .getDayOfWeek, .getHours, .getMinutes, .getSeconds,
            .getMilliseconds:
            1...2
        case .lowerAscii, .upperAscii, .trim, .reverse, .quote: 1...1
        case .ip, .isIP, .isCanonical, .family, .isUnspecified, .isLoopback, .isGlobalUnicast, .isLinkLocalMulticast, .isLinkLocalUnicast,
            .cidr, .isCIDR, .masked, .prefixLength:
            1...1
        case .indexOf, .lastIndexOf, .split, .substring: 2...3
        case .replace: 3...4
        case .join: 1...2
        default: 2...2
        }
    }

    /// The function of an overload or of a group of overloads; nil: it is not called (logic, `ipset`, plugins).
    static func of(_ id: OverloadID) -> Function? { byOverload[id] }
    private static let byOverload: [OverloadID: Function] = {
        var table: [OverloadID: Function] = [:]
        for row in Overloads.all {
            guard let f = named[row.name] else { continue }
            table[row.id] = f
            table[row.group] = f
        }
        return table
    }()

    /// By CEL's names: operators as "_+_", "@in", others as they are called.
    private static let named: [String: Function] = {
        let special: [String: Function] = [
            "_+_": .add, "_-_": .subtract, "_*_": .multiply, "_/_": .divide, "_%_": .modulo, "-_": .negate,
            "_==_": .equals, "_!=_": .notEquals, "_<_": .less, "_<=_": .lessOrEqual, "_>_": .greater, "_>=_": .greaterOrEqual,
            "_[_]": .index, "@in": .isIn, "strings.quote": .quote, "ip.isCanonical": .isCanonical,
        ]
        let others = allCases.filter { !special.values.contains($0) }
        return special.merging(others.map { ("\($0)", $0) }) { first, _ in first }
    }()
}
