// IPv4 and IPv6 addresses and networks as values, parsed strictly and without libc, so that every process reads the same
// text the same way. Socket addresses with ports are in `Address.swift`.

/// An IPv4 or IPv6 address; IPv4 is held IPv4-mapped (`::ffff:a.b.c.d`) and remembered as IPv4.
public struct IPAddress: Sendable, Hashable, CustomStringConvertible {
    /// The 128 bits, most significant half first.
    public let high: UInt64
    public let low: UInt64
    public let isIPv4: Bool

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
        isIPv4 = false
    }

    /// An IPv4 address from its 32 bits, most significant byte first in the text form.
    public init(ipv4: UInt32) {
        high = 0
        low = 0xffff_0000_0000 | UInt64(ipv4)
        isIPv4 = true
    }

    /// Dotted decimal without leading zeros, or RFC 4291 section 2.2 text without a zone; nil for anything else.
    public init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        if let v4 = IPAddress.parseIPv4(bytes[...]) {
            self.init(ipv4: v4)
        } else if let (high, low) = IPAddress.parseIPv6(bytes) {
            self.init(high: high, low: low)
        } else {
            return nil
        }
    }

    /// The low 32 bits: the IPv4 address when `isIPv4`.
    public var ipv4: UInt32 { UInt32(truncatingIfNeeded: low) }

    /// The 16 bytes in network order.
    public var bytes: [UInt8] {
        (0..<16).map { i in UInt8(truncatingIfNeeded: (i < 8 ? high : low) >> UInt64(56 - 8 * (i & 7))) }
    }

    /// Dotted decimal, or the canonical form of RFC 5952.
    public var description: String {
        if isIPv4 { return (0..<4).map { String(ipv4 >> UInt32(24 - 8 * $0) & 255) }.joined(separator: ".") }
        let groups = (0..<8).map { i in UInt16(truncatingIfNeeded: (i < 4 ? high : low) >> UInt64(48 - 16 * (i & 3))) }
        let gap = IPAddress.longestZeroRun(groups)
        let text = { (run: ArraySlice<UInt16>) in run.map { String($0, radix: 16) }.joined(separator: ":") }
        if gap.count < 2 { return text(groups[...]) }
        return text(groups[..<gap.lowerBound]) + "::" + text(groups[gap.upperBound...])
    }

    private static func longestZeroRun(_ groups: [UInt16]) -> Range<Int> {
        var best = 0..<0
        var start = 0
        for i in 0...8 where i == 8 || groups[i] != 0 {
            if i - start > best.count { best = start..<i }
            start = i + 1
        }
        return best
    }

    static func parseIPv4(_ s: ArraySlice<UInt8>) -> UInt32? {
        var value: UInt32 = 0
        let parts = s.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        if parts.count != 4 { return nil }
        for part in parts {
            guard let n = decimal(part, max: 255), part.count == 1 || part.first != UInt8(ascii: "0") else { return nil }
            value = value << 8 | UInt32(n)
        }
        return value
    }

    static func parseIPv6(_ s: [UInt8]) -> (UInt64, UInt64)? {
        let colon = UInt8(ascii: ":")
        var groups: [UInt16] = []
        var gap: Int?
        var i = 0
        if s.starts(with: [colon, colon]) {
            gap = 0
            i = 2
        }
        while i < s.count {
            let end = s[i...].firstIndex(of: colon) ?? s.count
            if end == s.count, let v4 = parseIPv4(s[i..<end]) {
                groups += [UInt16(v4 >> 16), UInt16(truncatingIfNeeded: v4)]
                break
            }
            guard let group = hexadecimal(s[i..<end]), groups.count < 8 else { return nil }
            groups.append(group)
            if end == s.count { break }
            i = end + 1
            if i == s.count { return nil }  // ends in a single colon
            if s[i] == colon {
                if gap != nil { return nil }
                gap = groups.count
                i += 1
            }
        }
        if let gap {
            if groups.count > 7 { return nil }
            groups.insert(contentsOf: repeatElement(0, count: 8 - groups.count), at: gap)
        }
        if groups.count != 8 { return nil }
        let half = { (r: Range<Int>) in groups[r].reduce(UInt64(0)) { $0 << 16 | UInt64($1) } }
        return (half(0..<4), half(4..<8))
    }

    private static func hexadecimal(_ s: ArraySlice<UInt8>) -> UInt16? {
        if !(1...4).contains(s.count) { return nil }
        var value: UInt16 = 0
        for c in s {
            switch c {
            case 0x30...0x39: value = value << 4 | UInt16(c - 0x30)
            case 0x41...0x46: value = value << 4 | UInt16(c - 0x37)
            case 0x61...0x66: value = value << 4 | UInt16(c - 0x57)
            default: return nil
            }
        }
        return value
    }

    /// Digits only, at most `max`; nil otherwise.
    static func decimal(_ s: ArraySlice<UInt8>, max: Int) -> Int? {
        if s.isEmpty || s.count > 9 { return nil }
        var value = 0
        for c in s {
            guard (0x30...0x39).contains(c) else { return nil }
            value = value * 10 + Int(c - 0x30)
        }
        return value <= max ? value : nil
    }
}

/// An address block in CIDR notation (RFC 4632). Bits behind the prefix are cleared: "10.1.2.3/8" is "10.0.0.0/8".
public struct IPNetwork: Sendable, Hashable, CustomStringConvertible {
    public let address: IPAddress
    /// 0...32 for IPv4, 0...128 for IPv6, as written.
    public let prefixBits: Int

    /// "10.0.0.0/8", "2001:db8::/32", or a bare address, which is that one host; nil for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let ip = IPAddress(parts[0]) else { return nil }
        let width = ip.isIPv4 ? 32 : 128
        var bits = width
        if parts.count == 2 {
            let digits = Array(parts[1].utf8)
            guard let n = IPAddress.decimal(digits[...], max: width), digits.count == 1 || digits[0] != 0x30 else { return nil }
            bits = n
        }
        prefixBits = bits
        let kept = bits + 128 - width  // as a prefix of the mapped form
        let mask = { (n: Int) -> UInt64 in n <= 0 ? 0 : n >= 64 ? .max : ~(UInt64.max >> UInt64(n)) }
        let high = ip.high & mask(kept)
        let low = ip.low & mask(kept - 64)
        address = ip.isIPv4 ? IPAddress(ipv4: UInt32(truncatingIfNeeded: low)) : IPAddress(high: high, low: low)
    }

    /// Prefix length of the IPv4-mapped form, 0...128.
    public var mappedPrefixBits: Int { address.isIPv4 ? prefixBits + 96 : prefixBits }
    public var description: String { "\(address)/\(prefixBits)" }
}
