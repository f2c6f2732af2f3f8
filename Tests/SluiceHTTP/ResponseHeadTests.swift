// Response heads: RFC 9112 section 4, the limits that hold for upstreams, and the module's constant tables.
import SluiceModel
import Testing

@testable import SluiceHTTP

@Suite struct ResponseHeadTests {
    @Test func statusLine() {
        let p = parse("HTTP/1.1 200 All is well\r\nServer: x\r\nDate: y\r\n\r\nbody", .response)
        #expect(p.result == 48 && p.head.status == 200 && p.head.minorVersion == 1)
        #expect(p.target == "All is well" && p.fields.count == 2 && p.fields[0].id == HeaderID.server && p.value(1) == "y")
        #expect(parse(response(line: "HTTP/1.0 404 Not Found"), .response).head.minorVersion == 0)
        #expect(parse(response(line: "HTTP/1.7 404 Not Found"), .response).head.minorVersion == 1)
        #expect(parse(response(line: "HTTP/1.1 599 \u{e9}\tx"), .response).target == "\u{e9}\tx")
    }

    @Test(arguments: ["HTTP/1.1 100 ", "HTTP/1.1 204", "HTTP/1.0 304 ", "HTTP/1.0 599"]) func emptyReason(_ line: String) {
        let p = parse(response("A: b", line: line), .response)
        #expect(p.result > 0 && p.target == "" && p.value(0) == "b")
        #expect(parse(response(line: line), .response).result == line.utf8.count + 4)
    }

    @Test(arguments: [
        "HTTP/2.0 200 OK", "HTTP/0.9 200 OK", "http/1.1 200 OK", "HTTP/1.1  200 OK", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 099 x",
        "HTTP/1.1 600 x",
        "HTTP/1.1 999 x", "HTTP/1.1 2x0 OK", "HTTP/1.1\t200 OK", "HTTP/1.1 200\tOK", "HTTP/1.x 200 OK", "HTTP/1.1200 OK",
        " HTTP/1.1 200 OK", "ICY 200 OK", "HTTP/1 200 OK", "HTTP/1.1 -20 OK", "HTTP/1.1 200x", "\0TTP/1.1 200 OK",
    ]) func refusedStatusLines(_ line: String) {
        expectRefused(response("A: bbbbbbbb", line: line), 502, .statusLine, .response)
    }

    @Test func refusedReasons() {
        expectRefused(response(line: "HTTP/1.1 200 O\0K"), 502, .control, .response)
        expectRefused(response(line: "HTTP/1.1 200 O\u{7f}K"), 502, .control, .response)
        expectRefused(response(line: "HTTP/1.1 200 O\rK"), 502, .bareCR, .response)
        expectRefused(response(line: "HTTP/1.1 200\rx"), 502, .bareCR, .response)
        expectRefused("HTTP/1.1 200 OK\nA: b\r\n\r\n", 502, .bareLF, .response)
        expectRefused("\r\nHTTP/1.1 200 OK\r\n\r\n", 502, .statusLine, .response)
    }

    @Test func limits() {
        let small = HeadLimits(fieldsMax: 1, targetBytesMax: 1, headBytesMax: 30)
        #expect(parse("HTTP/1.1 200 OK\r\nAb: cdefg\r\n\r\n", .response, limits: small).result == 30)
        var p = parse("HTTP/1.1 200 OK\r\nAb: cdefgh\r\n\r\n", .response, limits: small)
        #expect(p.result == -502 && p.problem == .headTooLarge)
        p = parse("HTTP/1.1 200 OK OK OK OK OK OK OK OK OK OK OK\r\n\r\n", .response, limits: small)
        #expect(p.result == -502 && p.problem == .headTooLarge)
        p = parse("HTTP/1.1 200 OK\r\nA:\r\nB:\r\n\r\n", .response, limits: small)
        #expect(p.result == -502 && p.problem == .tooManyFields)
        p = parse("HTTP/1.1 200 OK\r\n\r\n", .response, limits: HeadLimits(fieldsMax: 1, targetBytesMax: 1, headBytesMax: 12))
        #expect(p.result == -502)
    }

    @Test func constantsRepeatTheModel() {
        #expect(Int(HTTPLimits.chunkExtensionBytesMax) == SluiceModel.Limits.chunkExtensionBytesMax)
        #expect(Int(HTTPLimits.trailerBytesMax) == SluiceModel.Limits.trailerBytesMax)
    }

    @Test func everyProblemHasItsWords() {
        for problem in HeadProblem.allCases {
            #expect(problem.text.utf8CodeUnitCount > 5)
            #expect([200, 400, 414, 417, 431, 501, 505].contains(problem.status))
            #expect((problem == .none) == (problem.status == 200))
        }
        #expect(Set(HeadProblem.allCases.map { "\($0.text)" }).count == HeadProblem.allCases.count)
    }

    @Test func reasons() {
        for status in 100..<600 {
            let text = "\(StatusText.reason(status))"
            #expect(!text.isEmpty && text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f } && text.utf8.count <= 40)
        }
        #expect(
            "\(StatusText.reason(404))" == "Not Found" && "\(StatusText.reason(413))" == "Content Too Large"
                && "\(StatusText.reason(299))" == "Success")
    }
}
