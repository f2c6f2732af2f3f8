// Putting together what templates describe, for one request: locations, paths, hosts, queries. Everything that a client sent is spelled for
// the place where it goes (`TemplateText.Encoding`), and what comes out is checked again before it goes anywhere.
import CSluiceRegex
import CSluiceSys
import SluiceBytes
import SluiceHTTP
import SluiceModel
import SluicePlugins
import SluiceRouter
import SluiceRules

extension Pipeline {
    /// The Location line; nil: nothing that may be sent comes out.
    mutating func location(_ x: Ex, _ e: UnsafePointer<RouteExtras>) -> ByteView? {
        guard var v = expand(x, e.pointee.location) else { return nil }
        // "//host" in a Location is another host; a client must not make one of the slashes in its path.
        if e.pointee.flags & RouteExtras.namesHost == 0 {
            while v.count > 1 && v[0] == 0x2f && v[1] == 0x2f { v = v.dropFirst(1) }
        }
        let before: StaticString = "Location: "
        guard !v.isEmpty, Syntax.isFieldValue(v), let p = x.pointee.arena.allocate(v.count + before.utf8CodeUnitCount + 2) else {
            return nil
        }
        var n = put(p, before)
        memcpy(p + n, v.start, v.count)
        n += v.count
        return ByteView(p, n + put(p + n, "\r\n"))
    }

    /// Makes path, query and host of what goes upstream; the route stays as it was chosen. False: malformed.
    mutating func rewrite(_ x: Ex, _ state: UnsafeMutablePointer<ActionState>, _ e: UnsafePointer<RouteExtras>) -> Bool {
        let flags = e.pointee.flags
        let target = x.pointee.clientTarget
        let mark = target.firstIndex(of: 0x3f)
        var path = mark < 0 ? target : target.prefix(mark)
        var query = mark < 0 ? nil : target.dropFirst(mark + 1)
        var host: ByteView?
        if flags & RouteExtras.rewritesPath != 0 {
            guard let new = expand(x, e.pointee.path), let normal = normal(x, new) else { return false }
            path = normal
        } else if flags & RouteExtras.replacesPath != 0 {
            guard let new = replaced(x, e, path), let normal = normal(x, new) else { return false }
            path = normal
        }
        if flags & RouteExtras.rewritesQuery != 0 {
            guard let new = expand(x, e.pointee.query) else { return false }
            query = new.isEmpty ? nil : new
        }
        if flags & RouteExtras.rewritesHost != 0 {
            guard let new = expand(x, e.pointee.host), !new.isEmpty, Syntax.authority(new) > 0 else { return false }
            host = new
        }
        (state.pointee.target, state.pointee.host) = (target, x.pointee.context.host)
        if let host { x.pointee.context.host = host }
        if flags & (RouteExtras.rewritesPath | RouteExtras.replacesPath | RouteExtras.rewritesQuery) == 0 { return true }
        let size = path.count + (query.map { $0.count + 1 } ?? 0)
        guard size <= Limits.expandedBytesMax, let p = x.pointee.arena.allocate(size) else { return false }
        memcpy(p, path.start, path.count)
        if let query {
            p[path.count] = 0x3f
            memcpy(p + path.count + 1, query.start, query.count)
        }
        x.pointee.context.path = ByteView(p, size)
        return Syntax.isOriginTarget(ByteView(p, size))
    }

    /// The normal form of a rewritten path; nil: it begins with no slash, climbs above the root, or hides dot segments.
    private mutating func normal(_ x: Ex, _ path: ByteView) -> ByteView? {
        if path.isEmpty || path[0] != 0x2f { return nil }
        if PathNormal.isNormal(path) { return path }
        guard let out = x.pointee.arena.allocate(path.count + 1), let folded = x.pointee.arena.allocate(path.count + 1) else { return nil }
        let n = PathNormal.normalize(path, into: out)
        if n < 0 || PathNormal.fold(ByteView(out, n), into: folded) < 0 { return nil }
        return ByteView(out, n)
    }

    /// The path with what the pattern matches first replaced; the path itself when it does not match.
    private mutating func replaced(_ x: Ex, _ e: UnsafePointer<RouteExtras>, _ path: ByteView) -> ByteView? {
        let pattern = x.pointee.snapshot.pointee.image.text(e.pointee.pattern)
        guard let regex = conditions.pointee.evaluator.regexes.regex(pattern) else { return nil }
        var spans = InlineArray<20, Int32>(repeating: -1)
        let matches = withUnsafeMutableBytes(of: &spans) { raw in
            cs_regex_capture(
                regex, UnsafeRawPointer(path.start).assumingMemoryBound(to: CChar.self), path.count,
                raw.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Int32.self), 10)
        }
        if matches == 0 { return path }
        let groups = Groups(text: path, spans: spans)
        guard let new = expand(x, e.pointee.replacement, groups) else { return nil }
        let from = Int(spans[0]), to = Int(spans[1])
        let size = from + new.count + path.count - to
        guard size <= Limits.expandedBytesMax, let p = x.pointee.arena.allocate(size) else { return nil }
        memcpy(p, path.start, from)
        memcpy(p + from, new.start, new.count)
        memcpy(p + from + new.count, path.start + to, path.count - to)
        return ByteView(p, size)
    }

    // MARK: expansion

    /// What the groups of a pattern took of a path.
    struct Groups {
        var text = ByteView.empty
        var spans = InlineArray<20, Int32>(repeating: -1)
        subscript(_ n: Int) -> ByteView {
            n > 9 || spans[2 * n] < 0 ? .empty : text.dropFirst(Int(spans[2 * n])).prefix(Int(spans[2 * n + 1] - spans[2 * n]))
        }
    }

    /// The text that a template becomes, in the arena; nil: no memory, or longer than `Limits.expandedBytesMax`.
    private func expand(_ x: Ex, _ run: ImageRange, _ groups: Groups = Groups()) -> ByteView? {
        let image = x.pointee.snapshot.pointee.image
        let parts = image.template(run)
        if parts.isEmpty { return .empty }
        var bound = 1
        for part in parts { bound += part.value == 0 ? Int(part.text.count) : 3 * value(x, part, groups).count + 1 }
        if bound > 4 * Limits.expandedBytesMax { return nil }
        guard let p = x.pointee.arena.allocate(bound) else { return nil }
        var n = 0
        for part in parts {
            let v = value(x, part, groups)
            switch TemplateText.Value(rawValue: part.value) {
            case .literal: n += TemplateSpelling.put(v, .none, p + n)
            case .uri:
                let mark = v.firstIndex(of: 0x3f)
                let encoding = TemplateText.Encoding(rawValue: part.encoding) ?? .argument
                if mark < 0 || encoding != .path {
                    n += TemplateSpelling.put(v, encoding, p + n)
                } else {
                    n += TemplateSpelling.put(v.prefix(mark), .path, p + n)
                    p[n] = 0x3f
                    n += 1 + TemplateSpelling.put(v.dropFirst(mark + 1), .query, p + n + 1)
                }
            default: n += TemplateSpelling.put(v, TemplateText.Encoding(rawValue: part.encoding) ?? .argument, p + n)
            }
        }
        return n <= Limits.expandedBytesMax ? ByteView(p, n) : nil
    }

    private func value(_ x: Ex, _ part: TemplatePart, _ groups: Groups) -> ByteView {
        let image = x.pointee.snapshot.pointee.image
        switch TemplateText.Value(rawValue: part.value) {
        case .literal: return image.text(part.text)
        case .scheme: return x.pointee.context.scheme
        case .host:
            let h = x.pointee.requestHead
            let host = x.pointee.clientHost ?? ByteView(x.pointee.headBuffer + Int(h.authorityOffset), Int(h.hostLength))
            let length = Syntax.authority(host)
            return length < 0 ? .empty : host.prefix(length)
        case .path:
            let target = x.pointee.clientTarget, mark = target.firstIndex(of: 0x3f)
            return mark < 0 ? target : target.prefix(mark)
        case .query:
            let target = x.pointee.clientTarget, mark = target.firstIndex(of: 0x3f)
            return mark < 0 ? .empty : target.dropFirst(mark + 1)
        case .uri: return x.pointee.clientTarget
        case .method: return x.pointee.context.methodToken
        case .client: return x.pointee.context.clientAddress
        case .parameter: return x.pointee.action?.pointee.parameter(image.text(part.text), image) ?? .empty
        case .group: return groups[Int(part.group)]
        case nil: return .empty
        }
    }
}

/// Spells bytes for a place of a reference (RFC 3986 sections 2 and 3).
enum TemplateSpelling {
    /// Writes at most three bytes for each of `v`; how many.
    static func put(_ v: ByteView, _ encoding: TemplateText.Encoding, _ out: UnsafeMutablePointer<UInt8>) -> Int {
        if encoding == .none {
            memcpy(out, v.start, v.count)
            return v.count
        }
        var n = 0
        for i in 0..<v.count {
            let c = v[i]
            let isEscape = c == 0x25 && i + 2 < v.count && isHex(v[i + 1]) && isHex(v[i + 2])
            if isEscape || stays(c, encoding) {
                out[n] = c
                n += 1
            } else {
                out[n] = 0x25
                out[n + 1] = digit(c >> 4)
                out[n + 2] = digit(c & 15)
                n += 3
            }
        }
        return n
    }

    private static func stays(_ c: UInt8, _ encoding: TemplateText.Encoding) -> Bool {
        switch c {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e: return true  // unreserved
        case 0x21, 0x24, 0x27, 0x28, 0x29, 0x2a, 0x2c, 0x3a, 0x40: return true  // ! $ ' ( ) * , : @
        case 0x26, 0x2b, 0x3b, 0x3d: return encoding != .argument  // & + ; =
        case 0x2f: return encoding != .segment
        case 0x3f: return encoding == .query
        default: return false
        }
    }
    private static func isHex(_ c: UInt8) -> Bool { ASCII.isDigit(c) || (c | 0x20) &- 0x61 < 6 }
    private static func digit(_ v: UInt8) -> UInt8 { v < 10 ? v + 0x30 : v + 0x37 }
}
