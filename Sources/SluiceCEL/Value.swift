// What an expression computes with: a trivial struct that names memory and owns none. Texts point into the request, the image or the
// run's arena, lists and maps into the arena; nothing here counts references. Errors are values too, so that && and || can absorb them.
import SluiceBytes

/// A value of the language, or why there is none. Valid as long as what it points to: the request, the image and the run's arena.
@frozen public struct Value {
    /// The numbers stand in programs.
    @frozen public enum Tag: UInt8, Sendable {
        case null = 0, bool, int, uint, double, string, bytes, timestamp, duration, type, ip, cidr, addressSet, list, map
        /// A map that is never built: asked by key through the provider; `a` is its attribute.
        case attributeMap
        /// `a` is an `EvaluationError`, `aux` the byte offset in the expression's text.
        case error
    }
    public var tag: Tag
    /// ip: 4 or 6. cidr: prefix bits of the 128-bit form, plus 256 for IPv4. list: capacity. timestamp: nanoseconds. error: offset.
    public var aux: UInt32
    public var a: UInt64
    public var b: UInt64

    @inlinable @inline(__always) public init(_ tag: Tag, a: UInt64 = 0, b: UInt64 = 0, aux: UInt32 = 0) {
        (self.tag, self.aux, self.a, self.b) = (tag, aux, a, b)
    }

    public static var null: Value { Value(.null) }
    @inlinable @inline(__always) public static func bool(_ v: Bool) -> Value { Value(.bool, a: v ? 1 : 0) }
    @inlinable @inline(__always) public static func int(_ v: Int64) -> Value { Value(.int, a: UInt64(bitPattern: v)) }
    @inlinable @inline(__always) public static func int(_ v: Int) -> Value { Value(.int, a: UInt64(bitPattern: Int64(v))) }
    @inlinable @inline(__always) public static func uint(_ v: UInt64) -> Value { Value(.uint, a: v) }
    @inlinable @inline(__always) public static func double(_ v: Double) -> Value { Value(.double, a: v.bitPattern) }
    @inlinable @inline(__always) public static func string(_ v: ByteView) -> Value {
        Value(.string, a: UInt64(UInt(bitPattern: v.start)), b: UInt64(truncatingIfNeeded: v.count))
    }
    @inlinable @inline(__always) public static func bytes(_ v: ByteView) -> Value {
        Value(.bytes, a: UInt64(UInt(bitPattern: v.start)), b: UInt64(truncatingIfNeeded: v.count))
    }
    /// Seconds and nanoseconds (0..<1e9) since 1970-01-01T00:00:00Z.
    public static func timestamp(seconds: Int64, nanoseconds: UInt32) -> Value {
        Value(.timestamp, a: UInt64(bitPattern: seconds), aux: nanoseconds)
    }
    public static func duration(nanoseconds: Int64) -> Value { Value(.duration, a: UInt64(bitPattern: nanoseconds)) }
    public static func type(_ v: TypeName) -> Value { Value(.type, a: UInt64(v.rawValue)) }
    /// The two halves of the 128 bits, most significant first; IPv4 as ::ffff:a.b.c.d with `isIPv4`.
    @inlinable @inline(__always) public static func ip(high: UInt64, low: UInt64, isIPv4: Bool) -> Value {
        Value(.ip, a: high, b: low, aux: isIPv4 ? 4 : 6)
    }
    public static func addressSet(_ index: UInt32) -> Value { Value(.addressSet, a: UInt64(index)) }
    public static func list(_ items: UnsafeMutablePointer<Value>?, count: Int, capacity: Int) -> Value {
        Value(.list, a: UInt64(UInt(bitPattern: items)), b: UInt64(count), aux: UInt32(truncatingIfNeeded: capacity))
    }
    /// `pairs`: key, value, key, value; `count` pairs.
    public static func map(_ pairs: UnsafeMutablePointer<Value>?, count: Int) -> Value {
        Value(.map, a: UInt64(UInt(bitPattern: pairs)), b: UInt64(count))
    }
    @inlinable @inline(__always) public static func attributeMap(_ id: AttributeID) -> Value {
        Value(.attributeMap, a: UInt64(id.rawValue))
    }
    @inlinable @inline(__always) public static func error(_ code: EvaluationError) -> Value { Value(.error, a: UInt64(code.rawValue)) }
}

extension Value {
    @inlinable @inline(__always) public var isTrue: Bool { tag == .bool && a != 0 }
    @inlinable @inline(__always) public var isFalse: Bool { tag == .bool && a == 0 }
    @inlinable @inline(__always) public var isError: Bool { tag == .error }
    public var error: EvaluationError? { tag == .error ? EvaluationError(rawValue: UInt8(truncatingIfNeeded: a)) : nil }
    @inlinable @inline(__always) public var asInt: Int64 { Int64(bitPattern: a) }
    @inlinable @inline(__always) public var asDouble: Double { Double(bitPattern: a) }
    /// Of a string or bytes.
    @inlinable @inline(__always) public var view: ByteView {
        guard let start = UnsafePointer<UInt8>(bitPattern: UInt(truncatingIfNeeded: a)) else { return ByteView.empty }
        return ByteView(start, Int(truncatingIfNeeded: b))
    }
    /// Of a list, or the keys and values of a map.
    @inline(__always) var items: UnsafeMutablePointer<Value>? { UnsafeMutablePointer(bitPattern: UInt(truncatingIfNeeded: a)) }
    @inline(__always) var count: Int { Int(truncatingIfNeeded: b) }
    /// Puts the value where a function of `AttributeProvider` writes it.
    @inlinable @inline(__always) public func write(to out: UnsafeMutableRawPointer) { out.storeBytes(of: self, as: Value.self) }
    @inline(__always) func at(_ offset: UInt32) -> Value {
        var v = self
        v.aux = offset
        return v
    }
}

/// Why an expression has no value. Numbers and no text, so that failing costs a request nothing.
public enum EvaluationError: UInt8, Sendable, CaseIterable {
    case noSuchOverload = 1
    case noSuchKey
    case overflow
    case divisionByZero
    case modulusByZero
    case indexOutOfRange
    case invalidArgument
    /// A text that is no number, time, address, or encoding of what was asked for.
    case invalidConversion
    case repeatedKey
    case unsupportedKey
    case invalidPattern
    /// The run cost more than it may.
    case costLimit
    /// Values would take more memory than a request may have.
    case outOfMemory
    /// The attribute has no value in this phase or for this connection.
    case attributeAbsent
    case undeclared
    /// A plugin's function said that there is no result, or failed.
    case functionFailed
    /// "Europe/Berlin" and the like: only UTC and offsets are known.
    case unknownTimeZone

    /// What people read, without place.
    public var text: String {
        switch self {
        case .noSuchOverload: "no such overload: the operator or function does not take values of these types"
        case .noSuchKey: "no such key"
        case .overflow: "the result is out of range"
        case .divisionByZero: "division by zero"
        case .modulusByZero: "modulus by zero"
        case .indexOutOfRange: "the index is outside the list or text"
        case .invalidArgument: "invalid argument"
        case .invalidConversion: "the value cannot be converted"
        case .repeatedKey: "a map has the same key twice"
        case .unsupportedKey: "keys of a map are bool, int, uint or string"
        case .invalidPattern: "invalid regular expression"
        case .costLimit: "the expression costs more than it may"
        case .outOfMemory: "the expression needs more memory than a request may have"
        case .attributeAbsent: "the attribute has no value here"
        case .undeclared: "undeclared name"
        case .functionFailed: "the function has no result"
        case .unknownTimeZone: "unknown time zone; UTC and offsets such as +02:00 are known"
        }
    }
}

/// What `type(x)` gives. The numbers stand in programs.
public enum TypeName: UInt8, Sendable, CaseIterable {
    case null = 0, bool, int, uint, double, string, bytes, timestamp, duration, type, ip, cidr, addressSet, list, map

    public init(_ tag: Value.Tag) { self = tag == .attributeMap || tag == .error ? .map : TypeName(rawValue: tag.rawValue)! }

    public var text: String {
        switch self {
        case .null: "null_type"
        case .timestamp: "google.protobuf.Timestamp"
        case .duration: "google.protobuf.Duration"
        case .ip: "net.IP"
        case .cidr: "net.CIDR"
        case .addressSet: "ipset"
        default: "\(self)"
        }
    }
}
