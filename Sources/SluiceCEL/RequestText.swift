// The maps that stand in texts of a request: arguments in its query, cookies in the field Cookie. Walked where they lie, decoded only when
// asked for; used by whoever answers for request.args and request.cookies, so that a sample request and a real one read the same.
import SluiceBytes

/// `a=1&b=x%20y`, as application/x-www-form-urlencoded (WHATWG URL, section 5.1).
public enum QueryText {
    /// The pair at byte `cursor`, still encoded; the cursor moves behind it. nil: no more. Empty pieces are skipped.
    public static func next(_ query: ByteView, _ cursor: inout Int) -> (name: ByteView, value: ByteView)? {
        while cursor < query.count {
            let rest = query.dropFirst(cursor)
            let end = rest.firstIndex(of: 0x26)
            let pair = end < 0 ? rest : rest.prefix(end)
            cursor += pair.count + 1
            if pair.isEmpty { continue }
            let equals = pair.firstIndex(of: 0x3d)
            return equals < 0 ? (pair, .empty) : (pair.prefix(equals), pair.dropFirst(equals + 1))
        }
        return nil
    }

    /// The encoded value of the first argument of this name.
    public static func find(_ name: ByteView, in query: ByteView) -> ByteView? {
        var cursor = 0
        while let pair = next(query, &cursor) {
            if isEqual(pair.name, name) { return pair.value }
        }
        return nil
    }

    /// Whether the encoded text says `plain`.
    public static func isEqual(_ encoded: ByteView, _ plain: ByteView) -> Bool {
        var i = 0, n = 0
        while i < encoded.count {
            let c = byte(encoded, &i)
            if n == plain.count || plain[n] != c { return false }
            n += 1
        }
        return n == plain.count
    }

    /// The decoded text: the same view if nothing is encoded, else a copy in the arena; nil: the arena is full.
    public static func decoded(_ v: ByteView, arena: UnsafeMutablePointer<Arena>) -> ByteView? {
        if v.firstIndex(of: 0x25) < 0 && v.firstIndex(of: 0x2b) < 0 { return v }
        guard let p = arena.pointee.allocate(v.count) else { return nil }
        var i = 0, n = 0
        while i < v.count {
            p[n] = byte(v, &i)
            n += 1
        }
        return ByteView(p, n)
    }

    /// One decoded byte; a "%" without two digits behind it stands for itself.
    private static func byte(_ v: ByteView, _ i: inout Int) -> UInt8 {
        let c = v[i]
        i += 1
        if c == 0x2b { return 0x20 }
        if c == 0x25, i + 1 < v.count, let high = digit(v[i]), let low = digit(v[i + 1]) {
            i += 2
            return high << 4 | low
        }
        return c
    }
    private static func digit(_ c: UInt8) -> UInt8? {
        if ASCII.isDigit(c) { return c - 0x30 }
        let l = ASCII.lower(c)
        return l &- 0x61 < 6 ? l - 0x57 : nil
    }
}

/// `a=1; b=2` (RFC 6265 section 4.2.1); values in quotes lose them.
public enum CookieText {
    /// The cookie at byte `cursor`, which moves behind it; nil: no more. Pieces without "=" are skipped.
    public static func next(_ field: ByteView, _ cursor: inout Int) -> (name: ByteView, value: ByteView)? {
        while cursor < field.count {
            let rest = field.dropFirst(cursor)
            let end = rest.firstIndex(of: 0x3b)
            let piece = end < 0 ? rest : rest.prefix(end)
            cursor += piece.count + 1
            let equals = piece.firstIndex(of: 0x3d)
            if equals < 0 { continue }
            let name = trimmed(piece.prefix(equals))
            var value = trimmed(piece.dropFirst(equals + 1))
            if value.count >= 2, value[0] == 0x22, value[value.count - 1] == 0x22 { value = value.dropFirst(1).prefix(value.count - 2) }
            if !name.isEmpty { return (name, value) }
        }
        return nil
    }
    /// The first cookie of this name.
    public static func find(_ name: ByteView, in field: ByteView) -> ByteView? {
        var cursor = 0
        while let cookie = next(field, &cursor) {
            if cookie.name.equals(name) { return cookie.value }
        }
        return nil
    }
    private static func trimmed(_ v: ByteView) -> ByteView {
        var v = v
        while v.count > 0, v[0] == 0x20 || v[0] == 9 { v = v.dropFirst(1) }
        while v.count > 0, v[v.count - 1] == 0x20 || v[v.count - 1] == 9 { v = v.prefix(v.count - 1) }
        return v
    }
}
