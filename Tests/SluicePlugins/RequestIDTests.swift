// The request-id plugin (Swift) through the host: identifiers, trust, refused configurations.
import Testing

@testable import SluicePlugins

@Suite(.serialized) struct RequestIDTests {
    static let path = Result { try Kit.plugin("request-id") }
    let worker = TestWorker()
    func load(_ config: String) throws -> PluginTable {
        try worker.load(try Kit.copy(try Self.path.get()), name: "request-id", config: config)
    }
    func message(_ lines: String = "") throws -> TestMessage { try TestMessage("GET / HTTP/1.1\r\nHost: h\r\n\(lines)\r\n") }

    @Test func uuidsEverywhere() throws {
        let table = try load("{}")
        #expect(table.bound[0].phases == PluginPhase.rewrite.bit | PluginPhase.headerFilter.bit)
        var seen: Set<String> = []
        for _ in 0..<1000 {
            let m = try message("X-Request-ID: forged\r\n")
            #expect(m.run(.rewrite, table) == 0)
            let id = try #require(m.requestHeader("x-request-id"))
            #expect(id.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil, "\(id)")
            #expect(m.requestHeaders("x-request-id").count == 1 && m.ctx.pointee.requestID.string == id)
            try m.respond("HTTP/1.1 200 OK\r\nx-request-id: upstream\r\n\r\n")
            #expect(m.run(.headerFilter, table) == 0 && m.responseHeader("x-request-id") == id)
            seen.insert(id)
        }
        #expect(seen.count == 1000)
    }

    @Test func hexUnderAnotherName() throws {
        let table = try load(#"{"header":"X-Trace","format":"hex"}"#), m = try message()
        #expect(m.run(.rewrite, table) == 0)
        #expect(m.requestHeader("x-trace")?.wholeMatch(of: /[0-9a-f]{32}/) != nil && m.requestHeader("x-request-id") == nil)
    }

    @Test func trust() throws {
        let table = try load(#"{"trust":true}"#)
        let given = try message("X-Request-Id: abc-123\r\n")
        #expect(
            given.run(.rewrite, table) == 0 && given.requestHeader("x-request-id") == "abc-123"
                && given.ctx.pointee.requestID.string == "abc-123")
        for bad in ["a b", "a\"b", String(repeating: "a", count: 129), "ä"] {
            let m = try message("X-Request-Id: \(bad)\r\n")
            #expect(
                m.run(.rewrite, table) == 0 && m.requestHeaders("x-request-id").count == 1
                    && m.requestHeader("x-request-id")?.utf8.count == 36, "\(bad)")
        }
        let none = try message()
        #expect(none.run(.rewrite, table) == 0 && none.requestHeader("x-request-id")?.utf8.count == 36)
    }

    @Test func answeredBeforeRewrite() throws {
        let table = try load("{}"), m = try message()
        try m.respond()
        #expect(m.run(.headerFilter, table) == 0 && m.responseHeader("x-request-id") == nil)
    }

    @Test(arguments: [
        (#"{"format":"base64"}"#, "format: unknown \"base64\"; known: uuid hex"), (#"{"header":"a b"}"#, "header: "),
        (#"{"header":7}"#, "header: a string is needed"), (#"{"trust":"yes"}"#, "trust: true or false is needed"),
        (#"{"heather":"x"}"#, "heather: unknown; known: header trust format"),
    ]) func refuses(_ config: String, _ reason: String) {
        let failure = #expect(throws: PluginFailure.self) { try load(config) }
        #expect(failure?.description.contains(reason) == true, "\(failure?.description ?? "")")
    }
}
