// What goes out: rewritten heads as text, and random heads read back by our own parser. RFC 9110 sections 7.6, 6.6.1 and
// 8.6, RFC 9112 sections 3.2, 6 and 9, RFC 7239.
import SluiceBytes
import Testing

@testable import SluiceHTTP

@Suite struct HeadWriterTests {
    /// Writes a request; the room is exactly the bound, so that AddressSanitizer sees a bound that is too low.
    func upstream(_ m: LiveMessage, _ change: (inout RequestHeadOptions) -> Void = { _ in }) -> String {
        var options = RequestHeadOptions()
        options.clientAddress = ByteView("10.0.0.7")
        options.localPort = ByteView("8080")
        change(&options)
        let bound = HeadWriter.requestBound(head: m.head, map: m.map, options: options)
        let out = UnsafeMutablePointer<UInt8>.allocate(capacity: bound)
        defer { out.deallocate() }
        let n = HeadWriter.request(head: m.head, map: m.map, options: options, into: out)
        #expect(n <= bound)
        return String(decoding: UnsafeBufferPointer(start: out, count: n), as: UTF8.self)
    }
    func client(_ m: LiveMessage, _ change: (inout ResponseHeadOptions) -> Void = { _ in }) -> String {
        var options = ResponseHeadOptions()
        change(&options)
        let bound = HeadWriter.responseBound(head: m.head, map: m.map, options: options)
        let out = UnsafeMutablePointer<UInt8>.allocate(capacity: bound)
        defer { out.deallocate() }
        let n = HeadWriter.response(head: m.head, map: m.map, options: options, into: out)
        #expect(n <= bound)
        return String(decoding: UnsafeBufferPointer(start: out, count: n), as: UTF8.self)
    }

    @Test func unchangedRequest() {
        let text = request("A: b", "Content-Length: 3", "C:d ", line: "POST /x?y HTTP/1.1")
        #expect(upstream(LiveMessage("\r\n" + text + "abc")) == text)
        #expect(upstream(LiveMessage(text)) { $0.clientIsTrusted = true } == text)
    }

    @Test func requestLines() {
        #expect(upstream(LiveMessage(request(line: "GET / HTTP/1.0"))) == request())
        #expect(upstream(LiveMessage(request(line: "GET / HTTP/1.0", host: nil))) == "GET / HTTP/1.1\r\nHost: \r\n\r\n")
        #expect(upstream(LiveMessage(request(host: "Host:"))) == "GET / HTTP/1.1\r\nHost: \r\n\r\n")
        #expect(
            upstream(LiveMessage(request("A: b", line: "GET http://t:1/p?q HTTP/1.1"))) == "GET /p?q HTTP/1.1\r\nHost: t:1\r\nA: b\r\n\r\n")
        #expect(upstream(LiveMessage(request("A: b", line: "GET http://t?q HTTP/1.1"))) == "GET /?q HTTP/1.1\r\nHost: t\r\nA: b\r\n\r\n")
        #expect(upstream(LiveMessage(request(line: "OPTIONS * HTTP/1.1"))) == request(line: "OPTIONS * HTTP/1.1"))
        #expect(upstream(LiveMessage(request(line: "OPTIONS http://h HTTP/1.1"))) == request(line: "OPTIONS * HTTP/1.1"))
        #expect(upstream(LiveMessage(request(line: "OPTIONS http://h/ HTTP/1.1"))) == request(line: "OPTIONS / HTTP/1.1"))
        #expect(upstream(LiveMessage(request(line: "OPTIONS http://h?q HTTP/1.1"))) == request(line: "OPTIONS /?q HTTP/1.1"))
        #expect(upstream(LiveMessage(request(line: "GET http://h HTTP/1.1"))) == request())
        let overridden = upstream(LiveMessage(request("A: b", line: "GET /x HTTP/1.1"))) {
            $0.method = ByteView("PUT")
            $0.path = ByteView("/new?z")
            $0.host = ByteView("up:9")
        }
        #expect(overridden == "PUT /new?z HTTP/1.1\r\nHost: up:9\r\nA: b\r\n\r\n")
        #expect(upstream(LiveMessage(request("A: b"))) { $0.host = ByteView("up") } == "GET / HTTP/1.1\r\nHost: up\r\nA: b\r\n\r\n")
    }

    @Test func hopByHopStaysHere() {
        let lines = request(
            "Connection: x-one, keep-alive, TE", "A: b", "X-One: 1", "Keep-Alive: 5", "C: d", "Proxy-Connection: x", "TE: gzip",
            "Upgrade: x", "Trailer: E",
            "Expect: 100-continue", "Transfer-Encoding: chunked")
        #expect(upstream(LiveMessage(lines)) == request("A: b", "C: d", "Trailer: E", "Transfer-Encoding: chunked"))
        #expect(
            upstream(LiveMessage(lines)) { $0.keepExpect = true }
                == request(
                    "A: b", "C: d", "Trailer: E", "Expect: 100-continue",
                    "Transfer-Encoding: chunked"))
        #expect(upstream(LiveMessage(lines)) { $0.dropBody = true } == request("A: b", "C: d"))
        #expect(upstream(LiveMessage(request("Connection: A", "A: 1", host: "Host: h"))) == request())
    }

    @Test func droppedBody() {
        let post = LiveMessage(request("Content-Length: 5", line: "POST / HTTP/1.1"))
        #expect(upstream(post) { $0.dropBody = true } == request("Content-Length: 0", line: "POST / HTTP/1.1"))
        let asGet = upstream(post) {
            $0.dropBody = true
            $0.method = ByteView("GET")
        }
        #expect(asGet == request())
    }

    @Test func upgradeAndTrailers() {
        let m = LiveMessage(request("Upgrade: websocket", "Connection: Upgrade", "A: b"))
        #expect(upstream(m) { $0.keepUpgrade = true } == request("Upgrade: websocket", "A: b", "Connection: upgrade"))
        #expect(upstream(m) == request("A: b"))
        let notAsked = LiveMessage(request("Upgrade: websocket", "A: b"))
        #expect(upstream(notAsked) { $0.keepUpgrade = true } == request("A: b"))
        #expect(upstream(LiveMessage(request("TE: trailers, gzip"))) == request("TE: trailers", "Connection: TE"))
        let both = LiveMessage(request("TE: trailers", "Upgrade: x", "Connection: TE, upgrade"))
        #expect(upstream(both) { $0.keepUpgrade = true } == request("Upgrade: x", "TE: trailers", "Connection: upgrade, TE"))
    }

    @Test func forwardingFields() {
        let lies = request(
            "X-Forwarded-For: 6.6.6.6", "x-forwarded-proto: gopher", "X-Forwarded-Host: evil", "X-Forwarded-Port: 1",
            "Forwarded: for=evil", "A: b")
        #expect(upstream(LiveMessage(lies)) == request("A: b"))
        let ours = ["X-Forwarded-For: 10.0.0.7", "X-Forwarded-Proto: https", "X-Forwarded-Host: h", "X-Forwarded-Port: 8080"]
        func asHTTPS(_ o: inout RequestHeadOptions) {
            o.xForwarded = true
            o.scheme = ByteView("https")
        }
        #expect(
            upstream(LiveMessage(lies), asHTTPS) == "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n" + ours.joined(separator: "\r\n") + "\r\n\r\n")
        let trusted = upstream(
            LiveMessage(request("X-Forwarded-For: 1.1.1.1", "X-Forwarded-Proto: gopher", "X-Forwarded-For: 2.2.2.2, 3.3.3.3"))
        ) {
            asHTTPS(&$0)
            $0.clientIsTrusted = true
        }
        #expect(
            trusted
                == request(
                    "X-Forwarded-Proto: gopher", "X-Forwarded-For: 1.1.1.1, 2.2.2.2, 3.3.3.3, 10.0.0.7", "X-Forwarded-Host: h",
                    "X-Forwarded-Port: 8080"))
        // Naming them in Connection does not take them from a trusted client.
        let named = upstream(LiveMessage(request("X-Forwarded-For: 1.1.1.1", "Connection: X-Forwarded-For"))) {
            $0.xForwarded = true
            $0.clientIsTrusted = true
        }
        #expect(named.contains("X-Forwarded-For: 1.1.1.1, 10.0.0.7\r\n"))
    }

    @Test func forwardedStandard() {
        func standard(_ lines: String..., trusted: Bool = false, host: String = "h", address: StaticString = "10.0.0.7") -> String {
            let m = LiveMessage(lines.isEmpty ? request(host: "Host: \(host)") : request(lines[0], host: "Host: \(host)"))
            let text = upstream(m) {
                $0.standard = true
                $0.clientIsTrusted = trusted
                $0.clientAddress = ByteView(address)
            }
            return text.split(separator: "\r\n").filter { $0.hasPrefix("Forwarded:") }.joined(separator: "|")
        }
        #expect(standard() == "Forwarded: for=10.0.0.7;host=h;proto=http")
        #expect(standard(host: "h:80", address: "2001:db8::1") == "Forwarded: for=\"[2001:db8::1]\";host=\"h:80\";proto=http")
        #expect(standard("Forwarded: for=evil") == "Forwarded: for=10.0.0.7;host=h;proto=http")
        #expect(standard("Forwarded: for=a", trusted: true) == "Forwarded: for=a, for=10.0.0.7;host=h;proto=http")
        #expect(standard(host: "", address: "") == "Forwarded: for=unknown;proto=http")
    }

    @Test func via() {
        #expect(
            upstream(LiveMessage(request("Via: 1.0 a", "B: c", "via: 1.1 d"))) { $0.via = true }
                == request(
                    "B: c",
                    "Via: 1.0 a, 1.1 d, 1.1 sluice"))
        #expect(upstream(LiveMessage(request(line: "GET / HTTP/1.0"))) { $0.via = true } == request("Via: 1.0 sluice"))
        #expect(client(LiveMessage(response("Via: 1.0 a"), .response)) { $0.via = true } == response("Via: 1.0 a, 1.1 sluice"))
        #expect(client(LiveMessage(response(line: "HTTP/1.0 200 OK"), .response)) { $0.via = true } == response("Via: 1.0 sluice"))
    }

    @Test func pluginEdits() {
        let m = LiveMessage(request("A: 1", "B: 2", "Via: 1.1 x", "X-Forwarded-For: 9.9.9.9"))
        #expect(
            m.remove("A") == 1 && m.add("C", "3") && m.set("Host", "edited") && m.add("X-Forwarded-For", "5.5.5.5")
                && m.set("X-Forwarded-Proto", "wss"))
        let text = upstream(m) {
            $0.via = true
            $0.xForwarded = true
        }
        #expect(
            text == """
                GET / HTTP/1.1\r
                Host: edited\r
                B: 2\r
                C: 3\r
                X-Forwarded-Proto: wss\r
                X-Forwarded-For: 5.5.5.5, 10.0.0.7\r
                X-Forwarded-Host: h\r
                X-Forwarded-Port: 8080\r
                Via: 1.1 x, 1.1 sluice\r
                \r

                """)
        let absolute = LiveMessage(request(line: "GET http://t/ HTTP/1.1"))
        #expect(absolute.set("Host", "plugin") && upstream(absolute) == request(host: "Host: plugin"))
        let r = LiveMessage(response("Server: a", "Content-Length: 1"), .response)
        #expect(r.set("Server", "mine") && r.add("Date", "now") && r.remove("content-length") == 0)
        let out = client(r) {
            $0.date = ByteView("later")
            $0.server = ByteView("ours")
        }
        #expect(out == response("Content-Length: 1", "Server: mine", "Date: now"))
    }

    @Test func statusLines() {
        for line in ["HTTP/1.1 200 OK", "HTTP/1.0 200 OK", "HTTP/1.5 200 OK"] {
            #expect(
                client(
                    LiveMessage(
                        response("A: b", line: line),
                        .response)) == response("A: b"))
        }
        #expect(client(LiveMessage(response(line: "HTTP/1.1 200"), .response)) == response(line: "HTTP/1.1 200 "))
        #expect(client(LiveMessage(response("A: b", line: "HTTP/1.0 599 Odd"), .response)) == response("A: b", line: "HTTP/1.1 599 Odd"))
        #expect(client(LiveMessage(response("A: b"), .response)) { $0.status = 404 } == response("A: b", line: "HTTP/1.1 404 Not Found"))
    }

    @Test func framings() {
        let m = LiveMessage(response("Content-Length: 5", "A: b", "Trailer: X", "Connection: keep-alive", "Keep-Alive: 1"), .response)
        func framed(_ framing: BodyFraming, minor: UInt8 = 1) -> String {
            client(m) {
                $0.framing = framing
                $0.contentLength = 1_234_567_890_123
                $0.clientMinorVersion = minor
            }
        }
        #expect(framed(.asReceived) == response("Content-Length: 5", "A: b", "Trailer: X"))
        #expect(framed(.chunked) == response("A: b", "Trailer: X", "Transfer-Encoding: chunked"))
        #expect(framed(.length) == response("A: b", "Content-Length: 1234567890123"))
        #expect(framed(.none) == response("A: b"))
        #expect(framed(.close) == response("A: b", "Connection: close"))
        #expect(framed(.chunked, minor: 0) == response("A: b", "Connection: close"))
        #expect(framed(.asReceived, minor: 0) == response("Content-Length: 5", "A: b", "Trailer: X", "Connection: keep-alive"))
        #expect(client(LiveMessage(response("Transfer-Encoding: chunked"), .response)) == response("Transfer-Encoding: chunked"))
    }

    @Test func connectionAndDate() {
        let m = LiveMessage(response("A: b"), .response)
        #expect(client(m) { $0.keepAlive = false } == response("A: b", "Connection: close"))
        #expect(client(m) { $0.clientMinorVersion = 0 } == response("A: b", "Connection: keep-alive"))
        #expect(client(m) { $0.date = ByteView("now") } == response("A: b", "Date: now"))
        #expect(client(LiveMessage(response("Date: then"), .response)) { $0.date = ByteView("now") } == response("Date: then"))
        #expect(
            client(LiveMessage(response("Server: up", "A: b"), .response)) { $0.server = ByteView("sluice") }
                == response(
                    "A: b",
                    "Server: sluice"))
        let interim = client(LiveMessage(response("Link: x", "Content-Length: 0", line: "HTTP/1.1 103 Early Hints"), .response)) {
            $0.date = ByteView("now")
            $0.keepAlive = false
        }
        #expect(interim == response("Link: x", line: "HTTP/1.1 103 Early Hints"))
        let switched = LiveMessage(
            response("Upgrade: websocket", "Connection: Upgrade", line: "HTTP/1.1 101 Switching Protocols"), .response)
        #expect(
            client(switched) { $0.keepUpgrade = true }
                == response(
                    "Upgrade: websocket", "Connection: upgrade",
                    line: "HTTP/1.1 101 Switching Protocols"))
        let required = LiveMessage(response("Upgrade: h2c", "Connection: Upgrade", line: "HTTP/1.1 426 Upgrade Required"), .response)
        let closing = client(required) {
            $0.keepUpgrade = true
            $0.keepAlive = false
        }
        #expect(closing == response("Upgrade: h2c", "Connection: upgrade, close", line: "HTTP/1.1 426 Upgrade Required"))
    }

    @Test func answers() {
        func answer(_ status: Int, _ length: Int, keepAlive: Bool = true, minor: UInt8 = 1, lines: StaticString = "") -> String {
            let bound = HeadWriter.answerBound(date: ByteView("now"), lines: ByteView(lines))
            let out = UnsafeMutablePointer<UInt8>.allocate(capacity: bound)
            defer { out.deallocate() }
            let n = HeadWriter.answer(
                status: status, contentLength: length, keepAlive: keepAlive, minorVersion: minor, date: ByteView("now"),
                lines: ByteView(lines),
                into: out)
            #expect(n <= bound)
            return String(decoding: UnsafeBufferPointer(start: out, count: n), as: UTF8.self)
        }
        #expect(answer(404, 10) == response("Date: now", "Content-Length: 10", line: "HTTP/1.1 404 Not Found"))
        #expect(answer(204, 0) == response("Date: now", line: "HTTP/1.1 204 No Content"))
        #expect(answer(304, 7) == response("Date: now", line: "HTTP/1.1 304 Not Modified"))
        #expect(answer(200, -1) == response("Date: now"))
        #expect(answer(100, -1, keepAlive: false) == response(line: "HTTP/1.1 100 Continue"))
        #expect(
            answer(400, 0, keepAlive: false, lines: "A: b\r\n")
                == response(
                    "Date: now", "Content-Length: 0", "Connection: close", "A: b",
                    line: "HTTP/1.1 400 Bad Request"))
        #expect(answer(200, 0, minor: 0) == response("Date: now", "Content-Length: 0", "Connection: keep-alive"))
    }

    /// Whatever we accept, we write so that we accept it again, without a field of the client's hop, and with the same body.
    @Test(arguments: 0..<400) func roundTrips(_ seed: Int) {
        var random = Seeded(UInt64(seed) &+ 4242)
        let pool = [
            "A: b", "Connection: close", "Connection: x-hop, TE", "X-Hop: 1", "Keep-Alive: 1", "TE: trailers", "Upgrade: websocket",
            "Connection: upgrade",
            "Via: 1.1 a", "Forwarded: for=a", "X-Forwarded-For: 1.2.3.4", "X-Forwarded-Proto: x", "X-Forwarded-Host: y",
            "X-Forwarded-Port: 7",
            "Expect: 100-continue", "Trailer: T", "User-Agent: u", "Cookie: \u{e9}", "Empty:", "Server: s", "Date: d",
        ]
        var lines = (0..<Int.random(in: 0...10, using: &random)).map { _ in pool.randomElement(using: &random)! }
        if let body = [nil, "Content-Length: 17", "Transfer-Encoding: chunked"].randomElement(using: &random)! { lines.append(body) }
        lines.append("Host: h:1")
        lines.shuffle(using: &random)
        let line = ["GET / HTTP/1.1", "POST http://abs?q HTTP/1.1", "OPTIONS * HTTP/1.1", "PUT /x?y HTTP/1.1"].randomElement(
            using: &random)!
        let text = ([line] + lines).joined(separator: "\r\n") + "\r\n\r\n"
        let before = parse(text)
        #expect(before.result > 0)
        let m = LiveMessage(text)
        if Bool.random(using: &random) {
            _ = m.remove("A")
            #expect(m.set("X-Set", "s"))
        }
        let sent = upstream(m) {
            $0.xForwarded = Bool.random(using: &random)
            $0.standard = Bool.random(using: &random)
            $0.via = Bool.random(using: &random)
            $0.clientIsTrusted = Bool.random(using: &random)
            $0.keepUpgrade = Bool.random(using: &random)
            $0.keepExpect = Bool.random(using: &random)
        }
        let after = parseOnce(Array(sent.utf8), count: sent.utf8.count, .request, usualLimits)
        #expect(after.result == sent.utf8.count, "\(sent)")
        #expect(after.head.contentLength == before.head.contentLength && after.has(MessageHead.chunked) == before.has(MessageHead.chunked))
        #expect(after.method == before.method && after.path == before.path && after.authority == before.authority)
        #expect(
            !after.fields.indices.contains {
                ["x-hop", "keep-alive"].contains(after.name($0).lowercased())
                    && before.hops.contains(after.name($0))
            })
    }
}
