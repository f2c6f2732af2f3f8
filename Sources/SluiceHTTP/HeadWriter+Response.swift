// Response heads for a client (RFC 9110 section 7.6, RFC 9112 sections 4 and 6): our version, framing as the pipeline
// decided, no field of the upstream's hop, a Date.
import SluiceBytes

extension HeadWriter {
    /// Most bytes `response` writes for these arguments.
    public static func responseBound(head: UnsafePointer<MessageHead>, map: borrowing HeaderMap, options: borrowing ResponseHeadOptions)
        -> Int
    {
        var n = fixedTextMax + Int(head.pointee.length) + extraBytes(map) + options.date.count
        if let server = options.server { n += server.count }
        return n
    }

    /// Writes the head for a client.
    /// - Returns: bytes written, at most `responseBound`.
    public static func response(
        head: UnsafePointer<MessageHead>, map: borrowing HeaderMap, options: borrowing ResponseHeadOptions,
        into: UnsafeMutablePointer<UInt8>
    ) -> Int {
        var out = HeadOutput(into)
        let base = map.buffer
        let end = Int(head.pointee.length) &- 2
        let status = options.status == 0 ? head.pointee.status : options.status
        let isFinal = status >= 200
        let keepAlive = options.keepAlive
        let hasDate = !options.date.isEmpty
        var start = 0
        if options.status != 0 {
            statusLine(&out, Int(status))
            start = map.fieldCount > 0 ? Int(map.fields[0].nameOffset) : end
        } else if base[7] != 0x31 || base[12] != 0x20 {
            out.put("HTTP/1.1 ")
            out.run(base, 9, 12)
            out.put(byte: 0x20)
            start = Int(head.pointee.targetOffset)
        }
        // Framing
        let framing = options.framing
        let canChunk = options.clientMinorVersion > 0
        let isChunked = framing == .chunked && canChunk
        var drop: UInt32 = options.via ? HeaderMask.bit(HeaderID.via) : 0
        if framing != .asReceived || !isFinal {
            drop |= HeaderMask.bit(HeaderID.contentLength) | HeaderMask.bit(HeaderID.transferEncoding)
            if !isChunked { drop |= HeaderMask.bit(HeaderID.trailer) }
        } else if !canChunk {
            drop |= HeaderMask.bit(HeaderID.transferEncoding)
        }
        if options.server != nil { drop |= HeaderMask.bit(HeaderID.server) }
        // Lines
        var sent = copyLines(&out, map, from: start, to: end, drop: drop, keep: options.keepUpgrade ? HeaderMask.bit(HeaderID.upgrade) : 0)
        if map.extraCount > 0 { sent |= extraLines(&out, map, drop: options.via ? HeaderMask.bit(HeaderID.via) : 0) }
        if let server = options.server, sent & HeaderMask.bit(HeaderID.server) == 0 { out.line("Server: ", server) }
        if isFinal && sent & HeaderMask.bit(HeaderID.date) == 0 && hasDate { out.line("Date: ", options.date) }
        if options.via {
            list(&out, "Via: ", HeaderID.via, map, received: true)
            out.put(head.pointee.minorVersion == 0 ? "1.0 sluice\r\n" : "1.1 sluice\r\n")
        }
        if isFinal {
            if isChunked {
                out.put("Transfer-Encoding: chunked\r\n")
            } else if framing == .length {
                out.put("Content-Length: ")
                out.decimal(options.contentLength)
                out.put("\r\n")
            }
        }
        // This hop
        let endsByClose = framing == .close || (framing == .chunked && !canChunk)
        if options.keepUpgrade && sent & HeaderMask.bit(HeaderID.upgrade) != 0 {
            out.put(keepAlive || !isFinal ? "Connection: upgrade\r\n" : "Connection: upgrade, close\r\n")
        } else if isFinal {
            persistence(&out, keepAlive: !endsByClose && keepAlive, minorVersion: options.clientMinorVersion)
        }
        out.put("\r\n")
        return out.written
    }
}
