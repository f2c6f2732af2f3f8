// Request lines: RFC 9112 sections 2.2, 2.3 and 3.
import Testing

@testable import SluiceHTTP

@Suite struct RequestLineTests {
    @Test func originForm() {
        let p = parse("POST /a/b?x=1?y HTTP/1.1\r\nHost: Example.com:8080\r\nA: b\r\n\r\nbody")
        #expect(p.result == 58)
        #expect(p.head.method == Method.post.rawValue && p.method == "POST" && p.head.minorVersion == 1)
        #expect(p.target == "/a/b?x=1?y" && p.path == "/a/b?x=1?y" && p.query == "x=1?y")
        #expect(p.authority == "Example.com:8080" && p.host == "Example.com")
        #expect(p.fields.count == 2 && p.name(1) == "A" && p.value(1) == "b")
        #expect(parse(request(line: "GET /x? HTTP/1.1")).query == "")
        #expect(parse(request(line: "GET /x HTTP/1.1")).query == nil)
        #expect(parse(request(line: "GET //x HTTP/1.1")).path == "//x")
    }

    @Test(arguments: Method.allCases.filter { $0 != .other && $0 != .connect }) func methods(_ m: SluiceHTTP.Method) {
        let p = parse(request(line: "\(m.token) / HTTP/1.1"))
        #expect(p.result > 0 && p.head.method == m.rawValue && p.method == m.token)
    }

    @Test(arguments: ["get", "GETS", "G", "PROPFIND", "M-SEARCH", "!#$%&'*+-.^_`|~", "POSt", "OPTIONs", "PUTT", "DELETs"])
    func otherMethods(_ token: String) {
        let p = parse(request(line: "\(token) / HTTP/1.1"))
        #expect(p.result > 0 && p.head.method == Method.other.rawValue && p.method == token)
    }

    @Test func absoluteForm() {
        var p = parse(request(line: "GET http://Target.test:81/p?q HTTP/1.1", host: "Host: other"))
        #expect(p.has(MessageHead.absoluteTarget) && p.path == "/p?q" && p.query == "q" && p.target == "http://Target.test:81/p?q")
        #expect(p.authority == "Target.test:81" && p.host == "Target.test")  // the target wins over Host
        p = parse(request(line: "GET HTTPS://[::1]:443 HTTP/1.1"))
        #expect(p.path == "/" && p.query == nil && p.authority == "[::1]:443" && p.host == "[::1]")
        p = parse(request(line: "GET http://h HTTP/1.0", host: nil))
        #expect(p.path == "/" && p.authority == "h")
        p = parse(request("X: y", line: "GET http://h?a=b HTTP/1.1"))
        #expect(p.path == "/?a=b" && p.query == "a=b" && p.authority == "h" && p.target == "http://h/?a=b" && p.value(1) == "y")
    }

    @Test func asteriskForm() {
        #expect(parse(request(line: "OPTIONS * HTTP/1.1")).path == "*")
        expectRefused(request(line: "GET * HTTP/1.1"), 400, .targetForm)
        expectRefused(request(line: "OPTIONS ** HTTP/1.1"), 400, .targetForm)
    }

    @Test func authorityForm() {
        expectRefused(request(line: "CONNECT h:443 HTTP/1.1"), 501, .connect)
        expectRefused(request(line: "GET h:443 HTTP/1.1"), 400, .targetForm)
    }

    @Test(arguments: [
        ("GET x HTTP/1.1", HeadProblem.targetForm), ("GET ftp://h/ HTTP/1.1", .targetForm), ("GET http:/h/ HTTP/1.1", .targetForm),
        ("GET http:// HTTP/1.1", .targetForm), ("GET http:///x HTTP/1.1", .host), ("GET http://?x HTTP/1.1", .host),
        ("GET http://:80/ HTTP/1.1", .host), ("GET http://u@h/ HTTP/1.1", .userinfo), ("GET http://u:p@h/ HTTP/1.1", .userinfo),
        ("GET http://a\\b/ HTTP/1.1", .host), ("GET http://h:x/ HTTP/1.1", .host), ("GET ?x HTTP/1.1", .targetForm),
        ("GET  / HTTP/1.1", .target), ("GET /a b HTTP/1.1", .version), ("GET /  HTTP/1.1", .version), ("GET / HTTP/1.1 ", .version),
        ("GET\t/ HTTP/1.1", .method), ("GET /\tHTTP/1.1", .target), (" GET / HTTP/1.1", .method), ("G(T / HTTP/1.1", .method),
        ("GET /#f HTTP/1.1", .target), ("GET /?#f HTTP/1.1", .target), ("GET /\u{1} HTTP/1.1", .target), ("GET /\u{7f} HTTP/1.1", .target),
        ("GET /\u{e9} HTTP/1.1", .target), ("GET /\0 HTTP/1.1", .target), ("GET /?\0 HTTP/1.1", .target), ("GET /", .target),
        ("G\0T / HTTP/1.1", .method), ("\0GET / HTTP/1.1", .method), ("GET", .method), ("", .method),
        ("GET / HTTP/1.1\r", .version), ("GET / http/1.1", .version), ("GET / HTTP/1", .version), ("GET / HTTP/1.10", .version),
        ("GET / HTTP/11.1", .version), ("GET / HTTP/1,1", .version), ("GET / HTTP/x.1", .version), ("GET / HTTPS/1.1", .version),
    ]) func refused(_ line: String, _ problem: HeadProblem) {
        // An empty first line is skipped, so the empty case needs the next line to be broken: "Host: h" is no method.
        expectRefused(request(line: line), 400, problem)
    }

    @Test(arguments: ["HTTP/0.9", "HTTP/1.2", "HTTP/1.9", "HTTP/2.0", "HTTP/3.1", "HTTP/9.9"]) func unsupportedVersions(_ version: String) {
        expectRefused(request(line: "GET / \(version)"), 505, .versionUnsupported)
    }

    @Test func version10NeedsNoHost() {
        let p = parse(request(line: "GET / HTTP/1.0", host: nil))
        #expect(p.result == 18 && p.head.minorVersion == 0 && p.head.fieldCount == 0 && p.head.authorityLength == 0)
    }

    @Test func emptyLinesBefore() {
        for n in 0...4 {
            let p = parse(String(repeating: "\r\n", count: n) + request(line: "PUT /x HTTP/1.1"))
            #expect(p.result == 28 + 2 * n && p.path == "/x" && p.method == "PUT" && p.value(0) == "h")
        }
        expectRefused(String(repeating: "\r\n", count: 5) + request(), 400, .method)
        expectRefused("\n" + request(), 400, .bareLF)
        expectRefused("\r" + request(), 400, .bareCR)
        expectRefused("\r\r\n" + request(), 400, .bareCR)
    }

    @Test func bareLineEnds() {
        expectRefused("GET / HTTP/1.1\nHost: h\r\n\r\n", 400, .version)
        expectRefused("GET / HTTP/1.1\rHost: h\r\n\r\n", 400, .version)
        expectRefused("GET /\nHTTP/1.1\r\nHost: h\r\n\r\n", 400, .target)
        expectRefused("GET\n/ HTTP/1.1\r\nHost: h\r\n\r\n", 400, .bareLF)
    }

    @Test func limits() {
        let small = HeadLimits(fieldsMax: 2, targetBytesMax: 8, headBytesMax: 40)
        #expect(parse("GET /2345678 HTTP/1.1\r\nHost:h\r\n\r\n", limits: small).result > 0)
        var p = parse("GET /23456789 HTTP/1.1\r\nHost:h\r\n\r\n", limits: small)
        #expect(p.result == -414 && p.problem == .targetTooLong)
        p = parse("GET /23456789\u{1} HTTP/1.1\r\nHost:h\r\n\r\n", limits: small)
        #expect(p.result == -414)
        let exact = "GET / HTTP/1.1\r\nHost:h\r\nA:123456789\r\n\r\n"
        #expect(exact.utf8.count == 40 - 1 && parse(exact, limits: small).result == 39)
        #expect(parse("GET / HTTP/1.1\r\nHost:h\r\nA:1234567890\r\n\r\n", limits: small).result == 40)
        p = parse("GET / HTTP/1.1\r\nHost:h\r\nA:12345678901\r\n\r\n", limits: small)
        #expect(p.result == -431 && p.problem == .headTooLarge)
        p = parse("GET / HTTP/1.1\r\nA:1\r\nHost:h\r\nC:\r\n\r\n", limits: small)
        #expect(p.result == -431 && p.problem == .tooManyFields)
        p = parse("METHODMETHODMETHODMETHODMETHODMETHODMETHODMETHOD", limits: small)
        #expect(p.result == -431)
        p = parse("GET /" + String(repeating: "a", count: 100), limits: HeadLimits(fieldsMax: 2, targetBytesMax: 90, headBytesMax: 90))
        #expect(p.result == -414)
    }

    @Test func offsetsStayIn16Bits() {
        let limits = HeadLimits(fieldsMax: 4, targetBytesMax: 90, headBytesMax: 1 << 20)
        let long = Array(request("A: " + String(repeating: "v", count: 70_000)).utf8)
        #expect(parseOnce(long, count: long.count, .request, limits).result == -431)
        let fits = Array(request("A: " + String(repeating: "v", count: 64_900), "B: c").utf8)
        let p = parseOnce(fits, count: fits.count, .request, limits)
        #expect(p.result == fits.count && p.value(2) == "c" && p.fields[1].valueLength == 64_900)
    }
}
