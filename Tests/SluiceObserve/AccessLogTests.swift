// Access log lines, byte for byte, with hostile fields; what happens when they cannot be written; and that appending
// allocates nothing.

import SluiceBytes
import SluiceSystem
import Testing

@testable import SluiceObserve

@Suite(.serialized) struct AccessLogTests {
    init() {
        setenv("TZ", "UTC", 1)
        tzset()
    }
    let time: UInt64 = 1_795_525_200_123  // 2026-11-24T13:00:00.123Z

    /// Memory for a view that lives as long as the test process.
    func view(_ bytes: [UInt8]) -> ByteView {
        let p = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes.count + 1)
        p.initialize(from: bytes, count: bytes.count)
        return ByteView(p, bytes.count)
    }
    func record() -> AccessRecord {
        var r = AccessRecord()
        r.client = ByteView("203.0.113.7")
        r.requestLine = ByteView("GET /a?b=c HTTP/1.1")
        r.method = ByteView("GET")
        r.target = ByteView("/a?b=c")
        r.host = ByteView("example.org")
        r.referer = ByteView("https://example.org/")
        r.userAgent = ByteView("curl/8.5")
        r.route = ByteView("users")
        r.cluster = ByteView("user_backend")
        r.targetLabel = ByteView("10.0.2.4:8080")
        r.requestID = ByteView("0af7")
        r.consumer = ByteView("alice")
        r.status = 200
        r.bytesSent = 1024
        r.bytesReceived = 18_446_744_073_709_551_615
        r.durationUs = 812
        r.upstreamUs = 640
        r.retries = 1
        return r
    }
    /// The log's text for one record.
    func line(_ form: AccessLog.Form, _ r: AccessRecord) throws -> String {
        let fd = try MemoryFile.create("log")
        defer { Descriptor.close(fd) }
        var log = AccessLog(fd: try Descriptor.duplicate(fd), form: form)
        log.append(r, atMs: time)
        log.flush()
        #expect(log.pending == 0)
        return try content(fd)
    }
    func content(_ fd: Int32) throws -> String {
        var bytes = [UInt8](repeating: 0, count: try Descriptor.size(fd) + 1)
        let n = pread(fd, &bytes, bytes.count, 0)
        return String(decoding: bytes[..<max(0, n)], as: UTF8.self)
    }

    @Test func combinedGolden() throws {
        #expect(
            try line(.combined, record()) == """
                203.0.113.7 - alice [24/Nov/2026:13:00:00 +0000] "GET /a?b=c HTTP/1.1" 200 1024 "https://example.org/" "curl/8.5"\n
                """)
    }

    @Test func emptyFieldsAreDashes() throws {
        #expect(try line(.combined, AccessRecord()) == "- - - [24/Nov/2026:13:00:00 +0000] \"-\" 0 0 \"-\" \"-\"\n")
    }

    @Test func jsonGolden() throws {
        #expect(
            try line(.json, record())
                == #"{"time":"2026-11-24T13:00:00.123Z","client":"203.0.113.7","method":"GET","target":"/a?b=c","host":"example.org","protocol":"HTTP/1.1","status":200,"bytes_sent":1024,"bytes_received":18446744073709551615,"referer":"https://example.org/","user_agent":"curl/8.5","duration_us":812,"upstream_us":640,"route":"users","cluster":"user_backend","upstream":"10.0.2.4:8080","request_id":"0af7","consumer":"alice","retries":1}"#
                + "\n")
    }

    @Test func hostileBytesCannotForgeALine() throws {
        var r = record()
        r.userAgent = view(Array("a\"b\\c\r\nd\t".utf8) + [0x00, 0x7f, 0xff, 0xc3, 0xa9])
        #expect(try line(.combined, r).hasSuffix(#""a\x22b\x5Cc\x0D\x0Ad\x09\x00\x7F\xFF\xC3\xA9""# + "\n"))
        #expect(try line(.json, r).contains(#""user_agent":"a\"b\\c\u000D\u000Ad\u0009\u0000\u007F\u00FFé""#))
    }

    /// Every malformed or cut multi-byte sequence becomes an escape; the line stays valid UTF-8.
    @Test func badUTF8IsEscapedInJSON() throws {
        let cases: [([UInt8], String)] = [
            ([0xc3], #"\u00C3"#), ([0xe2, 0x82], #"\u00E2\u0082"#), ([0xe2, 0x82, 0xac], "€"), ([0xf0, 0x9f, 0x98, 0x80], "😀"),
            ([0xc0, 0x80], #"\u00C0\u0080"#), ([0xed, 0xa0, 0x80], #"\u00ED\u00A0\u0080"#),
            ([0xf5, 0x80, 0x80, 0x80], #"\u00F5\u0080\u0080\u0080"#),
            ([0xe0, 0x80, 0x80], #"\u00E0\u0080\u0080"#), ([0xf4, 0x90, 0x80, 0x80], #"\u00F4\u0090\u0080\u0080"#), ([0x80], #"\u0080"#),
        ]
        for (bytes, expected) in cases {
            var r = record()
            r.host = view(bytes)
            #expect(try line(.json, r).contains("\"host\":\"\(expected)\","))
        }
    }

    /// The eight-byte path and the byte path agree for every byte at every place.
    @Test func everyByteAtEveryPlace() throws {
        for value in UInt8.min...UInt8.max {
            for place in 0..<17 {
                var bytes = [UInt8](repeating: 0x61, count: 17)
                bytes[place] = value
                let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: 128)
                defer { buffer.deallocate() }
                var w = LineWriter(buffer)
                bytes.withUnsafeBufferPointer { w.escaped(ByteView($0.baseAddress!, 17), max: 100, .combined) }
                let text = String(decoding: UnsafeBufferPointer(start: buffer, count: w.p - buffer), as: UTF8.self)
                let plain = value >= 0x20 && value < 0x7f && value != 0x22 && value != 0x5c
                let hex = String(value, radix: 16, uppercase: true)
                let piece = plain ? String(UnicodeScalar(value)) : "\\x" + (hex.count == 1 ? "0" : "") + hex
                #expect(text == String(repeating: "a", count: place) + piece + String(repeating: "a", count: 16 - place))
            }
        }
    }

    @Test func longFieldsAreCutAtWholeEscapes() throws {
        var r = record()
        let bad = view([UInt8](repeating: 0xff, count: 60_000))
        (r.requestLine, r.target, r.host, r.referer, r.userAgent, r.route, r.requestID) = (bad, bad, bad, bad, bad, bad, bad)
        (r.client, r.consumer, r.cluster, r.targetLabel, r.method) = (bad, bad, bad, bad, bad)
        let json = try line(.json, r), combined = try line(.combined, r)
        #expect(json.utf8.count < AccessLog.lineBytesMax && combined.utf8.count < AccessLog.lineBytesMax)
        #expect(json.contains(#"\u00FF","status""#) == false && json.contains(#"\u00FF","user_agent":"\u00FF"#))
        #expect(combined.hasSuffix(#"\xFF""# + "\n") && json.hasSuffix("}\n"))
        let long = view([UInt8](repeating: 0x61, count: 60_000))
        r.requestLine = long
        #expect(try line(.combined, r).contains("\"" + String(repeating: "a", count: AccessLog.targetBytesMax) + "\""))
    }

    @Test func whatCannotBeWrittenIsKeptThenCounted() throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe2(&ends, O_CLOEXEC | O_NONBLOCK) == 0)
        #expect(cs_fcntl(ends[1], Int32(CS_F_SETPIPE_SZ), 4096) == 4096)
        defer { Descriptor.close(ends[0]) }
        var log = AccessLog(fd: ends[1], form: .combined)
        for _ in 0..<2000 { log.append(record(), atMs: time) }
        #expect(log.dropped > 1000 && log.pending <= AccessLog.capacity && log.wantsFlush)
        let kept = 2000 - Int(log.dropped)
        // A reader comes: every kept line arrives whole.
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while log.pending > 0 {
            log.flush()
            let n = read(ends[0], &buffer, buffer.count)
            if n > 0 { text += buffer[..<n] }
        }
        while case let n = read(ends[0], &buffer, buffer.count), n > 0 { text += buffer[..<n] }
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
        #expect(lines.count == kept)
        #expect(lines.allSatisfy { $0.hasPrefix("203.0.113.7 - alice [") && $0.hasSuffix("\"curl/8.5\"") })
    }

    @Test func fullDiskLosesLinesNotRequests() throws {
        var log = AccessLog(fd: try Descriptor.open("/dev/full", O_WRONLY), form: .json)
        for _ in 0..<2000 { log.append(record(), atMs: time) }
        #expect(log.dropped > 1000)
        let fd = try MemoryFile.create("log")
        defer { Descriptor.close(fd) }
        log.reopen(try Descriptor.duplicate(fd))
        log.flush()
        #expect(log.pending == 0)
        #expect(try content(fd).split(separator: "\n").count + Int(log.dropped) == 2000)
    }

    @Test func reopeningWritesWhatIsPendingToTheOldFile() throws {
        let old = try MemoryFile.create("old"), new = try MemoryFile.create("new")
        defer { Descriptor.close(old); Descriptor.close(new) }
        var log = AccessLog(fd: try Descriptor.duplicate(old), form: .combined)
        log.append(record())
        log.reopen(try Descriptor.duplicate(new))
        log.append(record())
        log.append(record())
        log.flush()
        #expect(try content(old).split(separator: "\n").count == 1)
        #expect(try content(new).split(separator: "\n").count == 2)
    }

    @Test(arguments: [AccessLog.Form.combined, .json]) func appendingAllocatesNothing(form: AccessLog.Form) throws {
        var log = AccessLog(fd: try Descriptor.open("/dev/null", O_WRONLY), form: form)
        let r = record()
        // Concurrent suites allocate too: the smallest of several rounds counts, a per-line allocation shows in each.
        var grown: [Int] = []
        for _ in 0..<500 where !grown.contains(0) {
            log.append(r)
            let before = mallinfo2().uordblks
            for _ in 0..<1_000 {
                log.append(r)
                if log.wantsFlush { log.flush() }
            }
            grown.append(Int(mallinfo2().uordblks) - Int(before))
        }
        #expect(grown.contains(0), "bytes in use grew by \(grown)")
        #expect(log.dropped == 0)
    }
}
