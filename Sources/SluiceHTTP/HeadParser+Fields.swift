// The loop over field lines: the hottest code of the module. It finds names and values and numbers the names; fields
// that mean something to the codec go to HeadParser+Meaning.swift.
import CSluiceSys
import SluiceBytes

extension HeadParser {
    /// Parses field lines from `start` to the empty line (RFC 9112 section 5). Length of the head counted from `base`,
    /// 0 when incomplete, or a refusal. A NUL stands at `end`, so no scan runs past it. One function on purpose: with its
    /// state in registers a line costs about 130 instructions.
    @inlinable @inline(__always) static func fieldLines(
        _ start: UnsafePointer<UInt8>, _ base: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ head: UnsafeMutablePointer<MessageHead>,
        _ fields: UnsafeMutablePointer<HeaderField>, _ fieldsMax: Int, isRequest: Bool
    ) -> Int {
        var p = start
        var count = 0
        var seen: UInt32 = 0  // a bit for every HeaderID that occurred
        let acts = isRequest ? HeaderMask.meaningInRequests : HeaderMask.meaningInResponses
        while true {
            let line = p
            p = cs_scan_name(p)
            if p.pointee != 0x3a || p == line {
                if line.pointee == 0x0d && p == line {
                    if line[1] == 0x0a { break }
                    return badLineEnd(line, end, head, isRequest: isRequest)
                }
                while Syntax.isTokenByte(p.pointee) { p += 1 }
                if p == end { return 0 }
                if p.pointee != 0x3a || p == line { return badName(line, p, head, isRequest: isRequest) }
            }
            let nameLength = p - line
            let id = FieldName.id(line, nameLength)
            repeat { p += 1 } while Syntax.isBlank(p.pointee)
            let value = p
            p = cs_scan_ctl(p)
            while p.pointee == 9 { p = cs_scan_ctl(p + 1) }
            if p.pointee != 0x0d || p[1] != 0x0a { return badLineEnd(p, end, head, isRequest: isRequest) }
            var valueEnd = p
            while valueEnd > value && Syntax.isBlank(valueEnd[-1]) { valueEnd -= 1 }
            p += 2
            if count == fieldsMax { return refuse(head, .tooManyFields, isRequest: isRequest) }
            let bit = UInt32(1) &<< UInt32(id)
            fields[count] = HeaderField(
                nameOffset: UInt16(truncatingIfNeeded: line - base), nameLength: UInt16(truncatingIfNeeded: nameLength),
                valueOffset: UInt16(truncatingIfNeeded: value - base), valueLength: UInt16(truncatingIfNeeded: valueEnd - value), id: id,
                flags: bit & HeaderMask.hopByHop != 0 ? HeaderField.hopByHop : 0)
            count &+= 1
            if bit & acts != 0 {
                let problem = meaning(
                    of: id, ByteView(value, valueEnd - value), base, head, isRepeated: seen & bit != 0, isRequest: isRequest)
                if problem != .none { return refuse(head, problem, isRequest: isRequest) }
            }
            seen |= bit
        }
        head.pointee.fieldCount = UInt16(truncatingIfNeeded: count)
        head.pointee.length = UInt16(truncatingIfNeeded: p + 2 - base)
        if isRequest && seen & (1 << UInt32(HeaderID.host)) == 0 && head.pointee.minorVersion == 1 { return refuse(head, .hostMissing) }
        if seen & HeaderMask.rewritten != 0 {
            let problem = across(fields, count, base, head, seen, isRequest: isRequest)
            if problem != .none { return refuse(head, problem, isRequest: isRequest) }
        }
        return Int(head.pointee.length)
    }

    /// A line that has no token and colon at its start.
    @usableFromInline @inline(never)
    static func badName(
        _ line: UnsafePointer<UInt8>, _ stop: UnsafePointer<UInt8>, _ head: UnsafeMutablePointer<MessageHead>, isRequest: Bool
    ) -> Int {
        var problem = stop.pointee == 0x0a ? HeadProblem.bareLF : .fieldName
        if Syntax.isBlank(stop.pointee) { problem = stop == line ? .obsFold : .spaceBeforeColon }
        return refuse(head, problem, isRequest: isRequest)
    }
}

/// Sets of HeaderIDs, a bit each.
@usableFromInline enum HeaderMask {
    @inlinable @inline(__always) static func bit(_ id: UInt8) -> UInt32 { 1 &<< UInt32(id) }

    /// Hop-by-hop by definition (RFC 9110 section 7.6.1). Transfer-Encoding is not here because chunked bodies are
    /// relayed as they come, nor is Trailer because trailers are. Proxy-Authenticate and Proxy-Authorization pass: a gateway is no
    /// proxy that a client chose (section 11.7).
    @inlinable static var hopByHop: UInt32 {
        bit(HeaderID.connection) | bit(HeaderID.keepAlive) | bit(HeaderID.proxyConnection) | bit(HeaderID.te) | bit(HeaderID.upgrade)
    }
    /// The codec reads their values.
    @inlinable static var meaningInResponses: UInt32 {
        bit(HeaderID.connection) | bit(HeaderID.contentLength) | bit(HeaderID.transferEncoding)
    }
    @inlinable static var meaningInRequests: UInt32 { meaningInResponses | bit(HeaderID.host) | bit(HeaderID.expect) | bit(HeaderID.te) }
    @inlinable static var xForwarded: UInt32 {
        bit(HeaderID.xForwardedFor) | bit(HeaderID.xForwardedProto) | bit(HeaderID.xForwardedHost) | bit(HeaderID.xForwardedPort)
    }
    /// Makes `MessageHead.hasHopByHop`.
    @inlinable static var rewritten: UInt32 {
        hopByHop | xForwarded | bit(HeaderID.forwarded) | bit(HeaderID.via) | bit(HeaderID.expect)
    }
    /// A plugin may not write or remove them: they say where messages end and what connections do.
    @inlinable static var framing: UInt32 {
        hopByHop | bit(HeaderID.contentLength) | bit(HeaderID.transferEncoding) | bit(HeaderID.trailer) | bit(HeaderID.expect)
    }
}
