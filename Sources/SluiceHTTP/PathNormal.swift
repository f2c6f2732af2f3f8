// Makes one path out of the many spellings of it, so that the route that was chosen and the resource that the upstream
// serves are the same: percent-encoded unreserved characters are decoded, the other escapes are upper-cased, dot segments
// are removed (RFC 3986 sections 6.2.2 and 5.2.4). Encoded slashes stay encoded; doubled slashes stay doubled.
import SluiceBytes

public enum PathNormal {
    /// Whether `path` (without query) is in normal form already: no escape, no dot segment. The usual case, one pass.
    @inlinable public static func isNormal(_ path: ByteView) -> Bool {
        var i = 0
        var afterSlash = false
        while i < path.count {
            let c = path[i]
            if c == 0x25 { return false }
            if (c == 0x2e || c == 0x2f) && afterSlash { return false }  // a dot or a slash behind a slash is looked at closely
            afterSlash = c == 0x2f
            i &+= 1
        }
        return true
    }

    /// Writes the normal form to `out` (room for `path.count` bytes); its length, or -1 for a malformed escape, an
    /// encoded NUL, or dot segments that climb above the root.
    public static func normalize(_ path: ByteView, into out: UnsafeMutablePointer<UInt8>) -> Int {
        let n = decode(path, into: out)
        return n < 0 ? -1 : removeDots(out, n)
    }

    /// Writes what a route is chosen by: an upstream may take an escaped slash for a slash and several slashes for one, so a
    /// route that guards `/private/*` must see `//private/x` and `/private%2Fx` too. The upstream still gets the path as it is.
    /// - Parameters:
    ///   - path: in normal form.
    ///   - out: room for `path.count` bytes.
    /// - Returns: the length, or -1 when reading escaped slashes as slashes makes dot segments appear.
    public static func fold(_ path: ByteView, into out: UnsafeMutablePointer<UInt8>) -> Int {
        var i = 0, o = 0
        while i < path.count {
            var c = path[i]
            if c == 0x25 && i + 2 < path.count && path[i + 1] == 0x32 && path[i + 2] | 0x20 == 0x66 {
                c = 0x2f
                i += 2
            }
            i += 1
            if c == 0x2f {
                if o > 0 && out[o - 1] == 0x2f { continue }
                if endsInDots(out, o) { return -1 }
            }
            out[o] = c
            o += 1
        }
        return endsInDots(out, o) ? -1 : o
    }

    /// The last segment written is "." or "..".
    static func endsInDots(_ p: UnsafeMutablePointer<UInt8>, _ n: Int) -> Bool {
        if n > 1 && p[n - 1] == 0x2e && p[n - 2] == 0x2f { return true }
        return n > 2 && p[n - 1] == 0x2e && p[n - 2] == 0x2e && p[n - 3] == 0x2f
    }

    static func decode(_ path: ByteView, into out: UnsafeMutablePointer<UInt8>) -> Int {
        var i = 0, o = 0
        while i < path.count {
            let c = path[i]
            if c != 0x25 {
                out[o] = c
                o += 1
                i += 1
                continue
            }
            guard i + 2 < path.count, let high = hex(path[i + 1]), let low = hex(path[i + 2]) else { return -1 }
            let value = high << 4 | low
            if value == 0 { return -1 }
            if isUnreserved(value) {
                out[o] = value
                o += 1
            } else {
                out[o] = 0x25
                out[o + 1] = digit(high)
                out[o + 2] = digit(low)
                o += 3
            }
            i += 3
        }
        return o
    }

    /// In place, segment by segment; -1 when ".." has no segment to remove.
    static func removeDots(_ p: UnsafeMutablePointer<UInt8>, _ n: Int) -> Int {
        var read = 0, write = 0
        while read < n {
            // p[read] is "/": take the segment behind it
            var end = read + 1
            while end < n && p[end] != 0x2f { end += 1 }
            let length = end - read - 1
            let isLast = end == n
            if length == 1 && p[read + 1] == 0x2e {
                if isLast { write = put(p, write) }
            } else if length == 2 && p[read + 1] == 0x2e && p[read + 2] == 0x2e {
                if write == 0 { return -1 }
                repeat { write -= 1 } while p[write] != 0x2f
                if isLast { write = put(p, write) }
            } else {
                var k = read
                while k < end {
                    p[write] = p[k]
                    write += 1
                    k += 1
                }
            }
            read = end
        }
        if write == 0 { write = put(p, 0) }
        return write
    }

    static func put(_ p: UnsafeMutablePointer<UInt8>, _ at: Int) -> Int {
        p[at] = 0x2f
        return at + 1
    }
    static func hex(_ c: UInt8) -> UInt8? {
        if c &- 0x30 < 10 { return c &- 0x30 }
        let l = c | 0x20
        return l &- 0x61 < 6 ? l &- 0x61 &+ 10 : nil
    }
    static func digit(_ v: UInt8) -> UInt8 { v < 10 ? v &+ 0x30 : v &+ 0x37 }
    /// ALPHA DIGIT - . _ ~ (RFC 3986 section 2.3)
    static func isUnreserved(_ c: UInt8) -> Bool {
        (c | 0x20) &- 0x61 < 26 || c &- 0x30 < 10 || c == 0x2d || c == 0x2e || c == 0x5f || c == 0x7e
    }
}
