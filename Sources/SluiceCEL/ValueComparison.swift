// Equality and order of values, as CEL says: numbers compare across their types by their mathematical value, values of other types are
// unequal, order exists only inside a type. Nothing here allocates.
import SluiceBytes

enum Comparison {
    /// Lists in lists that are compared; deeper ones end the run as too costly, for fibers have small stacks.
    private static let depthMax = 64

    /// Whether the two are equal. `budget` counts down with the size of what is compared; below zero the answer means nothing.
    static func equal(_ x: Value, _ y: Value, _ budget: inout Int, depth: Int = 0) -> Bool {
        budget &-= 1
        if depth > depthMax { budget = -1 }
        if budget < 0 { return false }
        if x.tag == y.tag {
            switch x.tag {
            case .null: return true
            case .bool, .int, .uint, .type, .addressSet, .duration: return x.a == y.a
            case .double: return x.asDouble == y.asDouble
            case .string, .bytes:
                budget &-= x.count >> 5
                return x.view.equals(y.view)
            case .timestamp: return x.a == y.a && x.aux == y.aux
            case .ip: return x.a == y.a && x.b == y.b
            case .cidr: return x.a == y.a && x.b == y.b && x.aux == y.aux
            case .list: return equalLists(x, y, &budget, depth)
            case .map: return equalMaps(x, y, &budget, depth)
            case .attributeMap: return x.a == y.a
            case .error: return false
            }
        }
        return numbers(x, y) == .equal
    }

    private static func equalLists(_ x: Value, _ y: Value, _ budget: inout Int, _ depth: Int) -> Bool {
        if x.count != y.count { return false }
        for i in 0..<x.count where !equal(x.items![i], y.items![i], &budget, depth: depth + 1) { return false }
        return true
    }
    private static func equalMaps(_ x: Value, _ y: Value, _ budget: inout Int, _ depth: Int) -> Bool {
        if x.count != y.count { return false }
        for i in 0..<x.count {
            guard let other = find(x.items![2 * i], in: y, &budget), equal(x.items![2 * i + 1], other, &budget, depth: depth + 1) else {
                return false
            }
        }
        return true
    }

    /// The value of a key in a built map.
    static func find(_ key: Value, in map: Value, _ budget: inout Int) -> Value? {
        guard let items = map.items else { return nil }
        for i in 0..<map.count where equal(items[2 * i], key, &budget) { return items[2 * i + 1] }
        return nil
    }

    enum Order { case less, equal, greater, none }

    /// `.none`: no order exists (NaN), nil: not two numbers, nor two of one ordered type.
    @inline(__always) static func order(_ x: Value, _ y: Value) -> Order? {
        if x.tag == y.tag {
            switch x.tag {
            case .int, .duration: return of(x.asInt, y.asInt)
            case .uint, .bool: return of(x.a, y.a)
            case .double: return ofDoubles(x.asDouble, y.asDouble)
            case .string, .bytes: return bytes(x.view, y.view)
            case .timestamp: return x.a == y.a ? of(x.aux, y.aux) : of(x.asInt, y.asInt)
            default: return nil
            }
        }
        let n = numbers(x, y)
        return n == .none && !(isNumber(x) && isNumber(y)) ? nil : n
    }

    @inline(__always) private static func isNumber(_ v: Value) -> Bool { v.tag == .int || v.tag == .uint || v.tag == .double }
    @inline(__always) private static func of<T: Comparable>(_ x: T, _ y: T) -> Order { x < y ? .less : x == y ? .equal : .greater }
    @inline(__always) private static func ofDoubles(_ x: Double, _ y: Double) -> Order {
        x < y ? .less : x == y ? .equal : x > y ? .greater : .none
    }

    /// Numbers of different types; `.none` for anything else and for NaN.
    private static func numbers(_ x: Value, _ y: Value) -> Order {
        switch (x.tag, y.tag) {
        case (.int, .uint): x.asInt < 0 ? .less : of(x.a, y.a)
        case (.uint, .int): y.asInt < 0 ? .greater : of(x.a, y.a)
        case (.int, .double): intDouble(x.asInt, y.asDouble)
        case (.double, .int): turned(intDouble(y.asInt, x.asDouble))
        case (.uint, .double): uintDouble(x.a, y.asDouble)
        case (.double, .uint): turned(uintDouble(y.a, x.asDouble))
        default: .none
        }
    }
    private static func turned(_ o: Order) -> Order { o == .less ? .greater : o == .greater ? .less : o }

    private static func intDouble(_ x: Int64, _ y: Double) -> Order {
        if y.isNaN { return .none }
        if y < -0x1p63 { return .greater }
        if y >= 0x1p63 { return .less }
        let whole = y.rounded(.down)
        let n = Int64(whole)
        return x == n ? (y > whole ? .less : .equal) : of(x, n)
    }
    private static func uintDouble(_ x: UInt64, _ y: Double) -> Order {
        if y.isNaN { return .none }
        if y < 0 { return .greater }
        if y >= 0x1p64 { return .less }
        let whole = y.rounded(.down)
        let n = UInt64(whole)
        return x == n ? (y > whole ? .less : .equal) : of(x, n)
    }

    private static func bytes(_ x: ByteView, _ y: ByteView) -> Order {
        let n = min(x.count, y.count)
        var i = 0
        while i < n {  // code points of UTF-8 sort as their bytes
            if x[i] != y[i] { return x[i] < y[i] ? .less : .greater }
            i &+= 1
        }
        return of(x.count, y.count)
    }
}
