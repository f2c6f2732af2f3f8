// The network extension (after Kubernetes' CEL library): addresses and networks as values of their own, texts accepted where it says so.
// IPv4 addresses are held mapped and compare as themselves.
import SluiceBytes

enum NetworkFunctions {
    static func call(_ f: Function, _ x: UnsafeMutablePointer<Value>, _ n: Int, _ run: inout Run) -> Value {
        switch f {
        case .ip:
            if x[0].tag == .cidr { return address(of: x[0]) }
            if x[0].tag == .ip { return x[0] }
            return text(x[0]).map { AddressText.parse($0)?.value ?? .error(.invalidConversion) } ?? .error(.noSuchOverload)
        case .cidr:
            if x[0].tag == .cidr { return x[0] }
            return text(x[0]).map { AddressText.parseNetwork($0) ?? .error(.invalidConversion) } ?? .error(.noSuchOverload)
        case .isIP: return text(x[0]).map { .bool(AddressText.parse($0) != nil) } ?? .error(.noSuchOverload)
        case .isCIDR: return text(x[0]).map { .bool(AddressText.parseNetwork($0) != nil) } ?? .error(.noSuchOverload)
        case .isCanonical: return isCanonical(x[0], &run)
        case .containsIP, .containsCIDR: return contains(f, x[0], x[1])
        case .masked: return x[0].tag == .cidr ? masked(x[0]) : .error(.noSuchOverload)
        case .prefixLength: return x[0].tag == .cidr ? .int(bits(x[0])) : .error(.noSuchOverload)
        default: return x[0].tag == .ip ? property(f, x[0]) : .error(.noSuchOverload)
        }
    }
    private static func text(_ v: Value) -> ByteView? { v.tag == .string ? v.view : nil }

    static func address(of network: Value) -> Value { .ip(high: network.a, low: network.b, isIPv4: network.aux & 256 != 0) }
    /// The prefix length as written.
    static func bits(_ network: Value) -> Int { Int(network.aux & 255) - (network.aux & 256 != 0 ? 96 : 0) }

    private static func isCanonical(_ x: Value, _ run: inout Run) -> Value {
        guard let v = text(x) else { return .error(.noSuchOverload) }
        guard let a = AddressText.parse(v) else { return .error(.invalidConversion) }
        let canonical = run.copy(AddressText.text(a.value))
        return canonical.isError ? canonical : .bool(canonical.view.equals(v))
    }

    private static func mask(_ bits: Int) -> (UInt64, UInt64) {
        let half = { (n: Int) -> UInt64 in n <= 0 ? 0 : n >= 64 ? .max : ~(UInt64.max >> UInt64(n)) }
        return (half(bits), half(bits - 64))
    }
    private static func masked(_ x: Value) -> Value {
        let m = mask(Int(x.aux & 255))
        return Value(.cidr, a: x.a & m.0, b: x.b & m.1, aux: x.aux)
    }

    /// The second may be an address, a network (for containsCIDR) or the text of one.
    private static func contains(_ f: Function, _ network: Value, _ y: Value) -> Value {
        guard network.tag == .cidr else { return .error(.noSuchOverload) }
        var y = y
        if let v = text(y) {
            let read = f == .containsIP ? AddressText.parse(v)?.value : AddressText.parseNetwork(v)
            guard let read else { return .error(.invalidConversion) }
            y = read
        }
        guard y.tag == (f == .containsIP ? .ip : .cidr) else { return .error(.noSuchOverload) }
        let isFour = f == .containsIP ? y.aux == 4 : y.aux & 256 != 0
        if isFour != (network.aux & 256 != 0) || f == .containsCIDR && y.aux & 255 < network.aux & 255 { return .bool(false) }
        let m = mask(Int(network.aux & 255))
        return .bool(network.a & m.0 == y.a & m.0 && network.b & m.1 == y.b & m.1)
    }

    /// As Go's net/netip defines them.
    private static func property(_ f: Function, _ x: Value) -> Value {
        let isFour = x.aux == 4, v4 = UInt32(truncatingIfNeeded: x.b), top = x.a >> 48
        let isUnspecified = isFour ? v4 == 0 : x.a == 0 && x.b == 0
        let isLoopback = isFour ? v4 >> 24 == 127 : x.a == 0 && x.b == 1
        let isMulticast = isFour ? v4 >> 28 == 0xe : top >> 8 == 0xff
        let isLinkLocal = isFour ? v4 >> 16 == 0xa9fe : top & 0xffc0 == 0xfe80
        switch f {
        case .family: return .int(isFour ? 4 : 6)
        case .isUnspecified: return .bool(isUnspecified)
        case .isLoopback: return .bool(isLoopback)
        case .isLinkLocalUnicast: return .bool(isLinkLocal)
        case .isLinkLocalMulticast: return .bool(isFour ? v4 >> 8 == 0xe00000 : top & 0xff0f == 0xff02)
        case .isGlobalUnicast: return .bool(!(isUnspecified || isLoopback || isMulticast || isLinkLocal || isFour && v4 == .max))
        default: return .error(.noSuchOverload)
        }
    }
}
