// The routing structures inside an image, as the builder writes them and the router walks them: a hash table of hosts, one
// radix tree of path bytes per set of hosts, lists of routes at the nodes. Plain records only; see Router.swift for the walk.
//
//   hosts  [HostTableHeader][HostSlot × 2ⁿ]     open addressing, linear probing, at most half full
//             "api.example.com" ──► root ─┐     exact names; "*.example.org" is kept as ".example.org"
//             (no host)          ──► root ┤
//   nodes  [RouteNode × n][first bytes × n] ◄┘  children of a node lie side by side, literal ones sorted by first byte,
//             "/users/" ─┬─ "me"                then the `{}` child; parents come before their children
//                        └─ {} ── "/posts*"
//   lists  [RouteEntry…]                        best first; the last entry of each list says so
import SluiceBytes

/// Head of the hosts section; `header.hosts.count` slots follow it.
@frozen public struct HostTableHeader {
    /// Root node of the routes for any host, or UInt32.max.
    public var anyRoot: UInt32 = .max
    public var anyMaxKey: Int32 = .min
    /// Bit n: some wildcard has n labels behind its star.
    public var wildcardLabels: UInt32 = 0
    public var reserved: (UInt32, UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0, 0)
    public init() {}
}

@frozen public struct HostSlot {
    /// `HostHash` of the text.
    public var hash: UInt64 = 0
    /// Lower-case host; with a leading dot for a wildcard.
    public var text = ImageText()
    public var root: UInt32 = 0
    /// Highest key of any route under the root.
    public var maxKey: Int32 = .min
    /// `HostSlot.empty`, `.exact` or `.wildcard`.
    public var kind: UInt32 = 0
    public var reserved: UInt32 = 0
    public init() {}
    @inlinable public static var empty: UInt32 { 0 }
    @inlinable public static var exact: UInt32 { 1 }
    @inlinable public static var wildcard: UInt32 { 2 }
}

/// A node of a path tree. Walking to a literal node consumes its first byte (kept in the array behind the nodes) and its
/// label; walking to a `{}` node consumes one non-empty segment.
@frozen public struct RouteNode {
    public var firstChild: UInt32 = 0
    /// UInt32.max for a root, whose `label` is one more than the index of its regular expressions (`RegexTable`), or 0.
    public var parent: UInt32 = .max
    /// First entry of the routes whose pattern ends here, and of those that end here with `*`; UInt32.max = none.
    public var exact: UInt32 = .max
    public var prefix: UInt32 = .max
    /// Highest entry key at this node and below: branches that cannot win are not entered.
    public var maxKey: Int32 = .min
    /// Bits 0–8 number of literal children, 9–12 number of `{}` on the way here, 14 has a `{}` child, 15 is one.
    public var shape: UInt16 = 0
    public var labelLength: UInt16 = 0
    /// Up to 8 bytes, first byte lowest; a longer label is the offset of its bytes in the strings section.
    public var label: UInt64 = 0
    public init() {}

    @inlinable public var literalCount: Int { Int(shape & 0x1ff) }
    @inlinable public var depth: Int { Int(shape >> 9 & 15) }
    @inlinable public var hasBrace: Bool { shape & 0x4000 != 0 }
    @inlinable public var isBrace: Bool { shape & 0x8000 != 0 }
    @inlinable public var childCount: Int { literalCount &+ (hasBrace ? 1 : 0) }
    /// Longest label that is kept inside the node.
    @inlinable public static var inlineLabelMax: Int { 8 }
}

/// One route at the end of one of its patterns.
@frozen public struct RouteEntry {
    public var route: UInt32 = 0
    /// 4 × priority, + 2 when the pattern is exact, + 1 when it is a regular expression: the larger wins among the routes of one host.
    public var key: Int32 = 0
    /// Copy of the route's methods.
    public var methods: UInt16 = 0
    /// `last`: nothing follows in its list; `conditional`: its route has a condition.
    public var flags: UInt8 = 0
    public var parameterCount: UInt8 = 0
    /// First of its names in the parameter names section.
    public var names: UInt32 = 0
    public init() {}
    @inlinable public static var last: UInt8 { 1 }
    @inlinable public static var conditional: UInt8 { 2 }
    @inlinable public var isLast: Bool { flags & RouteEntry.last != 0 }
    /// What makes an exact pattern, and a regular expression, better than a prefix of the same priority.
    @inlinable public static var exactBonus: Int32 { 2 }
    @inlinable public static var regexBonus: Int32 { 1 }
    /// `key` of a priority, without bonus.
    @inlinable public static func key(priority: Int32) -> Int32 { 4 &* priority }
}

/// Hash of a host, folded to lower case, from its last byte to its first: the hash of every suffix comes for free.
public enum HostHash {
    @inlinable public static var start: UInt64 { 0xcbf2_9ce4_8422_2325 }
    /// Adds the byte in front of those already hashed. Letters of both cases count as one; that a few other bytes do too costs nothing,
    /// names are compared in the end.
    @inlinable @inline(__always) public static func step(_ h: UInt64, _ byte: UInt8) -> UInt64 {
        (h ^ UInt64(byte | 0x20)) &* 0x9e37_79b9_7f4a_7c15
    }
    /// Mixes the high bits, where the multiplications gathered, into the low ones that index the table.
    @inlinable @inline(__always) public static func finish(_ h: UInt64) -> UInt64 {
        let x = (h ^ h >> 32) &* 0xd6e8_feb8_6659_fd93
        return x ^ x >> 32
    }
    @inlinable public static func hash(_ v: ByteView) -> UInt64 {
        var h = start
        var i = v.count
        while i > 0 {
            i &-= 1
            h = step(h, v.start[i])
        }
        return finish(h)
    }
}
