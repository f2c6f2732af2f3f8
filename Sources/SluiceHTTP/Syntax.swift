// Character classes of RFC 9110 and RFC 3986 and the small grammars built on them: tokens, field values, hosts.
// Pure predicates over bytes in bounds; nothing here knows about messages.
import SluiceBytes

public enum Syntax {
    /// One octal digit a byte: bit 0 token character, bit 1 character of a reg-name, bit 2 hex digit. A literal,
    /// because a table in a global array would cost a lazy-init check and a bound check per byte.
    @inlinable static var classes: StaticString {
        """
        0000000000000000\
        0000000000000000\
        0301313322332330\
        7777777777020200\
        0777777333333333\
        3333333333300013\
        1777777333333333\
        3333333333301030\
        0000000000000000\
        0000000000000000\
        0000000000000000\
        0000000000000000\
        0000000000000000\
        0000000000000000\
        0000000000000000\
        0000000000000000
        """
    }
    @inlinable @inline(__always) static func has(_ c: UInt8, _ bit: UInt8) -> Bool { classes.utf8Start[Int(c)] & bit != 0 }
    /// `tchar` (RFC 9110 section 5.6.2).
    @inlinable @inline(__always) public static func isTokenByte(_ c: UInt8) -> Bool { has(c, 1) }
    @inlinable @inline(__always) static func isNameByte(_ c: UInt8) -> Bool { has(c, 2) }
    @inlinable @inline(__always) static func isHex(_ c: UInt8) -> Bool { has(c, 4) }

    /// At least one `tchar` and nothing else.
    @inlinable public static func isToken(_ v: ByteView) -> Bool {
        if v.isEmpty { return false }
        var i = 0
        while i < v.count {
            if !isTokenByte(v[i]) { return false }
            i &+= 1
        }
        return true
    }

    /// A field value that may go on the wire: no controls but HTAB, no DEL, no white space at either end
    /// (RFC 9110 section 5.5). Bytes from 0x80 are allowed.
    @inlinable public static func isFieldValue(_ v: ByteView) -> Bool {
        if v.isEmpty { return true }
        if isBlank(v[0]) || isBlank(v[v.count &- 1]) { return false }
        var i = 0
        while i < v.count {
            let c = v[i]
            if (c < 0x20 && c != 9) || c == 0x7f { return false }
            i &+= 1
        }
        return true
    }

    /// A path with optional query that may stand in a request line: begins with '/', no SP, control, '#' or byte from 0x7F.
    @inlinable public static func isOriginTarget(_ v: ByteView) -> Bool {
        if v.isEmpty || v[0] != 0x2f { return false }
        var i = 0
        while i < v.count {
            let c = v[i]
            if c < 0x21 || c >= 0x7f || c == 0x23 { return false }
            i &+= 1
        }
        return true
    }

    @inlinable @inline(__always) static func isBlank(_ c: UInt8) -> Bool { c == 0x20 || c == 9 }

    /// Checks `uri-host [":" port]` (RFC 9110 section 7.2) and returns the length of the host part, or -1. The host may
    /// be empty only when there is no port either; a port is at most 65535 and may be empty (RFC 3986 section 3.2.3).
    @inlinable public static func authority(_ v: ByteView) -> Int {
        var i = 0
        if v.count > 0 && v[0] == 0x5b {
            i = ipv6Literal(v)
            if i < 0 { return -1 }
        } else {
            while i < v.count && v[i] != 0x3a {
                if isNameByte(v[i]) {
                    i &+= 1
                } else if v[i] == 0x25 && v.count &- i > 2 && isHex(v[i &+ 1]) && isHex(v[i &+ 2]) {
                    i &+= 3
                } else {
                    return -1
                }
            }
        }
        if i == v.count { return i }
        return i > 0 && v[i] == 0x3a && isPort(v.dropFirst(i &+ 1)) ? i : -1
    }

    @inlinable static func isPort(_ v: ByteView) -> Bool {
        if v.count > 5 { return false }
        var n = 0
        var i = 0
        while i < v.count {
            if !ASCII.isDigit(v[i]) { return false }
            n = n &* 10 &+ Int(v[i] &- 0x30)
            i &+= 1
        }
        return n <= 65_535
    }

    /// Length of `"[" IPv6address "]"` at the start of `v`, or -1. Zone ids and future versions are refused.
    @usableFromInline static func ipv6Literal(_ v: ByteView) -> Int {
        var i = 1
        var groups = 0
        var compressed = false
        if v.count > 3 && v[1] == 0x3a {
            if v[2] != 0x3a { return -1 }
            compressed = true
            i = 3
        }
        while i < v.count && v[i] != 0x5d {
            let start = i
            while i < v.count && isHex(v[i]) { i &+= 1 }
            if i < v.count && v[i] == 0x2e {
                i = ipv4(v, from: start)
                if i < 0 || i >= v.count || v[i] != 0x5d { return -1 }
                groups &+= 2
                break
            }
            if i == start || i &- start > 4 || i >= v.count { return -1 }
            groups &+= 1
            if v[i] == 0x5d { break }
            if v[i] != 0x3a { return -1 }
            i &+= 1
            if i < v.count && v[i] == 0x3a {
                if compressed { return -1 }
                compressed = true
                i &+= 1
            } else if i < v.count && v[i] == 0x5d {
                return -1
            }
        }
        if i >= v.count || v[i] != 0x5d { return -1 }
        return (compressed ? groups < 8 : groups == 8) ? i &+ 1 : -1
    }

    /// Index behind four decimal octets at `from`, or -1.
    @usableFromInline static func ipv4(_ v: ByteView, from: Int) -> Int {
        var i = from
        for part in 0..<4 {
            let start = i
            var n = 0
            while i < v.count && ASCII.isDigit(v[i]) && i &- start < 3 {
                n = n &* 10 &+ Int(v[i] &- 0x30)
                i &+= 1
            }
            if i == start || n > 255 || (v[start] == 0x30 && i &- start > 1) { return -1 }
            if part < 3 {
                if i >= v.count || v[i] != 0x2e { return -1 }
                i &+= 1
            }
        }
        return i
    }
}
