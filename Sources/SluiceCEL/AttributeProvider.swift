// How a program reaches the request: C function pointers with one context, so that this module knows no request, no image and no plugin,
// and a call costs what a call costs. Who fills the table: the worker over its exchange, `SampleProvider` over values in memory.
import SluiceBytes

/// Every function gets `context` first. Values are written to `out`, memory for `Value`; an absent one is `.error(.attributeAbsent)`.
/// The functions must accept any number for attributes, sets and functions: an image is checked, but by another module than this one.
public struct AttributeProvider {
    public typealias Context = UnsafeMutableRawPointer
    /// Writes the value of an attribute; for maps like request.headers `Value.attributeMap`.
    public typealias Attribute = @convention(c) (Context, UInt16, UnsafeMutableRawPointer) -> Void
    /// The value of `key` in a map attribute; false = no such key, `out` is untouched.
    public typealias Lookup = @convention(c) (Context, UInt16, UnsafePointer<UInt8>, Int, UnsafeMutableRawPointer) -> Bool
    /// The key at or behind `cursor` (0 at first), which moves behind it; false = no more. Each key once.
    public typealias NextKey = @convention(c) (Context, UInt16, UnsafeMutablePointer<Int>, UnsafeMutableRawPointer) -> Bool
    /// Whether an address (the halves of its 128 bits, IPv4 mapped) is in address set `index`.
    public typealias ContainsAddress = @convention(c) (Context, UInt32, UInt64, UInt64) -> Bool
    /// dict(zone, key): the text kept under the key; false = none.
    public typealias DictionaryLookup =
        @convention(c) (Context, UnsafePointer<UInt8>, Int, UnsafePointer<UInt8>, Int, UnsafeMutableRawPointer) -> Bool
    /// Calls a plugin's function with `count` values at `arguments`; always writes `out`.
    public typealias Call = @convention(c) (Context, UInt32, UnsafeRawPointer, Int, UnsafeMutableRawPointer) -> Void

    public var context: Context
    public var attribute: Attribute
    public var lookup: Lookup
    public var nextKey: NextKey
    public var containsAddress: ContainsAddress
    public var dictionary: DictionaryLookup
    public var call: Call

    public init(
        context: Context, attribute: Attribute, lookup: Lookup, nextKey: NextKey, containsAddress: ContainsAddress,
        dictionary: DictionaryLookup, call: Call
    ) {
        self.context = context
        self.attribute = attribute
        self.lookup = lookup
        self.nextKey = nextKey
        self.containsAddress = containsAddress
        self.dictionary = dictionary
        self.call = call
    }

    @inline(__always) func value(_ id: UInt16) -> Value {
        var v = Value(.error, a: UInt64(EvaluationError.attributeAbsent.rawValue))
        attribute(context, id, &v)
        return v
    }
    @inline(__always) func value(_ id: UInt16, key: ByteView) -> Value {
        var v = Value(.error, a: UInt64(EvaluationError.noSuchKey.rawValue))
        return lookup(context, id, key.start, key.count, &v) ? v : .error(.noSuchKey)
    }
    @inline(__always) func has(_ id: UInt16, key: ByteView) -> Bool {
        var v = Value(.null)
        return lookup(context, id, key.start, key.count, &v)
    }
}
