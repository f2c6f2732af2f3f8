// Lists and maps: element, membership, size, and building them. Maps of the request are asked through the provider and never built.
import SluiceBytes

enum Collections {
    static func index(_ x: Value, _ key: Value, _ run: inout Run) -> Value {
        switch x.tag {
        case .list:
            switch position(key) {
            case .some(let i) where i >= 0 && i < x.count: return x.items![i]
            case .some: return .error(.indexOutOfRange)
            case nil: return .error(.invalidArgument)
            }
        case .map:
            run.charge(x.count)
            return Comparison.find(key, in: x, &run.budget) ?? .error(.noSuchKey)
        case .attributeMap:
            guard key.tag == .string else { return .error(.noSuchKey) }
            return run.provider.pointee.value(UInt16(truncatingIfNeeded: x.a), key: key.view)
        default: return .error(.noSuchOverload)
        }
    }
    /// A list index out of any number that is whole.
    private static func position(_ v: Value) -> Int? {
        switch v.tag {
        case .int: Int(v.asInt)
        case .uint: Int(exactly: v.a) ?? .max
        case .double: Int(exactly: v.asDouble)
        default: nil
        }
    }

    static func has(_ x: Value, _ key: ByteView, _ run: inout Run) -> Value {
        switch x.tag {
        case .map:
            run.charge(x.count)
            return .bool(Comparison.find(.string(key), in: x, &run.budget) != nil)
        case .attributeMap: return .bool(run.provider.pointee.has(UInt16(truncatingIfNeeded: x.a), key: key))
        case .error: return x
        default: return .error(.noSuchOverload)
        }
    }

    static func isIn(_ v: Value, _ x: Value, _ run: inout Run) -> Value {
        switch x.tag {
        case .list:
            run.charge(x.count)
            for i in 0..<x.count where Comparison.equal(x.items![i], v, &run.budget) { return .bool(true) }
            return .bool(false)
        case .map:
            run.charge(x.count)
            return .bool(Comparison.find(v, in: x, &run.budget) != nil)
        case .attributeMap:
            return .bool(v.tag == .string && run.provider.pointee.has(UInt16(truncatingIfNeeded: x.a), key: v.view))
        case .addressSet: return contains(x, v, run)
        default: return .error(.noSuchOverload)
        }
    }
    /// Address in set; a text that is an address does as well, one that is none is an error.
    @inline(__always) static func contains(_ set: Value, _ v: Value, _ run: borrowing Run) -> Value {
        let p = run.provider.pointee, index = UInt32(truncatingIfNeeded: set.a)
        if v.tag == .ip { return .bool(p.containsAddress(p.context, index, v.a, v.b)) }
        guard v.tag == .string else { return v.isError ? v : .error(.noSuchOverload) }
        guard let a = AddressText.parse(v.view) else { return .error(.invalidConversion) }
        return .bool(p.containsAddress(p.context, index, a.high, a.low))
    }

    static func size(_ x: Value, _ run: inout Run) -> Value {
        switch x.tag {
        case .string:
            run.chargeText(x.count)
            return .int(CodePoints.count(x.view))
        case .bytes, .list, .map: return .int(x.count)
        case .attributeMap:
            var cursor = 0, n = 0
            var key = Value(.null)
            let p = run.provider.pointee
            while run.budget > 0 && p.nextKey(p.context, UInt16(truncatingIfNeeded: x.a), &cursor, &key) {
                n &+= 1
                run.charge(1)
            }
            return .int(n)
        default: return .error(.noSuchOverload)
        }
    }

    /// A list of the `n` values at `x`; the first error among them instead.
    static func makeList(_ x: UnsafeMutablePointer<Value>, _ n: Int, _ run: inout Run) -> Value {
        for i in 0..<n where x[i].isError { return x[i] }
        return run.list(n) { $0.update(from: x, count: n) }
    }

    /// A map of `n` keys and values at `x`, alternating.
    static func makeMap(_ x: UnsafeMutablePointer<Value>, _ n: Int, _ run: inout Run) -> Value {
        for i in 0..<2 * n where x[i].isError { return x[i] }
        for i in 0..<n {
            switch x[2 * i].tag {
            case .bool, .int, .uint, .string: break
            default: return .error(.unsupportedKey)
            }
            for k in 0..<i where Comparison.equal(x[2 * k], x[2 * i], &run.budget) { return .error(.repeatedKey) }
        }
        run.charge(n)
        guard let p = run.values(2 * n) else { return run.exhausted }
        p.update(from: x, count: 2 * n)
        return .map(p, count: n)
    }

    /// `list` with `v` behind it. In place while there is room: only the result of a comprehension is asked for this, which is not
    /// shared before it is whole; so map and filter cost what they make, not its square.
    static func append(_ list: Value, _ v: Value, _ run: inout Run) -> Value {
        if list.isError { return list }
        if v.isError { return v }
        guard list.tag == .list else { return .error(.noSuchOverload) }
        run.charge(1)
        if list.count < Int(list.aux) {
            list.items![list.count] = v
            return .list(list.items, count: list.count + 1, capacity: Int(list.aux))
        }
        let room = max(8, 2 * list.count)
        guard let p = run.values(room) else { return run.exhausted }
        if list.count > 0 { p.update(from: list.items!, count: list.count) }
        p[list.count] = v
        return .list(p, count: list.count + 1, capacity: room)
    }
}
