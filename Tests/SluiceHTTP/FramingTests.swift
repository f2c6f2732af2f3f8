// Where messages end, and what connections do: RFC 9112 sections 6, 7 and 9, RFC 9110 sections 7.6.1, 7.8, 8.6 and 10.1.1.
import Testing

@testable import SluiceHTTP

@Suite struct FramingTests {
    @Test(arguments: [("0", Int64(0)), ("5", 5), ("0042", 42), ("9223372036854775807", .max), ("00000000000000000000000000000001", 1)])
    func contentLength(_ text: String, _ value: Int64) {
        #expect(parse(request("Content-Length: \(text)")).head.contentLength == value)
        #expect(parse(response("content-LENGTH:\(text)\t"), .response).head.contentLength == value)
    }
    @Test func noContentLength() { #expect(parse(request()).head.contentLength == -1) }

    @Test(arguments: [
        "", "+5", "-5", "5,5", "5, 5", "5 5", "0x5", "5a", "5.0", "\"5\"", "9223372036854775808", "18446744073709551616",
        "99999999999999999999999", "\u{665}", "1_0", ",5", "5,",
    ]) func badContentLength(_ text: String) {
        expectRefused(request("Content-Length: \(text)"), 400, .contentLength)
        expectRefused(response("Content-Length: \(text)"), 502, .contentLength, .response)
    }

    @Test func repeatedContentLength() {
        expectRefused(request("Content-Length: 5", "Content-Length: 6"), 400, .contentLengthRepeated)
        expectRefused(request("Content-Length: 5", "content-length: 5"), 400, .contentLengthRepeated)
        expectRefused(response("Content-Length: 5", "A: b", "Content-Length: 5"), 502, .contentLengthRepeated, .response)
    }

    @Test(arguments: ["chunked", "Chunked", "CHUNKED", " chunked\t "]) func chunked(_ value: String) {
        let p = parse(request("Transfer-Encoding: \(value)"))
        #expect(p.has(MessageHead.chunked) && p.has(MessageHead.transferEncodingSeen) && p.head.contentLength == -1)
        #expect(parse(response("Transfer-Encoding:\(value)"), .response).has(MessageHead.chunked))
    }

    @Test(arguments: [
        ("gzip", HeadProblem.codingUnknown), ("gzip, chunked", .codingUnknown), ("identity", .codingUnknown), ("xchunked", .codingUnknown),
        ("chunkedx", .codingUnknown), ("chunked;q=1", .codingUnknown), ("chunke", .codingUnknown), ("chunked x", .codingUnknown),
        ("", .transferEncoding), ("chunked,", .transferEncoding), (",chunked", .transferEncoding), (",", .transferEncoding),
        ("chunked, gzip", .transferEncoding),
        ("chunked, identity", .transferEncoding), ("\"chunked\"", .transferEncoding), ("\u{e9}chunked", .transferEncoding),
        ("chunked, chunked", .transferEncodingRepeated), ("chunked,CHUNKED", .transferEncodingRepeated),
        ("chunked,gzip,chunked", .transferEncodingRepeated),
    ]) func badTransferEncoding(_ value: String, _ problem: HeadProblem) {
        expectRefused(request("Transfer-Encoding: \(value)"), problem == .codingUnknown ? 501 : 400, problem)
        expectRefused(response("Transfer-Encoding: \(value)"), 502, problem, .response)
    }

    @Test func conflictingFraming() {
        expectRefused(request("Transfer-Encoding: chunked", "Content-Length: 5"), 400, .lengthAndEncoding)
        expectRefused(request("Content-Length: 5", "Transfer-Encoding: chunked"), 400, .lengthAndEncoding)
        expectRefused(request("Content-Length: 0", "Transfer-Encoding: chunked"), 400, .lengthAndEncoding)
        expectRefused(response("Transfer-Encoding: chunked", "Content-Length: 5"), 502, .lengthAndEncoding, .response)
        expectRefused(request("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), 400, .transferEncodingRepeated)
        expectRefused(request("Transfer-Encoding: chunked", "transfer-encoding: identity"), 400, .transferEncodingRepeated)
        expectRefused(request("Transfer-Encoding: chunked", line: "POST / HTTP/1.0"), 400, .transferEncodingIn10)
        expectRefused(response("Transfer-Encoding: chunked", line: "HTTP/1.0 200 OK"), 502, .transferEncodingIn10, .response)
        expectRefused(request("Transfer-Encoding : chunked"), 400, .spaceBeforeColon)
        expectRefused(request("Transfer-Encoding\t: chunked"), 400, .spaceBeforeColon)
        expectRefused(request("Transfer-Encoding:", " chunked"), 400, .transferEncoding)
        expectRefused(request("Transfer-Encoding: chunked", " , gzip"), 400, .obsFold)
        expectRefused(request("Transfer-Encoding:\u{b}chunked"), 400, .control)
        expectRefused(request("Transfer-Encoding: chunked\0"), 400, .control)
        expectRefused(request("Content-Length: 5\rX: y"), 400, .bareCR)
        expectRefused(request("X: y\nTransfer-Encoding: chunked"), 400, .bareLF)
        let p = parse(request("Transfer_Encoding: chunked", "Content_Length: 7", "X-Transfer-Encoding: chunked"))  // other fields
        #expect(p.result > 0 && !p.has(MessageHead.chunked) && p.head.contentLength == -1)
    }

    @Test func expectation() {
        #expect(parse(request("Expect: 100-Continue")).has(MessageHead.expectContinue))
        let old = parse(request("Expect: 100-continue", line: "POST / HTTP/1.0"))
        #expect(old.result > 0 && !old.has(MessageHead.expectContinue))
        for value in ["", "100", "200-ok", "100-continue, x", "100-continue;a"] {
            expectRefused(request("Expect: \(value)"), 417, .expectation)
        }
        #expect(parse(response("Expect: x"), .response).result > 0)
    }

    @Test func connectionOptions() {
        #expect(parse(request("Connection: close")).has(MessageHead.close))
        #expect(parse(request("Connection: Keep-Alive")).has(MessageHead.keepAlive))
        let p = parse(request("Connection: ,close ,\t, KEEP-alive,", "Connection: x"))
        #expect(
            p.has(MessageHead.close) && p.has(MessageHead.keepAlive) && p.has(MessageHead.hasHopByHop)
                && p.hops == ["Connection", "Connection"])
        #expect(!parse(request("Connection: closed, keep-aliv")).has(MessageHead.close | MessageHead.keepAlive))
        #expect(parse(response("Connection: close"), .response).has(MessageHead.close))
        for bad in ["a b", "close;x", "\"close\"", "close, \u{e9}"] {
            expectRefused(request("Connection: \(bad)"), 400, .connectionOption)
            #expect(parse(response("Connection: \(bad)"), .response).result > 0)
        }
    }

    @Test(arguments: [
        ("1.1", "A: b", true), ("1.1", "Connection: close", false), ("1.1", "Connection: keep-alive, close", false), ("1.0", "A: b", false),
        ("1.0", "Connection: keep-alive", true), ("1.0", "Connection: keep-alive, close", false),
    ]) func persistence(_ version: String, _ line: String, _ isPersistent: Bool) {
        #expect(parse(request(line, line: "GET / HTTP/\(version)")).head.isPersistent == isPersistent)
        #expect(parse(response(line, line: "HTTP/\(version) 200 OK"), .response).head.isPersistent == isPersistent)
    }

    @Test func namedFields() {
        let p = parse(request("X-A: 1", "Connection: x-a, X-C, close", "X-B: 2", "x-c: 3", "X-A: 4", "X-AA: 5"))
        #expect(p.hops == ["X-A", "Connection", "x-c", "X-A"])
        #expect(parse(request("X-A: 1", "Connection: close")).hops == ["Connection"])
        // Fields that every recipient needs, or that the proxy owns, are not taken out.
        for name in ["Host", "content-length", "Transfer-Encoding"] {
            expectRefused(request("Connection: close, \(name)"), 400, .connectionProtected)
            #expect(parse(response("Content-Length: 1", "Connection: \(name)"), .response).hops == ["Connection"])
        }
        #expect(
            parse(request("X-Forwarded-For: 1.2.3.4", "Via: 1.1 a", "Connection: X-Forwarded-For, Via, Forwarded")).hops == ["Connection"])
        let many = (0..<33).map { "x\($0)" }
        #expect(parse(request("Connection: " + many.dropLast().joined(separator: ","))).result > 0)
        expectRefused(request("Connection: " + many.joined(separator: ",")), 400, .connectionOptionsTooMany)
        expectRefused(
            request("Connection: " + many.prefix(20).joined(separator: ","), "Connection: " + many.suffix(13).joined(separator: ",")),
            400, .connectionOptionsTooMany)
    }

    @Test func hopByHopByDefinition() {
        let p = parse(request("Keep-Alive: 5", "Proxy-Connection: x", "TE: gzip", "Upgrade: x", "Trailer: X", "Transfer-Encoding: chunked"))
        #expect(p.hops == ["Keep-Alive", "Proxy-Connection", "TE", "Upgrade"] && p.has(MessageHead.hasHopByHop))
        for line in ["Via: 1.1 a", "Forwarded: for=x", "X-Forwarded-For: x", "X-Forwarded-Port: 1", "Expect: 100-continue", "TE: x"] {
            #expect(parse(request(line)).has(MessageHead.hasHopByHop))
        }
        for line in ["User-Agent: x", "Content-Length: 1", "Date: x", "Referer: x"] {
            #expect(!parse(request(line)).has(MessageHead.hasHopByHop))
        }
    }

    @Test func upgradeAndTrailers() {
        #expect(parse(request("Connection: keep-alive, Upgrade", "Upgrade: websocket")).has(MessageHead.upgrade))
        #expect(parse(request("Upgrade: websocket", "Connection: upgrade")).has(MessageHead.upgrade))
        #expect(!parse(request("Upgrade: websocket")).has(MessageHead.upgrade))
        #expect(!parse(request("Connection: upgrade")).has(MessageHead.upgrade))
        #expect(!parse(request("Connection: upgrade", "Upgrade: websocket", line: "GET / HTTP/1.0")).has(MessageHead.upgrade))
        #expect(parse(response("Connection: upgrade", "Upgrade: websocket", line: "HTTP/1.1 101 x"), .response).has(MessageHead.upgrade))
        #expect(parse(request("TE: gzip, Trailers")).has(MessageHead.teTrailers))
        #expect(!parse(request("TE: trailersx, deflate")).has(MessageHead.teTrailers))
    }
}
