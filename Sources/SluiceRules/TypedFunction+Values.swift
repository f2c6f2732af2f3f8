// Typed C functions called with values of an expression, and their results as values: the step between SluiceCEL's `AttributeProvider.call`
// and libffi. Which function a number means is not decided here (`FunctionTable` of a worker).
import SluiceBytes
import SluiceCEL
import SluiceModel

extension FunctionValue {
    /// nil: a value that no C function takes (a list, null, a time, …).
    @inline(__always) public init?(_ v: Value) {
        switch v.tag {
        case .bool: self = .bool(v.a != 0)
        case .int: self = .int(v.asInt)
        case .double: self = .double(v.asDouble)
        case .string: self = .string(v.view)
        case .bytes: self = .bytes(v.view)
        case .ip: self = .ip(FunctionAddress(words: (v.a.bigEndian, v.b.bigEndian)))
        default: return nil
        }
    }

    public var value: Value {
        switch self {
        case .bool(let b): return .bool(b)
        case .int(let n): return .int(n)
        case .double(let d): return .double(d)
        case .string(let v): return .string(v)
        case .bytes(let v): return .bytes(v)
        case .ip(let a):
            let high = UInt64(bigEndian: a.words.0), low = UInt64(bigEndian: a.words.1)
            return .ip(high: high, low: low, isIPv4: high == 0 && low >> 32 == 0xffff)
        }
    }
}

extension TypedFunction {
    /// Calls the function; texts and bytes of the result live as long as what `arena` allocates. What the checker could not know (`dyn`)
    /// is an error here: another type or number of arguments is `.noSuchOverload`.
    public func call(_ arguments: UnsafePointer<Value>, count: Int, arena: UnsafeMutablePointer<Arena>) -> Value {
        if count > Limits.functionArgumentsMax { return .error(.noSuchOverload) }
        var values = InlineArray<8, FunctionValue>(repeating: .bool(false))
        for i in 0..<count {
            guard let v = FunctionValue(arguments[i]) else { return .error(.noSuchOverload) }
            values[i] = v
        }
        let result = withUnsafeBytes(of: &values) { raw in
            call(UnsafeBufferPointer(start: raw.baseAddress!.assumingMemoryBound(to: FunctionValue.self), count: count), arena: arena)
        }
        switch result {
        case .value(let v): return v.value
        case .none, .broken: return .error(.functionFailed)
        case .mismatch: return .error(.noSuchOverload)
        case .noMemory: return .error(.outOfMemory)
        }
    }
}
