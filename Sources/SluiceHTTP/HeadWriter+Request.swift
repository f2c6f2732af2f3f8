// Request heads for an upstream (RFC 9110 section 7.6, RFC 9112 section 3.2): origin-form, HTTP/1.1, one Host, no field
// of the client's hop, and forwarding fields that can be believed.
import SluiceBytes

extension HeadWriter {
    /// Most bytes `request` writes for these arguments.
    public static func requestBound(head: UnsafePointer<MessageHead>, map: borrowing HeaderMap, options: borrowing RequestHeadOptions)
        -> Int
    {
        var n = fixedTextMax + Int(head.pointee.length) + extraBytes(map) + 3 * Int(head.pointee.authorityLength)
        n += 2 * (options.clientAddress.count + options.scheme.count) + options.localPort.count
        if let method = options.method { n += method.count }
        if let path = options.path { n += path.count }
        if let host = options.host { n += host.count }
        return n
    }

    /// Writes the head for an upstream.
    /// - Returns: bytes written, at most `requestBound`.
    public static func request(
        head: UnsafePointer<MessageHead>, map: borrowing HeaderMap, options: borrowing RequestHeadOptions, into: UnsafeMutablePointer<UInt8>
    ) -> Int {
        var out = HeadOutput(into)
        let flags = head.pointee.flags
        let isAbsolute = flags & MessageHead.absoluteTarget != 0
        let end = Int(head.pointee.length) &- 2
        let fieldsStart = map.fieldCount > 0 ? Int(map.fields[0].nameOffset) : end
        let isEdited = map.isEdited
        let hostStays = options.host == nil && !isEdited && !isAbsolute && head.pointee.authorityLength > 0
        var start = Int(head.pointee.targetOffset) &- 1 &- Int(head.pointee.methodLength)
        let hasPath = options.path != nil
        if options.method != nil || hasPath || isAbsolute || head.pointee.minorVersion == 0 {
            requestLine(&out, head, map.buffer, options)
            start = fieldsStart
        } else if !hostStays {
            out.run(map.buffer, start, fieldsStart)
            start = fieldsStart
        }
        if !hostStays { out.line("Host: ", hostValue(head, map, options)) }
        // Lines
        let isUpgrade = options.keepUpgrade && flags & MessageHead.upgrade != 0
        var sent: UInt32 = 0
        let dropsBody = options.dropBody
        let isOwnLength = options.contentLength >= 0
        let isPlain = hostStays && flags & MessageHead.hasHopByHop == 0 && !dropsBody && !isOwnLength
        if isPlain {
            out.run(map.buffer, start, end)
        } else {
            let drop = dropped(options, hostStays: hostStays)
            sent = copyLines(&out, map, from: start, to: end, drop: drop, keep: isUpgrade ? HeaderMask.bit(HeaderID.upgrade) : 0)
        }
        if map.extraCount > 0 {
            var drop = HeaderMask.bit(HeaderID.host)
            if options.xForwarded { drop |= HeaderMask.bit(HeaderID.xForwardedFor) }
            if options.standard { drop |= HeaderMask.bit(HeaderID.forwarded) }
            if options.via { drop |= HeaderMask.bit(HeaderID.via) }
            sent |= extraLines(&out, map, drop: drop)
        }
        if options.xForwarded { xForwarded(&out, head, map, options, sent) }
        if options.standard { forwarded(&out, head, map, options) }
        if options.via {
            list(&out, "Via: ", HeaderID.via, map, received: true)
            out.put(head.pointee.minorVersion == 0 ? "1.0 sluice\r\n" : "1.1 sluice\r\n")
        }
        // This hop
        let isTrailers = flags & MessageHead.teTrailers != 0 && head.pointee.minorVersion == 1
        if isTrailers { out.put(isUpgrade ? "TE: trailers\r\nConnection: upgrade, TE\r\n" : "TE: trailers\r\nConnection: TE\r\n") }
        if isUpgrade && !isTrailers { out.put("Connection: upgrade\r\n") }
        if dropsBody, anticipatesBody(head, options) { out.put("Content-Length: 0\r\n") }
        if isOwnLength {
            out.put("Content-Length: ")
            out.decimal(options.contentLength)
            out.put("\r\n")
        }
        out.put("\r\n")
        return out.written
    }

    /// Received lines that do not go on, besides hop-by-hop ones.
    @inline(__always) static func dropped(_ options: borrowing RequestHeadOptions, hostStays: Bool) -> UInt32 {
        var drop: UInt32 = hostStays ? 0 : HeaderMask.bit(HeaderID.host)
        if !options.keepExpect { drop |= HeaderMask.bit(HeaderID.expect) }
        if !options.clientIsTrusted {
            drop |= HeaderMask.xForwarded | HeaderMask.bit(HeaderID.forwarded)
        } else {
            if options.xForwarded { drop |= HeaderMask.bit(HeaderID.xForwardedFor) }
            if options.standard { drop |= HeaderMask.bit(HeaderID.forwarded) }
        }
        if options.via { drop |= HeaderMask.bit(HeaderID.via) }
        let isReframed = options.dropBody ? true : options.contentLength >= 0  // no ||: a closure cannot hold what is borrowed
        if isReframed {
            drop |=
                HeaderMask.bit(HeaderID.contentLength) | HeaderMask.bit(HeaderID.transferEncoding) | HeaderMask.bit(HeaderID.trailer)
                | HeaderMask.bit(HeaderID.expect)
        }
        return drop
    }

    static func requestLine(
        _ out: inout HeadOutput, _ head: UnsafePointer<MessageHead>, _ base: UnsafeMutablePointer<UInt8>,
        _ options: borrowing RequestHeadOptions
    ) {
        let h = head.pointee
        let methodOffset = Int(h.targetOffset) - 1 - Int(h.methodLength)
        out.put(options.method ?? ByteView(base + methodOffset, Int(h.methodLength)))
        out.put(byte: 0x20)
        if let path = options.path {
            out.put(path)
        } else if h.method == Method.options.rawValue && h.pathOffset < h.authorityOffset && h.flags & MessageHead.absoluteTarget != 0 {
            out.put(byte: 0x2a)  // OPTIONS for an absolute target without path means the server (RFC 9112 section 3.2.4)
        } else {
            out.put(ByteView(base + Int(h.pathOffset), Int(h.pathLength)))
        }
        out.put(" HTTP/1.1\r\n")
    }

    /// Host by rank: override, a plugin's edit, the absolute target, the received field; empty when there is none, as
    /// HTTP/1.0 allows and RFC 9112 section 3.2 then asks for.
    static func hostValue(_ head: UnsafePointer<MessageHead>, _ map: borrowing HeaderMap, _ options: borrowing RequestHeadOptions)
        -> ByteView
    {
        if let host = options.host { return host }
        var i = map.fieldCount
        while i < map.fieldCount + map.extraCount {
            if map.isLive(i, id: HeaderID.host) { return map.value(at: i) }
            i += 1
        }
        if head.pointee.flags & MessageHead.absoluteTarget != 0 {
            return ByteView(map.buffer + Int(head.pointee.authorityOffset), Int(head.pointee.authorityLength))
        }
        return map.first(id: HeaderID.host) ?? .empty
    }

    /// POST, PUT and PATCH without a body say so (RFC 9110 section 8.6).
    static func anticipatesBody(_ head: UnsafePointer<MessageHead>, _ options: borrowing RequestHeadOptions) -> Bool {
        let method = options.method.map { Method(token: $0).rawValue } ?? head.pointee.method
        return method == Method.post.rawValue || method == Method.put.rawValue || method == Method.patch.rawValue
    }

    static func xForwarded(
        _ out: inout HeadOutput, _ head: UnsafePointer<MessageHead>, _ map: borrowing HeaderMap, _ options: borrowing RequestHeadOptions,
        _ sent: UInt32
    ) {
        list(&out, "X-Forwarded-For: ", HeaderID.xForwardedFor, map, received: options.clientIsTrusted)
        out.put(options.clientAddress)
        out.put("\r\n")
        if sent & HeaderMask.bit(HeaderID.xForwardedProto) == 0 { out.line("X-Forwarded-Proto: ", options.scheme) }
        if sent & HeaderMask.bit(HeaderID.xForwardedHost) == 0 && head.pointee.authorityLength > 0 {
            out.line("X-Forwarded-Host: ", ByteView(map.buffer + Int(head.pointee.authorityOffset), Int(head.pointee.authorityLength)))
        }
        if sent & HeaderMask.bit(HeaderID.xForwardedPort) == 0 { out.line("X-Forwarded-Port: ", options.localPort) }
    }

    /// `for=…;host=…;proto=…` (RFC 7239 section 4). What is no token is quoted; an IPv6 address gets brackets (section 6.1).
    static func forwarded(
        _ out: inout HeadOutput, _ head: UnsafePointer<MessageHead>, _ map: borrowing HeaderMap, _ options: borrowing RequestHeadOptions
    ) {
        list(&out, "Forwarded: ", HeaderID.forwarded, map, received: options.clientIsTrusted)
        out.put("for=")
        if options.clientAddress.isEmpty {
            out.put("unknown")
        } else if options.clientAddress.firstIndex(of: 0x3a) >= 0 {
            out.put("\"[")
            out.put(options.clientAddress)
            out.put("]\"")
        } else {
            out.put(options.clientAddress)
        }
        let host = ByteView(map.buffer + Int(head.pointee.authorityOffset), Int(head.pointee.authorityLength))
        if Syntax.isToken(host) {
            out.put(";host=")
            out.put(host)
        } else if !host.isEmpty {  // Syntax.authority lets neither quote nor backslash through
            out.put(";host=\"")
            out.put(host)
            out.put(byte: 0x22)
        }
        out.line(";proto=", options.scheme)
    }
}
