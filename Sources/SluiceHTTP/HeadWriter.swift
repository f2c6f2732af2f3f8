// Message heads back to bytes: unchanged lines leave in runs of one memcpy, the others are dropped or rewritten around
// them. Requests are in HeadWriter+Request.swift, responses in HeadWriter+Response.swift; here is what they share and
// the head of answers made by the gateway itself. The caller provides room (`requestBound`, `responseBound`).
import CSluiceSys
import SluiceBytes

/// The place where the next byte goes.
@usableFromInline struct HeadOutput {
    var p: UnsafeMutablePointer<UInt8>
    let start: UnsafeMutablePointer<UInt8>

    @inline(__always) init(_ p: UnsafeMutablePointer<UInt8>) {
        self.p = p
        start = p
    }
    var written: Int { p - start }
    @inline(__always) mutating func put(_ v: ByteView) {
        memcpy(p, v.start, v.count)
        p += v.count
    }
    @inline(__always) mutating func put(_ s: StaticString) { put(ByteView(s)) }
    @inline(__always) mutating func put(byte: UInt8) {
        p.pointee = byte
        p += 1
    }
    @inline(__always) mutating func run(_ base: UnsafeMutablePointer<UInt8>, _ from: Int, _ to: Int) {
        if to > from { put(ByteView(UnsafePointer(base) + from, to &- from)) }
    }
    /// `prefix value CRLF`; the prefix has the name, colon and space.
    @inline(__always) mutating func line(_ prefix: StaticString, _ value: ByteView) {
        put(prefix)
        put(value)
        put("\r\n")
    }
    mutating func decimal(_ value: Int64) {
        var digits = 1
        var rest = value / 10
        while rest > 0 {
            digits &+= 1
            rest /= 10
        }
        rest = value
        var i = digits
        while i > 0 {
            i &-= 1
            p[i] = 0x30 &+ UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        p += digits
    }
}

public enum HeadWriter {
    /// Room for all fixed text that either writer may add: longest lines of every kind together.
    static var fixedTextMax: Int { 384 }

    static func extraBytes(_ map: borrowing HeaderMap) -> Int {
        guard let extras = map.extras else { return 0 }
        var n = 0
        for i in 0..<map.extraCount { n += extras[i].name.count + extras[i].value.count + 4 }
        return n
    }

    /// Copies received lines but for removed, hop-by-hop and `drop`ped ones; `keep` overrides hop-by-hop. `from` may lie in
    /// front of the first line, so that a start line can join the first run.
    /// - Returns: ids of the lines that were copied, a bit each.
    static func copyLines(_ out: inout HeadOutput, _ map: borrowing HeaderMap, from: Int, to: Int, drop: UInt32, keep: UInt32) -> UInt32 {
        let fields = map.fields
        let count = map.fieldCount
        var sent: UInt32 = 0
        var run = from
        var i = 0
        while i < count {
            let f = fields[i]
            let bit = HeaderMask.bit(f.id)
            let isHop = f.flags & HeaderField.hopByHop != 0 && keep & bit == 0
            if f.flags & HeaderField.removed != 0 || isHop || drop & bit != 0 {
                out.run(map.buffer, run, Int(f.nameOffset))
                run = i &+ 1 < count ? Int(fields[i &+ 1].nameOffset) : to
            } else {
                sent |= bit
            }
            i &+= 1
        }
        out.run(map.buffer, run, to)
        return sent
    }

    /// Writes added fields but for `drop`ped ones; returns their ids.
    static func extraLines(_ out: inout HeadOutput, _ map: borrowing HeaderMap, drop: UInt32) -> UInt32 {
        guard let extras = map.extras else { return 0 }
        var sent: UInt32 = 0
        for i in 0..<map.extraCount {
            if extras[i].removed || drop & HeaderMask.bit(extras[i].id) != 0 { continue }
            out.put(extras[i].name)
            out.put(": ")
            out.put(extras[i].value)
            out.put("\r\n")
            sent |= HeaderMask.bit(extras[i].id)
        }
        return sent
    }

    /// Begins a list field with all live values of `id`, each followed by ", "; the caller appends its own element and CRLF.
    /// Values that were received count only when `received` is true; what a plugin added always counts.
    static func list(_ out: inout HeadOutput, _ prefix: StaticString, _ id: UInt8, _ map: borrowing HeaderMap, received: Bool) {
        out.put(prefix)
        var i = received ? 0 : map.fieldCount
        while i < map.fieldCount &+ map.extraCount {
            if map.isLive(i, id: id) {
                let value = map.value(at: i)
                if !value.isEmpty {
                    out.put(value)
                    out.put(", ")
                }
            }
            i &+= 1
        }
    }

    /// Room that `answer` needs.
    public static func answerBound(date: ByteView, lines: ByteView) -> Int { fixedTextMax + date.count + lines.count }

    /// Head of an answer of our own: status line, Date, Content-Length, Connection when the client needs it, `lines` as they
    /// are (each ends with CRLF), and the empty line.
    /// - Parameter contentLength: below 0: none is written, as for 1xx, 204 and 304 anyway.
    /// - Returns: bytes written, at most `answerBound`.
    public static func answer(
        status: Int, contentLength: Int, keepAlive: Bool, minorVersion: UInt8, date: ByteView, lines: ByteView,
        into: UnsafeMutablePointer<UInt8>
    ) -> Int {
        var out = HeadOutput(into)
        statusLine(&out, status)
        if status >= 200 && !date.isEmpty { out.line("Date: ", date) }
        if contentLength >= 0 && status >= 200 && status != 204 && status != 304 {
            out.put("Content-Length: ")
            out.decimal(Int64(contentLength))
            out.put("\r\n")
        }
        if status >= 200 { persistence(&out, keepAlive: keepAlive, minorVersion: minorVersion) }
        out.put(lines)
        out.put("\r\n")
        return out.written
    }

    static func statusLine(_ out: inout HeadOutput, _ status: Int) {
        out.put("HTTP/1.1 ")
        out.decimal(Int64(status))
        out.put(byte: 0x20)
        out.put(StatusText.reason(status))
        out.put("\r\n")
    }

    /// `close` is said to everybody, `keep-alive` only to HTTP/1.0 clients, for whom it is not the default (RFC 9112 section 9.3).
    @inline(__always) static func persistence(_ out: inout HeadOutput, keepAlive: Bool, minorVersion: UInt8) {
        if !keepAlive {
            out.put("Connection: close\r\n")
        } else if minorVersion == 0 {
            out.put("Connection: keep-alive\r\n")
        }
    }
}
