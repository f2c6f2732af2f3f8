// Bytes to message heads, in place: start lines here, field lines in HeadParser+Fields.swift, what the fields mean in
// HeadParser+Meaning.swift, targets in HeadParser+Target.swift. No socket, no allocation, no copy.
//
// Every step either sees all bytes it judges, or says "incomplete"; bytes behind the configured bound are never looked
// at. So the verdict does not depend on how the network cut the head, and the tests cut at every byte to prove it.
import CSluiceSys
import SluiceBytes

/// Bounds for one head: number of field lines, bytes of the request-target, bytes of the whole head (at most
/// `HTTPLimits.headBytesMax`).
@frozen public struct HeadLimits: Sendable {
    public var fieldsMax: Int
    public var targetBytesMax: Int
    public var headBytesMax: Int
    @inlinable public init(fieldsMax: Int, targetBytesMax: Int, headBytesMax: Int) {
        self.fieldsMax = fieldsMax
        self.targetBytesMax = targetBytesMax
        self.headBytesMax = headBytesMax
    }
}

/// ```
///  method ─SP─► target ─SP─► version ─CRLF─► field lines ─CRLF─► checks across fields ─► length
///     any byte missing: 0             any rule broken: -status, head.problem says which
/// ```
public enum HeadParser {
    /// Parses a request head at `buffer` (RFC 9112 sections 2 to 6). One long function, so that the cursor and the bounds
    /// stay in registers; what is rare is called out of line.
    /// - Returns: the head's length in bytes; 0 when it is incomplete; a negative status (400, 414, 417, 431, 501, 505)
    ///   when it is refused. Only after a positive result do `head` and `fields` hold anything but `head.problem`.
    /// - Requires: `buffer[count]` is writable (a NUL stands there meanwhile) and 64 readable bytes follow it; `fields` has
    ///   room for `limits.fieldsMax`.
    @inlinable public static func request(
        _ buffer: UnsafeMutablePointer<UInt8>, count: Int, head: UnsafeMutablePointer<MessageHead>,
        fields: UnsafeMutablePointer<HeaderField>, limits: HeadLimits
    ) -> Int {
        let room = min(limits.headBytesMax, HTTPLimits.headBytesMax)
        let n = min(count, room)
        let base = UnsafePointer(buffer)
        let end = base + n
        let covered = buffer[n]
        buffer[n] = 0
        defer { buffer[n] = covered }
        head.pointee = MessageHead()
        // Method
        var p = base
        if p.pointee == 0x0d {
            let r = skipEmptyLines(&p, end, head)
            if r < 0 { return r }
        }
        let method = p
        if load4(p) == word4("GET ") {
            p += 3
            head.pointee.method = Method.get.rawValue
        } else {
            while Syntax.isTokenByte(p.pointee) { p += 1 }
            if p == end { return n == room ? refuse(head, .headTooLarge) : 0 }
            if p.pointee != 0x20 || p == method { return refuse(head, p.pointee == 0x0a ? .bareLF : .method) }
            head.pointee.method = Method.raw(method, p - method)
            if head.pointee.method == Method.connect.rawValue { return refuse(head, .connect) }
        }
        head.pointee.methodLength = UInt16(truncatingIfNeeded: p - method)
        // Target
        let target = p + 1
        var query = target
        p = cs_scan_target(target)
        if p.pointee == 0x3f {
            query = p + 1
            repeat { p = cs_scan_target(p + 1) } while p.pointee == 0x3f
        }
        if p - target > limits.targetBytesMax { return refuse(head, .targetTooLong) }
        if p.pointee != 0x20 {
            if p != end { return refuse(head, .target) }
            return n == room ? refuse(head, .targetTooLong) : 0
        }
        if p == target { return refuse(head, .target) }
        // Version
        let version = p + 1
        if load8(version) == word8("HTTP/1.1") && version[8] == 0x0d && version[9] == 0x0a {
            head.pointee.minorVersion = 1
        } else {
            let r = oddVersion(version, end, head)
            if r <= 0 { return r == 0 && n == room ? refuse(head, .headTooLarge) : r }
        }
        head.pointee.targetOffset = UInt16(truncatingIfNeeded: target - base)
        head.pointee.targetLength = UInt16(truncatingIfNeeded: p - target)
        if query != target {
            head.pointee.queryOffset = UInt16(truncatingIfNeeded: query - base)
            head.pointee.queryLength = UInt16(truncatingIfNeeded: p - query)
            head.pointee.flags = MessageHead.hasQuery
        }
        if target.pointee == 0x2f {
            head.pointee.pathOffset = head.pointee.targetOffset
            head.pointee.pathLength = head.pointee.targetLength
        } else {
            let problem = otherForm(base, head)
            if problem != .none { return refuse(head, problem) }
        }
        // Fields
        let length = fieldLines(version + 10, base, end, head, fields, limits.fieldsMax, isRequest: true)
        if length == 0 { return n == room ? refuse(head, .headTooLarge) : 0 }
        if head.pointee.flags & MessageHead.slashAdded != 0 && length > 0 { addSlash(buffer, head) }
        return length
    }

    /// Parses a response head. Like `request`, but every refusal is -502: the upstream broke the rule, not the client.
    @inlinable public static func response(
        _ buffer: UnsafeMutablePointer<UInt8>, count: Int, head: UnsafeMutablePointer<MessageHead>,
        fields: UnsafeMutablePointer<HeaderField>, limits: HeadLimits
    ) -> Int {
        let room = min(limits.headBytesMax, HTTPLimits.headBytesMax)
        let n = min(count, room)
        let base = UnsafePointer(buffer)
        let end = base + n
        let covered = buffer[n]
        buffer[n] = 0
        defer { buffer[n] = covered }
        head.pointee = MessageHead()
        // "HTTP/1.x NNN", then SP and a reason, or at once CRLF (several servers leave out the SP before an empty reason).
        if n < 13 {
            let r = shortStatusLine(base, n, head)
            return r == 0 && n == room ? refuse(head, .headTooLarge, isRequest: false) : r
        }
        let minor = base[7] &- 0x30
        let a = base[9] &- 0x30, b = base[10] &- 0x30, c = base[11] &- 0x30
        if load8(base) & wordMask7 != word8("HTTP/1.\0") || minor > 9 || base[8] != 0x20 || a &- 1 > 4 || b > 9 || c > 9
            || (base[12] != 0x20 && base[12] != 0x0d)
        {
            return refuse(head, .statusLine, isRequest: false)
        }
        head.pointee.minorVersion = min(minor, 1)
        head.pointee.status = UInt16(a) &* 100 &+ UInt16(b) &* 10 &+ UInt16(c)
        let reason = base + (base[12] == 0x20 ? 13 : 12)
        var p = cs_scan_ctl(reason)!
        while p.pointee == 9 { p = cs_scan_ctl(p + 1) }
        head.pointee.targetOffset = UInt16(truncatingIfNeeded: reason - base)
        head.pointee.targetLength = UInt16(truncatingIfNeeded: p - reason)
        if p.pointee != 0x0d || p[1] != 0x0a {
            let r = badLineEnd(p, end, head, isRequest: false)
            return r == 0 && n == room ? refuse(head, .headTooLarge, isRequest: false) : r
        }
        let length = fieldLines(p + 2, base, end, head, fields, limits.fieldsMax, isRequest: false)
        if length == 0 && n == room { return refuse(head, .headTooLarge, isRequest: false) }
        return length
    }

    /// Selects the first seven bytes, in memory order, of a loaded word.
    @inlinable @inline(__always) static var wordMask7: UInt64 { UInt64(littleEndian: 0x00ff_ffff_ffff_ffff) }

    /// The only place where a head is refused.
    @usableFromInline @inline(never)
    static func refuse(_ head: UnsafeMutablePointer<MessageHead>, _ problem: HeadProblem, isRequest: Bool = true) -> Int {
        head.pointee.problem = problem.rawValue
        return isRequest ? -problem.status : -502
    }

    /// The line ought to end at `p` with CRLF: 0 when only more bytes can tell, else the refusal.
    @usableFromInline @inline(never)
    static func badLineEnd(
        _ p: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ head: UnsafeMutablePointer<MessageHead>,
        isRequest: Bool
    ) -> Int {
        if p == end || (p.pointee == 0x0d && p + 1 == end) { return 0 }
        let problem: HeadProblem = p.pointee == 0x0d ? .bareCR : p.pointee == 0x0a ? .bareLF : .control
        return refuse(head, problem, isRequest: isRequest)
    }

    /// Moves `p` over CRLFs before the request line. 0, also when the last one is incomplete, or a refusal.
    @usableFromInline @inline(never)
    static func skipEmptyLines(_ p: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ head: UnsafeMutablePointer<MessageHead>)
        -> Int
    {
        var lines = 0
        while p.pointee == 0x0d {
            if lines == HTTPLimits.leadingEmptyLinesMax { return refuse(head, .method) }
            if p[1] != 0x0a {
                if p + 1 != end { return refuse(head, .bareCR) }
                p = end  // the caller finds no method here and answers "incomplete"
                return 0
            }
            p += 2
            lines += 1
        }
        return 0
    }

    /// Any version but a complete "HTTP/1.1" CRLF: 1 when it is HTTP/1.0, 0 when incomplete, else a refusal.
    @usableFromInline @inline(never)
    static func oddVersion(_ v: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ head: UnsafeMutablePointer<MessageHead>) -> Int {
        let pattern: StaticString = "HTTP/0.0\r\n"
        for i in 0..<10 {
            if v + i == end { return 0 }
            let want = pattern.utf8Start[i]
            if want == 0x30 ? !ASCII.isDigit(v[i]) : v[i] != want { return refuse(head, .version) }
        }
        if v[5] != 0x31 || v[7] > 0x31 { return refuse(head, .versionUnsupported) }
        head.pointee.minorVersion = v[7] &- 0x30
        return 1
    }

    /// Fewer than 13 bytes cannot be a status line: refuse as soon as one byte is wrong.
    @usableFromInline @inline(never)
    static func shortStatusLine(_ p: UnsafePointer<UInt8>, _ n: Int, _ head: UnsafeMutablePointer<MessageHead>) -> Int {
        let pattern: StaticString = "HTTP/1.0 000"
        for i in 0..<min(n, 12) {
            let want = pattern.utf8Start[i]
            if want == 0x30 ? !ASCII.isDigit(p[i]) : p[i] != want { return refuse(head, .statusLine, isRequest: false) }
        }
        return n > 9 && (p[9] == 0x30 || p[9] > 0x35) ? refuse(head, .statusLine, isRequest: false) : 0
    }
}
