// What single fields and their combination mean for framing and for the connection: Content-Length, Transfer-Encoding,
// Host, Expect, TE, Connection and Upgrade. Strict: whatever two implementations could read differently is refused.
import SluiceBytes

extension HeadParser {
    /// Judges one field that the codec acts on.
    @usableFromInline @inline(never)
    static func meaning(
        of id: UInt8, _ value: ByteView, _ base: UnsafePointer<UInt8>, _ head: UnsafeMutablePointer<MessageHead>, isRepeated: Bool,
        isRequest: Bool
    ) -> HeadProblem {
        switch id {
        case HeaderID.host: return host(value, base, head, isRepeated: isRepeated)
        case HeaderID.connection: return connection(value, head, isRequest: isRequest)
        case HeaderID.contentLength: return isRepeated ? .contentLengthRepeated : contentLength(value, head)
        case HeaderID.transferEncoding: return isRepeated ? .transferEncodingRepeated : transferEncoding(value, head)
        case HeaderID.expect:
            if !value.equalsIgnoringCase(ByteView("100-continue")) { return .expectation }
            if head.pointee.minorVersion == 1 { head.pointee.flags |= MessageHead.expectContinue }  // RFC 9110 section 10.1.1
        case HeaderID.te: trailersWanted(value, head)
        default: break
        }
        return .none
    }

    /// Exactly one, with a valid value, which an absolute target outranks (RFC 9112 section 3.2). An empty value is valid:
    /// the authority is then empty and the configured default host applies (section 3.3).
    static func host(_ value: ByteView, _ base: UnsafePointer<UInt8>, _ head: UnsafeMutablePointer<MessageHead>, isRepeated: Bool)
        -> HeadProblem
    {
        if isRepeated { return .hostRepeated }
        let length = Syntax.authority(value)
        if length < 0 { return .host }
        if head.pointee.flags & MessageHead.absoluteTarget != 0 { return .none }
        head.pointee.authorityOffset = UInt16(truncatingIfNeeded: value.start - base)
        head.pointee.authorityLength = UInt16(truncatingIfNeeded: value.count)
        head.pointee.hostLength = UInt16(truncatingIfNeeded: length)
        return .none
    }

    /// `1*DIGIT` below 2^63; no list, sign or space (RFC 9110 section 8.6).
    static func contentLength(_ value: ByteView, _ head: UnsafeMutablePointer<MessageHead>) -> HeadProblem {
        if head.pointee.flags & MessageHead.transferEncodingSeen != 0 { return .lengthAndEncoding }
        if value.isEmpty { return .contentLength }
        var n: Int64 = 0
        var i = 0
        while i < value.count {
            let digit = value[i] &- 0x30
            if digit > 9 || (i >= 18 && n > (Int64.max &- Int64(digit)) / 10) { return .contentLength }  // 18 digits always fit
            n = n &* 10 &+ Int64(digit)
            i &+= 1
        }
        head.pointee.contentLength = n
        return .none
    }

    /// Exactly `chunked` (RFC 9112 section 6.1). Anything else is refused: as malformed when it cannot be right, as not
    /// implemented when it could.
    static func transferEncoding(_ value: ByteView, _ head: UnsafeMutablePointer<MessageHead>) -> HeadProblem {
        if head.pointee.minorVersion == 0 { return .transferEncodingIn10 }
        if head.pointee.contentLength >= 0 { return .lengthAndEncoding }
        let chunked = ByteView("chunked")
        if value.equalsIgnoringCase(chunked) {
            head.pointee.flags |= MessageHead.chunked | MessageHead.transferEncodingSeen
            return .none
        }
        if value.isEmpty || value[value.count &- 1] == 0x2c { return .transferEncoding }
        var rest = value
        var codings = 0
        var chunkedAt = 0
        while let coding = nextElement(&rest) {
            codings += 1
            if coding.equalsIgnoringCase(chunked) {
                if chunkedAt > 0 { return .transferEncodingRepeated }
                chunkedAt = codings
            } else if !Syntax.isTokenByte(coding[0]) {
                return .transferEncoding
            }
        }
        let isOdd = codings < 2 && chunkedAt == codings  // nothing but commas, or chunked with commas
        return isOdd || (chunkedAt > 0 && chunkedAt < codings) ? .transferEncoding : .codingUnknown
    }

    static func trailersWanted(_ value: ByteView, _ head: UnsafeMutablePointer<MessageHead>) {
        var rest = value
        while let coding = nextElement(&rest) {
            if coding.equalsIgnoringCase(ByteView("trailers")) { head.pointee.flags |= MessageHead.teTrailers }
        }
    }

    /// Notes the options; those that name fields are looked up by `across` when all fields are known.
    static func connection(_ value: ByteView, _ head: UnsafeMutablePointer<MessageHead>, isRequest: Bool) -> HeadProblem {
        if value.count == 10 && names8(value.start, 10, "keep-alive") {  // nearly all there is
            head.pointee.flags |= MessageHead.keepAlive
            return .none
        }
        var rest = value
        while let option = nextElement(&rest) {
            if option.equalsIgnoringCase(ByteView("keep-alive")) {
                head.pointee.flags |= MessageHead.keepAlive
            } else if option.equalsIgnoringCase(ByteView("close")) {
                head.pointee.flags |= MessageHead.close
            } else if option.equalsIgnoringCase(ByteView("upgrade")) {
                head.pointee.flags |= MessageHead.upgradeOption
            } else if Syntax.isToken(option) {
                head.pointee.flags |= MessageHead.otherOptions
            } else if isRequest {
                return .connectionOption  // a response's is ignored: it names no field
            }
        }
        return .none
    }

    /// Rules that need every field: fields named by Connection, and Upgrade.
    @usableFromInline @inline(never)
    static func across(
        _ fields: UnsafeMutablePointer<HeaderField>, _ count: Int, _ base: UnsafePointer<UInt8>, _ head: UnsafeMutablePointer<MessageHead>,
        _ seen: UInt32, isRequest: Bool
    ) -> HeadProblem {
        head.pointee.flags |= MessageHead.hasHopByHop
        let flags = head.pointee.flags
        if flags & MessageHead.upgradeOption != 0 && seen & HeaderMask.bit(HeaderID.upgrade) != 0 && head.pointee.minorVersion == 1 {
            head.pointee.flags |= MessageHead.upgrade  // not in HTTP/1.0 (RFC 9110 section 7.8)
        }
        if flags & MessageHead.otherOptions == 0 { return .none }
        var options = 0
        var i = 0
        while i < count {
            if fields[i].id == HeaderID.connection {
                var rest = ByteView(base + Int(fields[i].valueOffset), Int(fields[i].valueLength))
                while let option = nextElement(&rest) {
                    options += 1
                    if options > HTTPLimits.connectionOptionsMax { return .connectionOptionsTooMany }
                    let problem = mark(option, fields, count, base, isRequest: isRequest)
                    if problem != .none { return problem }
                }
            }
            i &+= 1
        }
        return .none
    }

    /// Marks the fields that a Connection option names, so that they go no further. Host and the framing fields are for
    /// every recipient: a request that names them is refused, a response's option is ignored (old servers send it).
    /// Naming a field that the proxy itself rewrites (Via, Forwarded, X-Forwarded-*) has no effect.
    static func mark(
        _ option: ByteView, _ fields: UnsafeMutablePointer<HeaderField>, _ count: Int, _ base: UnsafePointer<UInt8>, isRequest: Bool
    ) -> HeadProblem {
        let id = FieldName.id(option)
        if id == HeaderID.host || id == HeaderID.contentLength || id == HeaderID.transferEncoding {
            return isRequest ? .connectionProtected : .none
        }
        if id != 0 && HeaderMask.bit(id) & HeaderMask.rewritten != 0 { return .none }
        var i = 0
        while i < count {
            if Int(fields[i].nameLength) == option.count
                && ByteView(base + Int(fields[i].nameOffset), option.count).equalsIgnoringCase(option)
            {
                fields[i].flags |= HeaderField.hopByHop
            }
            i &+= 1
        }
        return .none
    }

    /// The next element of a comma-separated list, without white space around it; empty elements are skipped
    /// (RFC 9110 section 5.6.1). Not for lists with quoted strings.
    @usableFromInline static func nextElement(_ rest: inout ByteView) -> ByteView? {
        while rest.count > 0 {
            let comma = rest.firstIndex(of: 0x2c)
            var element = comma < 0 ? rest : rest.prefix(comma)
            rest = comma < 0 ? ByteView(rest.start + rest.count, 0) : rest.dropFirst(comma &+ 1)
            while element.count > 0 && Syntax.isBlank(element[0]) { element = element.dropFirst(1) }
            while element.count > 0 && Syntax.isBlank(element[element.count &- 1]) { element = element.prefix(element.count &- 1) }
            if element.count > 0 { return element }
        }
        return nil
    }
}
