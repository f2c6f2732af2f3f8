// Arguments of a query (application/x-www-form-urlencoded): finding one by its decoded name, and taking one out.
// `a=1&b&c=%20`: pieces between '&', name before the first '=', '+' and %XX decoded in both; a malformed escape is itself.
import CSluiceABI
import SluiceBytes
import SluiceModel

enum QueryString {
    /// Path, and what follows the first '?' (nil without one).
    @inline(__always) static func split(_ target: ByteView) -> (path: ByteView, query: ByteView?) {
        let mark = target.firstIndex(of: UInt8(ascii: "?"))
        return mark < 0 ? (target, nil) : (target.prefix(mark), target.dropFirst(mark + 1))
    }

    /// The next piece from `rest`, which moves behind it; nil at the end.
    @inline(__always) static func next(_ rest: inout ByteView?) -> (name: ByteView, value: ByteView, whole: ByteView)? {
        guard let r = rest else { return nil }
        let end = r.firstIndex(of: UInt8(ascii: "&"))
        let whole = end < 0 ? r : r.prefix(end)
        rest = end < 0 ? nil : r.dropFirst(end + 1)
        let equals = whole.firstIndex(of: UInt8(ascii: "="))
        return equals < 0 ? (whole, whole.dropFirst(whole.count), whole) : (whole.prefix(equals), whole.dropFirst(equals + 1), whole)
    }

    /// sluice_request_v1.query
    static func first(_ wanted: ByteView, _ ctx: Context, _ out: UnsafeMutablePointer<sluice_view>) -> Int32 {
        var rest = split(ctx.pointee.pathAndQuery).query
        var seen = 0
        while let (name, value, _) = next(&rest), seen < Limits.pluginQueryArgumentsMax {
            seen += 1
            if !isName(name, wanted) { continue }
            guard let decoded = decode(value, ctx) else { return Status.noMemory }
            out.pointee = decoded.view
            return Status.ok
        }
        return Status.notFound
    }

    /// sluice_request_edit_v1.remove_query: a new path and query without the arguments of this name.
    static func remove(_ wanted: ByteView, _ ctx: Context) -> Int32 {
        let (path, query) = split(ctx.pointee.pathAndQuery)
        guard let query else { return Status.notFound }
        guard let out = ctx.pointee.arena.pointee.allocate(path.count + query.count + 2) else { return Status.noMemory }
        out.update(from: path.start, count: path.count)
        var n = path.count
        var removed = false
        var rest: ByteView? = query
        while let (name, _, whole) = next(&rest) {
            if isName(name, wanted) {
                removed = true
                continue
            }
            out[n] = n == path.count ? UInt8(ascii: "?") : UInt8(ascii: "&")
            (out + n + 1).update(from: whole.start, count: whole.count)
            n += 1 + whole.count
        }
        if !removed { return Status.notFound }
        ctx.pointee.path = ByteView(out, n)
        return Status.ok
    }

    /// Does `name`, decoded, equal `wanted`?
    static func isName(_ name: ByteView, _ wanted: ByteView) -> Bool {
        if name.equals(wanted) { return true }
        if name.count <= wanted.count && name.firstIndex(of: UInt8(ascii: "+")) < 0 { return false }  // decoding an escape shortens
        var i = 0
        var j = 0
        while i < name.count {
            let (byte, width) = decoded(name, i)
            if j >= wanted.count || wanted[j] != byte { return false }
            i += width
            j += 1
        }
        return j == wanted.count
    }

    /// `value` decoded: itself when there is nothing to decode, else a copy in the arena; nil: no room.
    static func decode(_ value: ByteView, _ ctx: Context) -> ByteView? {
        if value.firstIndex(of: UInt8(ascii: "%")) < 0 && value.firstIndex(of: UInt8(ascii: "+")) < 0 { return value }
        guard let out = ctx.pointee.arena.pointee.allocate(value.count) else { return nil }
        var i = 0
        var n = 0
        while i < value.count {
            let (byte, width) = decoded(value, i)
            out[n] = byte
            n += 1
            i += width
        }
        return ByteView(out, n)
    }

    @inline(__always) private static func decoded(_ v: ByteView, _ i: Int) -> (UInt8, Int) {
        let c = v[i]
        if c == UInt8(ascii: "+") { return (0x20, 1) }
        guard c == UInt8(ascii: "%"), i + 2 < v.count, let high = hex(v[i + 1]), let low = hex(v[i + 2]) else { return (c, 1) }
        return (high << 4 | low, 3)
    }

    @inline(__always) private static func hex(_ c: UInt8) -> UInt8? {
        if ASCII.isDigit(c) { return c & 15 }
        let l = c | 0x20
        return l >= 0x61 && l <= 0x66 ? l - 0x57 : nil
    }
}
