// The access log of one worker: finished requests become lines in a buffer of 64 KiB that leaves with one write(2), off the
// request's critical path. Appending allocates nothing. What cannot be written is kept as long as there is room, then
// new lines are dropped and counted; a full disk or a stuck pipe never stops a request. Fields are in `AccessRecord`.
import SluiceBytes
import SluiceSystem

/// The access log in one of two forms:
///
/// combined (the combined log format of Apache and nginx; bytes outside printable ASCII, quotes and backslashes as `\xHH`):
///
///     203.0.113.7 - alice [24/Nov/2026:13:00:00 +0000] "GET /a?b=c HTTP/1.1" 200 1024 "https://example.org/" "curl/8.5"
///
/// json (one object a line, every key always there, in this order; well-formed UTF-8 as it is, any other byte `\u00HH`):
///
///     {"time":"2026-11-24T13:00:00.123Z","client":"203.0.113.7","method":"GET","target":"/a?b=c","host":"example.org",
///      "protocol":"HTTP/1.1","status":200,"bytes_sent":1024,"bytes_received":0,"referer":"","user_agent":"curl/8.5",
///      "duration_us":812,"upstream_us":640,"route":"users","cluster":"user_backend","upstream":"10.0.2.4:8080",
///      "request_id":"…","consumer":"alice","retries":0}
public struct AccessLog: ~Copyable {
    public enum Form: UInt8, Sendable { case combined = 1, json = 2 }

    let buffer: UnsafeMutablePointer<UInt8>
    /// May change between two lines (a reload).
    public var form: Form {
        didSet { if form != oldValue { time = TimeText(form == .json ? .rfc3339 : .common) } }
    }
    var used = 0
    /// Where lines go; negative = nowhere. Owned: closed by `reopen` and at the end.
    public private(set) var fd: Int32
    /// Lines that found no room since the start.
    public private(set) var dropped: UInt64 = 0
    /// Second of the last write that was not taken whole: the next try from `append` waits for another second.
    var stuckSecond: UInt64 = 0
    var time: TimeText

    /// Takes over `fd`, opened for appending.
    public init(fd: Int32, form: Form) {
        self.fd = fd
        self.form = form
        time = TimeText(form == .json ? .rfc3339 : .common)
        buffer = .allocate(capacity: AccessLog.capacity)  // once per worker
    }
    deinit {
        _ = AccessLog.write(fd, buffer, used)
        Descriptor.close(fd)
        buffer.deallocate()
    }

    /// Bytes waiting to be written.
    public var pending: Int { used }
    /// The owner flushes after a request when this is true, besides its timer.
    public var wantsFlush: Bool { used > AccessLog.flushBytes }

    /// Adds the line of one finished request, timed by the kernel's last tick.
    public mutating func append(_ r: borrowing AccessRecord) { append(r, atMs: SystemClock.realtimeCoarseMs()) }

    mutating func append(_ r: borrowing AccessRecord, atMs now: UInt64) {
        if used > AccessLog.capacity - AccessLog.lineBytesMax {
            if stuckSecond != now / 1000 { flush(atMs: now) }
            if used > AccessLog.capacity - AccessLog.lineBytesMax {
                dropped &+= 1
                return
            }
        }
        var w = LineWriter(buffer + used)
        if form == .combined { combined(&w, r, now) } else { json(&w, r, now) }
        w.byte(0x0a)
        used = w.p - buffer
    }

    /// Writes what is pending with one call. What the descriptor does not take stays for the next flush.
    public mutating func flush() { flush(atMs: SystemClock.realtimeCoarseMs()) }

    mutating func flush(atMs now: UInt64) {
        if used == 0 { return }
        let n = AccessLog.write(fd, buffer, used)
        if n < used {
            stuckSecond = now / 1000
            memmove(buffer, buffer + n, used - n)
        }
        used -= n
    }

    /// Writes what is pending to the old descriptor, closes it, and goes on with `fd` (taken over; negative = nowhere).
    public mutating func reopen(_ fd: Int32) {
        flush()
        Descriptor.close(self.fd)
        self.fd = fd
        stuckSecond = 0
    }

    /// Bytes that were taken; a missing descriptor takes everything.
    static func write(_ fd: Int32, _ p: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int {
        if fd < 0 || count == 0 { return count }
        return max(0, uninterrupted { CSluiceSys.write(fd, p, count) })
    }

    static let capacity = 65_536
    static let flushBytes = 49_152
    /// No line is longer: the sum of the bounds in `combined` and `json` with what stands between the fields.
    static let lineBytesMax = 16_384
}

extension AccessLog {
    mutating func combined(_ w: inout LineWriter, _ r: borrowing AccessRecord, _ now: UInt64) {
        field(&w, r.client, 256)
        w.text(" - ")
        field(&w, r.consumer, 256)
        w.text(" [")
        w.p += time.write(now, to: w.p)
        w.text("] \"")
        field(&w, r.requestLine, AccessLog.targetBytesMax)
        w.text("\" ")
        w.number(UInt64(r.status))
        w.byte(0x20)
        w.number(r.bytesSent)
        w.text(" \"")
        field(&w, r.referer, 2048)
        w.text("\" \"")
        field(&w, r.userAgent, 1024)
        w.byte(0x22)
    }

    /// An empty field is a dash.
    @inline(__always) func field(_ w: inout LineWriter, _ v: ByteView, _ max: Int) {
        if v.isEmpty { w.byte(0x2d) } else { w.escaped(v, max: max, .combined) }
    }

    mutating func json(_ w: inout LineWriter, _ r: borrowing AccessRecord, _ now: UInt64) {
        w.text("{\"time\":\"")
        w.p += time.write(now, to: w.p)
        member(&w, "\",\"client\":\"", r.client, 256)
        member(&w, "\",\"method\":\"", r.method, 64)
        member(&w, "\",\"target\":\"", r.target, AccessLog.targetBytesMax)
        member(&w, "\",\"host\":\"", r.host, 512)
        count(&w, "\",\"protocol\":\"HTTP/1.", UInt64(r.protocolMinor))
        count(&w, "\",\"status\":", UInt64(r.status))
        count(&w, ",\"bytes_sent\":", r.bytesSent)
        count(&w, ",\"bytes_received\":", r.bytesReceived)
        member(&w, ",\"referer\":\"", r.referer, 2048)
        member(&w, "\",\"user_agent\":\"", r.userAgent, 1024)
        count(&w, "\",\"duration_us\":", r.durationUs)
        count(&w, ",\"upstream_us\":", r.upstreamUs)
        member(&w, ",\"route\":\"", r.route, 256)
        member(&w, "\",\"cluster\":\"", r.cluster, 256)
        member(&w, "\",\"upstream\":\"", r.targetLabel, 256)
        member(&w, "\",\"request_id\":\"", r.requestID, 256)
        member(&w, "\",\"consumer\":\"", r.consumer, 256)
        count(&w, "\",\"retries\":", UInt64(r.retries))
        w.byte(0x7d)
    }
    @inline(__always) func member(_ w: inout LineWriter, _ key: StaticString, _ v: ByteView, _ max: Int) {
        w.text(key)
        w.escaped(v, max: max, .json)
    }
    @inline(__always) func count(_ w: inout LineWriter, _ key: StaticString, _ n: UInt64) {
        w.text(key)
        w.number(n)
    }
    /// Of a request line or target, after escaping; the rest is cut off.
    static let targetBytesMax = 9_216
}
