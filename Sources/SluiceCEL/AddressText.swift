// Addresses and networks read from bytes without an allocation (the rules of SluiceModel's IPAddress, which is for configuration), and
// written back through it.
import SluiceBytes
import SluiceModel

extension Value {
    /// The address that a text is (`AddressText.parse`); nil: it is none.
    public static func ip(text: ByteView) -> Value? { AddressText.parse(text)?.value }
}

enum AddressText {
    struct Address {
        var high: UInt64, low: UInt64
        var isIPv4: Bool
        var value: Value { .ip(high: high, low: low, isIPv4: isIPv4) }
    }

    /// Dotted decimal, or RFC 4291 section 2.2 without a zone.
    static func parse(_ v: ByteView) -> Address? {
        if v.count > 45 { return nil }
        if let n = four(v) { return Address(high: 0, low: 0xffff_0000_0000 | UInt64(n), isIPv4: true) }
        guard let (high, low) = six(v) else { return nil }
        return Address(high: high, low: low, isIPv4: false)
    }

    private static func four(_ v: ByteView) -> UInt32? {
        var n: UInt32 = 0, part: UInt32 = 0, digits = 0, parts = 1, i = 0
        while i < v.count {
            let c = v[i]
            if c == 0x2e {
                if digits == 0 || parts == 4 { return nil }
                (n, part, digits, parts) = (n << 8 | part, 0, 0, parts + 1)
            } else {
                if !ASCII.isDigit(c) || digits == 3 || digits > 0 && part == 0 { return nil }
                part = part * 10 + UInt32(c - 0x30)
                if part > 255 { return nil }
                digits += 1
            }
            i += 1
        }
        return parts == 4 && digits > 0 ? n << 8 | part : nil
    }

    private static func six(_ v: ByteView) -> (UInt64, UInt64)? {
        var groups = InlineArray<8, UInt16>(repeating: 0)
        var count = 0, gap = -1, i = 0
        if v.count >= 2, v[0] == 0x3a, v[1] == 0x3a { (gap, i) = (0, 2) }
        while i < v.count {
            let rest = ByteView(v.start + i, v.count - i)
            let colon = rest.firstIndex(of: 0x3a)
            let end = colon < 0 ? v.count : i + colon
            let word = ByteView(v.start + i, end - i)
            if end == v.count, count <= 6, let n = four(word) {
                groups[count] = UInt16(truncatingIfNeeded: n >> 16)
                groups[count + 1] = UInt16(truncatingIfNeeded: n)
                count += 2
                break
            }
            guard count < 8, let n = group(word) else { return nil }
            groups[count] = n
            count += 1
            if end == v.count { break }
            i = end + 1
            if i == v.count { return nil }
            if v[i] == 0x3a {
                if gap >= 0 { return nil }
                gap = count
                i += 1
            }
        }
        if gap < 0 ? count != 8 : count > 7 { return nil }
        var high: UInt64 = 0, low: UInt64 = 0
        for k in 0..<8 {
            // Groups behind the gap stand at the end.
            let from = gap < 0 || k < gap ? k : k >= gap + 8 - count ? k - (8 - count) : -1
            let n = from < 0 ? 0 : UInt64(groups[from])
            if k < 4 { high = high << 16 | n } else { low = low << 16 | n }
        }
        return (high, low)
    }
    private static func group(_ v: ByteView) -> UInt16? {
        if v.count == 0 || v.count > 4 { return nil }
        var n: UInt16 = 0
        for i in 0..<v.count {
            let c = ASCII.lower(v[i])
            if ASCII.isDigit(c) {
                n = n << 4 | UInt16(c - 0x30)
            } else if c &- 0x61 < 6 {
                n = n << 4 | UInt16(c - 0x57)
            } else {
                return nil
            }
        }
        return n
    }

    /// "10.1.2.3/8" as a value that keeps the address as written; a bare address is no network here.
    static func parseNetwork(_ v: ByteView) -> Value? {
        let slash = v.firstIndex(of: 0x2f)
        guard slash > 0, let a = parse(v.prefix(slash)) else { return nil }
        let digits = v.dropFirst(slash + 1)
        guard (1...3).contains(digits.count), digits.count == 1 || digits[0] != 0x30 else { return nil }
        var bits = 0
        for i in 0..<digits.count {
            guard ASCII.isDigit(digits[i]) else { return nil }
            bits = bits * 10 + Int(digits[i] - 0x30)
        }
        if bits > (a.isIPv4 ? 32 : 128) { return nil }
        let mapped = a.isIPv4 ? bits + 96 : bits
        return Value(.cidr, a: a.high, b: a.low, aux: UInt32(mapped) | (a.isIPv4 ? 256 : 0))
    }

    static func text(_ v: Value) -> String {
        v.aux == 4 ? IPAddress(ipv4: UInt32(truncatingIfNeeded: v.b)).description : IPAddress(high: v.a, low: v.b).description
    }
    static func networkText(_ v: Value) -> String { "\(text(NetworkFunctions.address(of: v)))/\(NetworkFunctions.bits(v))" }
}
