// Texts: CEL's own functions and the strings extension. Indices count code points; results live in the run's arena. Header values may be
// no UTF-8: see `CodePoints`.
import SluiceBytes

enum TextFunctions {
    static func call(_ f: Function, _ x: UnsafeMutablePointer<Value>, _ n: Int, _ run: inout Run) -> Value {
        if f == .join { return join(x[0], n == 2 ? x[1] : .string(.empty), &run) }
        guard x[0].tag == .string else { return .error(.noSuchOverload) }
        let v = x[0].view
        run.chargeText(v.count)
        switch f {
        case .lowerAscii: return mapped(v, &run) { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }
        case .upperAscii: return mapped(v, &run) { $0 &- 0x61 < 26 ? $0 & ~0x20 : $0 }
        case .trim: return .string(trimmed(v))
        case .reverse: return reversed(v, &run)
        case .quote: return quoted(v, &run)
        case .charAt: return charAt(v, x[1])
        case .substring: return substring(v, x, n)
        default: break
        }
        guard x[1].tag == .string else { return .error(.noSuchOverload) }
        let w = x[1].view
        switch f {
        case .contains: return .bool(CodePoints.find(w, in: v) != nil)
        case .startsWith: return .bool(CodePoints.hasPrefix(v, w))
        case .endsWith: return .bool(CodePoints.hasSuffix(v, w))
        case .matches: return matches(v, w, RegexCache.hash(w), &run)
        case .indexOf, .lastIndexOf: return find(f, v, w, n == 3 ? x[2] : nil)
        case .replace: return replace(v, w, x, n, &run)
        case .split: return split(v, w, n == 3 ? x[2] : nil, &run)
        default: return .error(.noSuchOverload)
        }
    }

    static func matches(_ v: ByteView, _ pattern: ByteView, _ hash: UInt64, _ run: inout Run) -> Value {
        run.charge((v.count &+ 9) / 10 &* ((pattern.count &+ 3) / 4))
        if run.budget < 0 { return .error(.costLimit) }
        return run.regexes.search(pattern, hash: hash, v).map { .bool($0) } ?? .error(.invalidPattern)
    }

    private static func mapped(_ v: ByteView, _ run: inout Run, _ change: (UInt8) -> UInt8) -> Value {
        run.text(v.count) { p in
            for i in 0..<v.count { p[i] = change(v[i]) }
            return v.count
        }
    }

    private static func trimmed(_ v: ByteView) -> ByteView {
        var from = 0
        while from < v.count {
            let n = CodePoints.blank(v, from)
            if n == 0 { break }
            from += n
        }
        var to = from, i = from
        while i < v.count {
            let n = CodePoints.blank(v, i)
            i += n > 0 ? n : CodePoints.width(v, i)
            if n == 0 { to = i }
        }
        return ByteView(v.start + from, to - from)
    }

    private static func reversed(_ v: ByteView, _ run: inout Run) -> Value {
        run.text(v.count) { p in
            var i = 0
            while i < v.count {
                let n = CodePoints.width(v, i)
                (p + (v.count - i - n)).update(from: v.start + i, count: n)
                i += n
            }
            return v.count
        }
    }

    /// As a literal that CEL reads back; bytes that are no UTF-8 become U+FFFD.
    private static func quoted(_ v: ByteView, _ run: inout Run) -> Value {
        let escapes: StaticString = "abtnvfr"
        return run.text(3 * v.count + 2) { p in
            var n = 1, i = 0
            p[0] = 0x22
            func put(_ c: UInt8) {
                p[n] = c
                n += 1
            }
            while i < v.count {
                let c = v[i], w = CodePoints.width(v, i)
                if c &- 7 < 7 {
                    put(0x5c)
                    put(escapes.utf8Start[Int(c - 7)])
                } else if c == 0x22 || c == 0x5c {
                    put(0x5c)
                    put(c)
                } else if w == 1 && c >= 0x80 {
                    put(0xef)
                    put(0xbf)
                    put(0xbd)
                } else {
                    for k in 0..<w { put(v[i + k]) }
                }
                i += w
            }
            put(0x22)
            return n
        }
    }

    private static func charAt(_ v: ByteView, _ at: Value) -> Value {
        guard at.tag == .int else { return .error(.noSuchOverload) }
        guard let i = CodePoints.offset(v, of: Int(at.asInt)) else { return .error(.indexOutOfRange) }
        return .string(i == v.count ? .empty : ByteView(v.start + i, CodePoints.width(v, i)))
    }

    private static func substring(_ v: ByteView, _ x: UnsafeMutablePointer<Value>, _ n: Int) -> Value {
        guard x[1].tag == .int, n == 2 || x[2].tag == .int else { return .error(.noSuchOverload) }
        guard let from = CodePoints.offset(v, of: Int(x[1].asInt)) else { return .error(.indexOutOfRange) }
        var to = v.count
        if n == 3 {
            guard x[2].asInt >= x[1].asInt, let end = CodePoints.offset(v, of: Int(x[2].asInt)) else { return .error(.indexOutOfRange) }
            to = end
        }
        return .string(ByteView(v.start + from, to - from))
    }

    private static func find(_ f: Function, _ v: ByteView, _ w: ByteView, _ at: Value?) -> Value {
        var from = f == .indexOf ? 0 : v.count
        if let at {
            guard at.tag == .int else { return .error(.noSuchOverload) }
            guard let i = CodePoints.offset(v, of: Int(at.asInt)) else { return .error(.indexOutOfRange) }
            from = i
        }
        let found = f == .indexOf ? CodePoints.find(w, in: v, from: from) : CodePoints.findLast(w, in: v, from: from)
        return .int(found.map { CodePoints.count(ByteView(v.start, $0)) } ?? -1)
    }

    /// `replace(old, new[, most])`; a negative `most` is no bound. An empty `old` stands before every code point and at the end.
    private static func replace(_ v: ByteView, _ old: ByteView, _ x: UnsafeMutablePointer<Value>, _ n: Int, _ run: inout Run) -> Value {
        guard x[2].tag == .string, n == 3 || x[3].tag == .int else { return .error(.noSuchOverload) }
        let new = x[2].view
        let most = n == 4 && x[3].asInt >= 0 ? Int(x[3].asInt) : Int.max
        // Once to count, once to write.
        let size = replaced(v, old, new, most, nil)
        return run.text(size) { p in replaced(v, old, new, most, p) }
    }
    private static func replaced(_ v: ByteView, _ old: ByteView, _ new: ByteView, _ most: Int, _ p: UnsafeMutablePointer<UInt8>?) -> Int {
        var i = 0, n = 0, done = 0
        func put(_ w: ByteView) {
            if let p { (p + n).update(from: w.start, count: w.count) }
            n += w.count
        }
        while done < most, let at = CodePoints.find(old, in: v, from: i) {
            put(ByteView(v.start + i, at - i))
            put(new)
            done += 1
            i = at + old.count
            if old.isEmpty {
                if i >= v.count { return n }
                let w = CodePoints.width(v, i)
                put(ByteView(v.start + i, w))
                i += w
            }
        }
        put(ByteView(v.start + i, v.count - i))
        return n
    }

    /// `split(separator[, most])`: at most `most` parts, negative no bound, 0 none. An empty separator parts code points.
    private static func split(_ v: ByteView, _ w: ByteView, _ bound: Value?, _ run: inout Run) -> Value {
        if let bound, bound.tag != .int { return .error(.noSuchOverload) }
        let most = bound.map { $0.asInt < 0 ? Int.max : Int($0.asInt) } ?? Int.max
        if most == 0 { return .list(nil, count: 0, capacity: 0) }
        let n = parts(v, w, most, nil)
        return run.list(n) { p in _ = parts(v, w, most, p) }
    }
    private static func parts(_ v: ByteView, _ w: ByteView, _ most: Int, _ p: UnsafeMutablePointer<Value>?) -> Int {
        var i = 0, n = 0
        func put(_ part: ByteView) {
            p?[n] = .string(part)
            n += 1
        }
        if w.isEmpty {
            while i < v.count {
                let k = n == most - 1 ? v.count - i : CodePoints.width(v, i)
                put(ByteView(v.start + i, k))
                i += k
            }
            return n
        }
        while n < most - 1, let at = CodePoints.find(w, in: v, from: i) {
            put(ByteView(v.start + i, at - i))
            i = at + w.count
        }
        put(ByteView(v.start + i, v.count - i))
        return n
    }

    private static func join(_ list: Value, _ between: Value, _ run: inout Run) -> Value {
        guard list.tag == .list, between.tag == .string else { return .error(.noSuchOverload) }
        var size = max(0, list.count - 1) * between.count
        for i in 0..<list.count {
            guard list.items![i].tag == .string else { return .error(.noSuchOverload) }
            size += list.items![i].count
        }
        return run.text(size) { p in
            var n = 0
            func put(_ part: ByteView) {
                (p + n).update(from: part.start, count: part.count)
                n += part.count
            }
            for i in 0..<list.count {
                if i > 0 { put(between.view) }
                put(list.items![i].view)
            }
            return n
        }
    }
}
