// A set of networks as bytes of the image, and the question whether an address is in it. Networks are merged into ranges, sorted and apart
// from each other; each
// family has an index over equal parts of the span from first to last, so that ten thousand networks cost a few comparisons. The builder runs in the
// control process, the view anywhere.
import SluiceBytes
import SluiceModel

/// ```
///  0 magic u32 │ 4 buckets u32 │ 8 IPv4 ranges u32 │ 12 IPv6 ranges u32 │ 16 first IPv4 u32 │ 20 shift u32
/// 24 first IPv6's high half u64 │ 32 its shift u32 │ 36 its buckets u32
/// 40 index: u32 × (buckets + 1): the first range whose end is at or behind the bucket's first address; the same of IPv6
///  … IPv4 starts u32 ×, IPv4 ends u32 ×, (to 8) IPv6 starts 2 × u64 ×, IPv6 ends 2 × u64 ×
/// ```
/// Native byte order, 8-byte aligned, ends inclusive.
public struct AddressSetView {
    @usableFromInline let base: UnsafeRawPointer
    public let count: Int
    static let magic: UInt32 = 0x3153_4149  // "IAS1"

    /// - Parameters:
    ///   - base: 8-byte aligned; must outlive the view and have passed `check` before it is asked.
    public init(base: UnsafeRawPointer, count: Int) { (self.base, self.count) = (base, count) }

    struct Parts {
        var buckets4, buckets6, four, six: Int
        var index6: Int { 40 + 4 * (buckets4 + 1) }
        var starts4: Int { index6 + 4 * (buckets6 + 1) }
        var ends4: Int { starts4 + 4 * four }
        var starts6: Int { (ends4 + 4 * four + 7) & ~7 }
        var ends6: Int { starts6 + 16 * six }
        var total: Int { ends6 + 16 * six }
    }
    @inline(__always) var parts: Parts {
        Parts(buckets4: Int(word(4)), buckets6: Int(word(36)), four: Int(word(8)), six: Int(word(12)))
    }
    @inline(__always) private func word(_ at: Int) -> UInt32 { base.load(fromByteOffset: at, as: UInt32.self) }
    @inline(__always) private func pair(_ at: Int) -> (UInt64, UInt64) {
        (base.load(fromByteOffset: at, as: UInt64.self), base.load(fromByteOffset: at + 8, as: UInt64.self))
    }

    /// Whether the bytes are a set that can be asked: sizes, order, and the index inside its bounds. Linear, once per mapping.
    public func check() -> Bool {
        guard UInt(bitPattern: base) & 7 == 0, count >= 48, word(0) == Self.magic, word(4) <= 1 << 16, word(36) <= 1 << 16, word(20) < 32,
            word(32) < 64,
            word(8) <= UInt32(Limits.addressSetNetworksMax), word(12) <= UInt32(Limits.addressSetNetworksMax), parts.total == count
        else { return false }
        let p = parts
        guard isRising(40, p.buckets4, p.four), isRising(p.index6, p.buckets6, p.six) else { return false }
        for i in 0..<p.four {
            if word(p.starts4 + 4 * i) > word(p.ends4 + 4 * i) { return false }
            if i > 0 && word(p.ends4 + 4 * i - 4) >= word(p.starts4 + 4 * i) { return false }
        }
        for i in 0..<p.six {
            if Self.less(pair(p.ends6 + 16 * i), pair(p.starts6 + 16 * i)) { return false }
            if i > 0 && !Self.less(pair(p.ends6 + 16 * i - 16), pair(p.starts6 + 16 * i)) { return false }
        }
        return true
    }

    private func isRising(_ at: Int, _ buckets: Int, _ most: Int) -> Bool {
        var last: UInt32 = 0
        for i in 0...buckets {
            let n = word(at + 4 * i)
            if n < last || n > UInt32(most) { return false }
            last = n
        }
        return true
    }

    @inline(__always) static func less(_ x: (UInt64, UInt64), _ y: (UInt64, UInt64)) -> Bool {
        x.0 < y.0 || x.0 == y.0 && x.1 < y.1
    }

    /// Whether the address is in one of the networks. The two halves of its 128 bits; IPv4 as ::ffff:a.b.c.d.
    public func contains(high: UInt64, low: UInt64) -> Bool {
        let p = parts
        if high == 0 && low >> 32 == 0xffff { return contains(UInt32(truncatingIfNeeded: low), p) }
        let first = base.load(fromByteOffset: 24, as: UInt64.self)
        if high < first { return false }
        let part = (high &- first) >> UInt64(word(32))
        if part >= UInt64(p.buckets6) { return false }
        let at = p.index6 &+ 4 &* Int(part)
        var from = Int(word(at)), to = Int(word(at &+ 4))
        while from < to {  // the first range whose end is not before the address
            let middle = (from &+ to) >> 1
            if Self.less(pair(p.ends6 &+ 16 &* middle), (high, low)) { from = middle &+ 1 } else { to = middle }
        }
        return from < p.six && !Self.less((high, low), pair(p.starts6 &+ 16 &* from))
    }

    @inline(__always) private func contains(_ address: UInt32, _ p: Parts) -> Bool {
        let first = word(16)
        if address < first { return false }
        let bucket = Int((address &- first) >> word(20))
        if bucket >= p.buckets4 { return false }
        var from = Int(word(40 &+ 4 &* bucket)), to = Int(word(44 &+ 4 &* bucket))
        let ends = p.ends4
        while from < to {
            let middle = (from &+ to) >> 1
            if word(ends &+ 4 &* middle) < address { from = middle &+ 1 } else { to = middle }
        }
        return from < p.four && word(p.starts4 &+ 4 &* from) <= address
    }
}

public enum AddressSetBuilder {
    /// The bytes of a set; a multiple of 8 bytes, to be placed 8-byte aligned. At most `Limits.addressSetNetworksMax` networks, which
    /// the configuration check has made sure of.
    public static func bytes(_ networks: [IPNetwork]) -> [UInt8] {
        var four: [(UInt64, UInt64)] = [], six: [(Wide, Wide)] = []
        for n in networks {
            let hosts = 128 - n.mappedPrefixBits
            let first = Wide(n.address.high, n.address.low), last = first.filled(hosts)
            if first.high == 0, first.low >> 32 == 0xffff, hosts <= 32 {
                four.append((first.low & 0xffff_ffff, last.low & 0xffff_ffff))
            } else {
                six.append((first, last))
                // A network around all mapped addresses (::/0 and the like) holds every IPv4 address too.
                if first <= Wide(0, 0xffff_0000_0000), last >= Wide(0, 0xffff_ffff_ffff) { four.append((0, 0xffff_ffff)) }
            }
        }
        let v4 = merged(four, next: { $0 + 1 }), v6 = merged(six, next: \.next)
        return write(v4.map { (UInt32($0.0), UInt32($0.1)) }, v6)
    }

    private static func write(_ four: [(UInt32, UInt32)], _ six: [(Wide, Wide)]) -> [UInt8] {
        let index4 = index(four.map { (UInt64($0.0), UInt64($0.1)) }, widest: 31)
        let index6 = index(six.map { ($0.0.high, $0.1.high) }, widest: 63)
        var out: [UInt8] = []
        func put<T: FixedWidthInteger>(_ v: T) { withUnsafeBytes(of: v) { out.append(contentsOf: $0) } }
        put(AddressSetView.magic)
        put(UInt32(index4.starts.count - 1))
        put(UInt32(four.count))
        put(UInt32(six.count))
        put(UInt32(index4.first))
        put(index4.shift)
        put(index6.first)
        put(index6.shift)
        put(UInt32(index6.starts.count - 1))
        for n in index4.starts + index6.starts { put(n) }
        for r in four { put(r.0) }
        for r in four { put(r.1) }
        while out.count % 8 != 0 { out.append(0) }
        for r in six {
            put(r.0.high)
            put(r.0.low)
        }
        for r in six {
            put(r.1.high)
            put(r.1.low)
        }
        return out
    }

    /// About as many equal parts of the span as ranges, at most 65,536, and the first range of each part. Of IPv6 the high halves.
    private static func index(_ ranges: [(UInt64, UInt64)], widest: UInt32) -> (first: UInt64, shift: UInt32, starts: [UInt32]) {
        guard let first = ranges.first?.0, let last = ranges.last?.1 else { return (0, 0, [0]) }
        let most = UInt64(min(2 * ranges.count, 1 << 16))
        var shift: UInt32 = 0
        while (last - first) >> UInt64(shift) >= most && shift < widest { shift += 1 }
        var starts: [UInt32] = [], i = 0
        let buckets = ((last - first) >> UInt64(shift)) + 1
        for bucket in 0...buckets {
            let from = first.addingReportingOverflow(bucket << UInt64(shift))
            while i < ranges.count && (from.overflow || ranges[i].1 < from.partialValue) { i += 1 }
            starts.append(UInt32(i))
        }
        return (first, shift, starts)
    }

    /// Sorted, with overlapping and touching ranges made one.
    private static func merged<T: Comparable>(_ ranges: [(T, T)], next: (T) -> T) -> [(T, T)] {
        var out: [(T, T)] = []
        for r in ranges.sorted(by: { $0.0 < $1.0 }) {
            if let last = out.last, r.0 <= last.1 || r.0 == next(last.1) {
                if r.1 > last.1 { out[out.count - 1].1 = r.1 }
            } else {
                out.append(r)
            }
        }
        return out
    }

    struct Wide: Comparable {
        var high, low: UInt64
        init(_ high: UInt64, _ low: UInt64) { (self.high, self.low) = (high, low) }
        static func < (x: Wide, y: Wide) -> Bool { AddressSetView.less((x.high, x.low), (y.high, y.low)) }
        /// Stays at the last address, which merges with nothing behind it.
        var next: Wide { low == .max ? (high == .max ? self : Wide(high + 1, 0)) : Wide(high, low + 1) }
        func filled(_ hosts: Int) -> Wide {
            let ones = { (n: Int) -> UInt64 in n <= 0 ? 0 : n >= 64 ? .max : UInt64.max >> UInt64(64 - n) }
            return Wide(high | ones(hosts - 64), low | ones(hosts))
        }
    }
}
