// Field lines: RFC 9112 section 5, RFC 9110 section 5; and Host: RFC 9110 section 7.2, RFC 9112 section 3.2.
import Testing

@testable import SluiceHTTP

@Suite struct FieldLineTests {
    @Test func whiteSpaceAroundValues() {
        let p = parse(request("A:b", "C: \t d e\t \t", "E:", "F: \t ", "G: \u{e9}\tx", "!#$%&'*+-.^_`|~09Az: y"))
        #expect((1..<p.fields.count).map(p.value) == ["b", "d e", "", "", "\u{e9}\tx", "y"])
        #expect(p.name(6) == "!#$%&'*+-.^_`|~09Az" && p.name(1) == "A")
        #expect(p.fields.allSatisfy { $0.flags == 0 } && !p.has(MessageHead.hasHopByHop))
    }

    @Test(arguments: [
        ("A : b", HeadProblem.spaceBeforeColon), ("A\t: b", .spaceBeforeColon), ("A b: c", .spaceBeforeColon), (": b", .fieldName),
        ("A", .fieldName),
        ("\u{e9}: b", .fieldName), ("A(: b", .fieldName), ("A\0: b", .fieldName), ("\0: b", .fieldName), ("A\u{7f}: b", .fieldName),
        (" folded", .obsFold), ("\tfolded", .obsFold), (" Host: x", .obsFold), ("A: b\0c", .control), ("A: \0", .control),
        ("A: b\u{1}", .control),
        ("A: b\u{7f}", .control), ("A: b\u{b}c", .control), ("A: b\rc", .bareCR), ("A: b\nc: d", .bareLF), ("A: b\n", .bareLF),
        ("A: b\r", .bareCR), ("A\r: b", .fieldName), ("A\n", .bareLF), ("\n", .bareLF), ("\rA: b", .bareCR), ("\"A\": b", .fieldName),
    ]) func refused(_ line: String, _ problem: HeadProblem) {
        expectRefused(request(line), 400, problem)
        expectRefused(request("X: y", line, "Z: z"), 400, problem)
        expectRefused(response("X: y", line), 502, problem, .response)
    }

    @Test func endOfHead() {
        expectRefused("GET / HTTP/1.1\r\nHost: h\r\n\n", 400, .bareLF)
        expectRefused("GET / HTTP/1.1\r\nHost: h\r\n\rX", 400, .bareCR)
        expectRefused("GET / HTTP/1.1\r\nHost: h\n\n", 400, .bareLF)
        #expect(parse("GET / HTTP/1.1\r\nHost: h\r\n\r").result == 0)
    }

    @Test(arguments: [
        ("connection", HeaderID.connection), ("keep-alive", HeaderID.keepAlive), ("content-length", HeaderID.contentLength),
        ("transfer-encoding", HeaderID.transferEncoding), ("x-forwarded-for", HeaderID.xForwardedFor),
        ("proxy-connection", HeaderID.proxyConnection),
        ("upgrade", HeaderID.upgrade), ("trailer", HeaderID.trailer), ("te", HeaderID.te), ("host", HeaderID.host),
        ("expect", HeaderID.expect),
        ("via", HeaderID.via), ("forwarded", HeaderID.forwarded), ("x-forwarded-proto", HeaderID.xForwardedProto),
        ("x-forwarded-host", HeaderID.xForwardedHost), ("x-forwarded-port", HeaderID.xForwardedPort), ("user-agent", HeaderID.userAgent),
        ("referer", HeaderID.referer), ("server", HeaderID.server), ("date", HeaderID.date),
    ]) func names(_ name: String, _ id: UInt8) {
        func idOf(_ s: String) -> UInt8 { withView(s) { FieldName.id($0) } }
        #expect(idOf(name) == id && idOf(name.uppercased()) == id && idOf(name.prefix(1).uppercased() + name.dropFirst()) == id)
        // No neighbour is taken for it: one byte changed, dropped or added, at every place.
        let bytes = Array(name.utf8)
        for i in bytes.indices {
            for c in [UInt8(0x21), 0x2d, 0x5f, 0x71, 0x7a] where c != bytes[i] {
                var other = bytes
                other[i] = c
                #expect(withView(other) { FieldName.id($0) } != id, "\(other)")
            }
            var shorter = bytes
            shorter.remove(at: i)
            #expect(withView(shorter) { FieldName.id($0) } != id)
        }
        #expect(idOf(name + "s") != id && idOf("x" + name) != id)
    }

    @Test(arguments: [
        "h", "h:80", "h:", "a.b-c_d~e", "127.0.0.1:1", "[::1]", "[2001:db8::1]:65535", "%41b", "a!$&'()*+,;=", "xn--bcher-kva.example",
    ])
    func hosts(_ value: String) {
        let p = parse(request(host: "Host: \(value)"))
        #expect(p.result > 0 && p.authority == value)
        #expect(p.host == (value.hasPrefix("[") ? String(value.prefix { $0 != "]" }) + "]" : String(value.prefix { $0 != ":" })))
        #expect(parse(request(line: "GET http://\(value)/ HTTP/1.1")).authority == value)
    }

    @Test(arguments: [
        "a b", "h:x", "h:65536", "h:000080", "h:-1", "h:80:80", ":80", "u@h", "h/", "h?", "h#", "a\\b", "<h>", "\"h\"", "h\u{e9}", "%4",
        "%", "%gg", "a%",
        "[::1", "::1", "[]", "[:]", "[1:2]", "[1:2:3:4:5:6:7:8:9]", "[1:2:3:4:5:6:7:]", "[::1%eth0]", "[v1.x]", "[::1]x", "[::1]:x",
        "[:::1]", "[1::2::3]",
        "[12345::]", "[1:2:3:4:5:6:7::8]", "[::1.2.3]", "[::1.2.3.256]", "[::01.2.3.4]", "[::1.2.3.4.5]", "[::1.2.3.4:5]", "[g::]",
        "[1:2:3:4:5:6:7:1.2.3.4]",
    ]) func badHosts(_ value: String) {
        expectRefused(request(host: "Host: \(value)"), 400, .host)
        expectRefused(request(line: "GET http://ok/ HTTP/1.1", host: "Host: \(value)"), 400, .host)  // also when the target wins
    }

    @Test(arguments: [
        "[::]", "[::1]", "[1::]", "[1:2:3:4:5:6:7:8]", "[1::8]", "[::ffff:1.2.3.4]", "[1:2:3:4:5:6:1.2.3.4]", "[64:ff9b::1.2.3.4]",
        "[A:b::F]", "[1:2:3:4:5:6:7::]",
    ])
    func ipv6(_ literal: String) {
        #expect(withView(literal) { Syntax.authority($0) } == literal.utf8.count)
    }

    @Test func hostCount() {
        expectRefused(request(host: nil), 400, .hostMissing)
        expectRefused(request("Host: h"), 400, .hostRepeated)
        expectRefused(request("hOST: other"), 400, .hostRepeated)
        expectRefused(request("Host: i", line: "GET / HTTP/1.0"), 400, .hostRepeated)
        expectRefused(request(line: "GET http://h/ HTTP/1.1", host: nil), 400, .hostMissing)
        let p = parse(request(host: "Host:"))  // an empty authority is allowed (RFC 9112 section 3.2)
        #expect(p.result > 0 && p.head.authorityLength == 0 && p.head.hostLength == 0)
    }
}
