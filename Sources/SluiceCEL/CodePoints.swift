// Texts as code points of UTF-8, the unit that CEL counts in. Header values may be anything, so a byte that is no UTF-8 counts as one
// code point of its own instead of failing. Views only; nothing is copied here.
import SluiceBytes

enum CodePoints {
    /// Bytes that the code point at `i` takes: 1...4, never past the end.
    @inline(__always) static func width(_ v: ByteView, _ i: Int) -> Int {
        let c = v[i]
        if c < 0x80 { return 1 }
        return wide(v, i, c)
    }
    private static func wide(_ v: ByteView, _ i: Int, _ c: UInt8) -> Int {
        let n = c < 0xc2 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 1
        if n == 1 || i &+ n > v.count { return 1 }
        for k in 1..<n where v[i &+ k] & 0xc0 != 0x80 { return 1 }
        let second = v[i &+ 1]
        if c == 0xe0 && second < 0xa0 || c == 0xed && second > 0x9f { return 1 }  // overlong, surrogates
        if c == 0xf0 && second < 0x90 || c == 0xf4 && second > 0x8f { return 1 }
        return n
    }

    static func count(_ v: ByteView) -> Int {
        var i = 0, n = 0
        while i < v.count {
            i &+= width(v, i)
            n &+= 1
        }
        return n
    }

    /// The byte offset of code point `index`; nil when there are fewer than `index`. `index` = the count gives the end.
    static func offset(_ v: ByteView, of index: Int) -> Int? {
        if index < 0 { return nil }
        var i = 0, n = 0
        while n < index {
            if i >= v.count { return nil }
            i &+= width(v, i)
            n &+= 1
        }
        return i
    }

    static func isValid(_ v: ByteView) -> Bool {
        var i = 0
        while i < v.count {
            let n = width(v, i)
            if n == 1 && v[i] >= 0x80 { return false }
            i &+= n
        }
        return true
    }

    /// Byte offset of the first `needle` at or after byte `from`.
    static func find(_ needle: ByteView, in v: ByteView, from: Int = 0) -> Int? {
        if needle.count == 0 { return from <= v.count ? from : nil }
        var i = from
        while i &+ needle.count <= v.count {
            let rest = ByteView(v.start + i, v.count &- i &- needle.count &+ 1)
            let k = rest.firstIndex(of: needle[0])
            if k < 0 { return nil }
            i &+= k
            if ByteView(v.start + i, needle.count).equals(needle) { return i }
            i &+= 1
        }
        return nil
    }
    /// Byte offset of the last `needle` that begins at or before byte `from`.
    static func findLast(_ needle: ByteView, in v: ByteView, from: Int) -> Int? {
        var i = min(from, v.count &- needle.count)
        while i >= 0 {
            if ByteView(v.start + i, needle.count).equals(needle) { return i }
            i &-= 1
        }
        return nil
    }

    @inline(__always) static func hasPrefix(_ v: ByteView, _ p: ByteView) -> Bool {
        v.count >= p.count && ByteView(v.start, p.count).equals(p)
    }
    @inline(__always) static func hasSuffix(_ v: ByteView, _ s: ByteView) -> Bool {
        v.count >= s.count && ByteView(v.start + (v.count &- s.count), s.count).equals(s)
    }
    /// Bytes of white space at `i` (Unicode's White_Space), 0: none.
    static func blank(_ v: ByteView, _ i: Int) -> Int {
        let c = v[i]
        if c == 0x20 || c &- 9 < 5 { return 1 }
        if c < 0x80 { return 0 }
        let n = width(v, i)
        if n == 2 { return c == 0xc2 && (v[i + 1] == 0x85 || v[i + 1] == 0xa0) ? 2 : 0 }
        if n != 3 { return 0 }
        let p = UInt32(c & 15) << 12 | UInt32(v[i + 1] & 63) << 6 | UInt32(v[i + 2] & 63)
        return p == 0x1680 || (0x2000...0x200a).contains(p) || p == 0x2028 || p == 0x2029 || p == 0x202f || p == 0x205f || p == 0x3000
            ? 3 : 0
    }
}
