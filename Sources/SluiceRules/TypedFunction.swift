// A C function with its signature, ready to be called from rules: the call interface is made once, arguments are checked against the
// signature, results are copied to where the caller says. No code is made at run time (libffi's closures are not used). That the
// declared signature is the function's own nobody can check: it is part of the contract (rule_functions.h).
import CSluiceFFI
import SluiceBytes
import SluiceModel

/// An address in network order, as C's sluice_ip; IPv4 as ::ffff:a.b.c.d. The words are the 16 bytes as they lie in memory.
@frozen public struct FunctionAddress: Sendable, Equatable {
    public var words: (UInt64, UInt64)
    @inlinable public init(words: (UInt64, UInt64)) { self.words = words }
    public init(_ address: IPAddress) { words = (address.high.bigEndian, address.low.bigEndian) }
    public var address: IPAddress {
        let high = UInt64(bigEndian: words.0), low = UInt64(bigEndian: words.1)
        return high == 0 && low >> 32 == 0xffff ? IPAddress(ipv4: UInt32(truncatingIfNeeded: low)) : IPAddress(high: high, low: low)
    }
    public static func == (a: Self, b: Self) -> Bool { a.words == b.words }
}

/// A value on its way into or out of a function. Plain data; views are valid as long as what they show.
@frozen public enum FunctionValue {
    case bool(Bool), int(Int64), double(Double), string(ByteView), bytes(ByteView), ip(FunctionAddress)

    @inlinable public var type: FunctionType {
        switch self {
        case .bool: .bool
        case .int: .int
        case .double: .double
        case .string: .string
        case .bytes: .bytes
        case .ip: .ip
        }
    }
}

/// How a call ended.
@frozen public enum FunctionResult {
    case value(FunctionValue)
    /// The function says that there is none.
    case none
    /// Nothing was called: another number of arguments, or argument `index` of another type.
    case mismatch(index: Int)
    /// A view without an address, or longer than `Limits.functionResultBytesMax`.
    case broken
    /// The arena has no room for the result.
    case noMemory
}

/// Owns its call interface; a final class because a declaration is shared by every table that names it. Calls count no references when
/// the caller holds it.
public final class TypedFunction: @unchecked Sendable {
    /// "geo.country"
    public let name: String
    public let signature: FunctionSignature
    /// Same arguments, same result, no effect.
    public let isPure: Bool
    private let function: UnsafeMutableRawPointer
    private let interface: OpaquePointer
    private let types: InlineArray<8, UInt8>
    private let count: Int
    private let result: FunctionType

    /// - Parameter function: the address of a C function of exactly this type; it must stay callable as long as this value lives.
    public init(name: String, signature: FunctionSignature, isPure: Bool, function: UnsafeMutableRawPointer) throws(FunctionError) {
        try FunctionName.check(name)
        guard signature.arguments.count <= Limits.functionArgumentsMax else {
            throw FunctionError("\(name): \(signature.arguments.count) arguments; at most \(Limits.functionArgumentsMax)")
        }
        let kinds = signature.arguments.map { UInt8(Self.kind($0)) }
        guard let made = cs_ffi_prepare(Self.kind(signature.result), kinds, UInt32(kinds.count)) else {
            throw FunctionError("\(name): libffi cannot marshal \(signature) on this machine")
        }
        (self.name, self.signature, self.isPure, self.function, interface) = (name, signature, isPure, function, made)
        var types = InlineArray<8, UInt8>(repeating: 0)
        for (i, t) in signature.arguments.enumerated() { types[i] = t.rawValue }
        self.types = types
        count = kinds.count
        result = signature.result
    }
    deinit { cs_ffi_free(interface) }

    private static func kind(_ type: FunctionType) -> UInt32 {
        switch type {
        case .bool: UInt32(CS_FFI_INT32)
        case .int: UInt32(CS_FFI_INT64)
        case .double: UInt32(CS_FFI_DOUBLE)
        case .string, .bytes, .ip: UInt32(CS_FFI_PAIR)
        }
    }

    /// Calls the function. Texts and bytes of the result are copied into `arena` and live as long as what it allocates.
    public func call(_ arguments: UnsafeBufferPointer<FunctionValue>, arena: UnsafeMutablePointer<Arena>) -> FunctionResult {
        if arguments.count != count { return .mismatch(index: min(arguments.count, count)) }
        var values = InlineArray<8, cs_ffi_value>(repeating: cs_ffi_value())
        for i in 0..<count {
            let argument = arguments[i]
            if argument.type.rawValue != types[i] { return .mismatch(index: i) }
            values[i].word = Self.words(argument)
        }
        var out = cs_ffi_value()
        withUnsafeBytes(of: &values) { raw in
            cs_ffi_run(interface, function, raw.baseAddress!.assumingMemoryBound(to: cs_ffi_value.self), &out)
        }
        return take(out.word, arena)
    }

    @inline(__always) private static func words(_ value: FunctionValue) -> (UInt64, UInt64) {
        switch value {
        case .bool(let b): (b ? 1 : 0, 0)
        case .int(let n): (UInt64(bitPattern: n), 0)
        case .double(let d): (d.bitPattern, 0)
        case .string(let v), .bytes(let v): (UInt64(UInt(bitPattern: v.start)), UInt64(v.count))
        case .ip(let a): a.words
        }
    }

    @inline(__always) private func take(_ words: (UInt64, UInt64), _ arena: UnsafeMutablePointer<Arena>) -> FunctionResult {
        switch result {
        case .bool: return .value(.bool(words.0 != 0))
        case .int: return .value(.int(Int64(bitPattern: words.0)))
        case .double: return .value(.double(Double(bitPattern: words.0)))
        case .ip: return .value(.ip(FunctionAddress(words: words)))
        case .string, .bytes:
            guard let start = UnsafePointer<UInt8>(bitPattern: UInt(words.0)) else { return words.1 == 0 ? .none : .broken }
            if words.1 > UInt64(Limits.functionResultBytesMax) { return .broken }
            guard let copy = arena.pointee.copy(ByteView(start, Int(words.1))) else { return .noMemory }
            return .value(result == .string ? .string(copy) : .bytes(copy))
        }
    }
}
