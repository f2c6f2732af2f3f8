// The key-auth plugin through the host: who passes, what the upstream sees, what configurations are refused.
import SluiceBytes
import Testing

@testable import SluicePlugins

@Suite(.serialized) struct KeyAuthTests {
    static let path = Result { try Kit.plugin("key-auth") }
    let worker = TestWorker()
    func load(_ config: String) throws -> PluginTable {
        try worker.load(try Kit.copy(try Self.path.get()), name: "key-auth", config: config)
    }
    func message(_ target: String = "/p", _ lines: String = "") throws -> TestMessage {
        try TestMessage("GET \(target) HTTP/1.1\r\nHost: h\r\n\(lines)\r\n")
    }

    static let config =
        #"{"header":"x-api-key","query":"api_key","keys":[{"key":"demo-key","consumer":"demo"},{"key":"zweiter schlüssel ü","consumer":"anna"}]}"#

    @Test func missingAndWrong() throws {
        let table = try load(Self.config)
        for (target, lines) in [
            ("/p", ""), ("/p", "X-Api-Key:\r\n"), ("/p?api_key=", ""), ("/p?key=demo-key", "Authorization: demo-key\r\n"),
        ] {
            let m = try message(target, lines)
            #expect(m.run(.access, table) == 1, "\(target) \(lines)")
            #expect(
                m.ctx.pointee.answerStatus == 401
                    && m.ctx.pointee.answerMap.first(ByteView("WWW-Authenticate"))?.string == "ApiKey realm=\"api\"")
        }
        let long = String(repeating: "k", count: 4000)
        for key in ["demo-ke", "demo-key1", "Demo-key", "x", "demo-kex", long] {
            let m = try message("/p", "x-api-key: \(key)\r\n")
            #expect(m.run(.access, table) == 1 && m.ctx.pointee.answerStatus == 403, "\(key)")
            #expect(m.ctx.pointee.answerMap.first(ByteView("WWW-Authenticate")) == nil)
        }
    }

    @Test func passesAndHides() throws {
        let table = try load(Self.config)
        let m = try message("/p?a=1&api%5Fkey=demo-key&b=2", "X-API-KEY: demo-key\r\nX-Api-Key: other\r\nX-Consumer: admin\r\n")
        #expect(m.run(.access, table) == 0)
        #expect(
            m.requestHeaders("x-api-key") == [] && m.requestHeaders("x-consumer") == ["demo"] && m.ctx.pointee.consumer.string == "demo")
        #expect(m.target == "/p?a=1&b=2")
        let query = try message("/p?api_key=zweiter+schl%C3%BCssel%20%c3%bc")
        #expect(query.run(.access, table) == 0 && query.target == "/p" && query.ctx.pointee.consumer.string == "anna")
    }

    @Test func keepsWhenToldTo() throws {
        let table = try load(#"{"keys":[{"key":"k","consumer":"c"}],"hide":false}"#), m = try message("/p?api_key=x", "x-api-key: k\r\n")
        #expect(m.run(.access, table) == 0 && m.requestHeader("x-api-key") == "k" && m.target == "/p?api_key=x")
        let onlyQuery = try load(#"{"query":"q","keys":[{"key":"k","consumer":"c"}]}"#)
        let header = try message("/p", "x-api-key: k\r\n")
        #expect(header.run(.access, onlyQuery) == 1 && header.ctx.pointee.answerStatus == 401)
    }

    @Test func keysOfEveryLength() throws {
        let keys = (1...256).map { String(repeating: "a", count: $0) }
        let table = try load(
            "{\"keys\":[" + keys.enumerated().map { "{\"key\":\"\($1)\",\"consumer\":\"c\($0 + 1)\"}" }.joined(separator: ",") + "]}")
        for n in [1, 7, 8, 9, 64, 255, 256] {
            let m = try message("/p", "x-api-key: \(keys[n - 1])\r\n")
            #expect(m.run(.access, table) == 0 && m.ctx.pointee.consumer.string == "c\(n)")
        }
        let m = try message("/p", "x-api-key: \(keys[255])a\r\n")
        #expect(m.run(.access, table) == 1 && m.ctx.pointee.answerStatus == 403)
    }

    @Test(arguments: [
        (#"{}"#, "keys: an array of {key, consumer} is needed"), (#"{"keys":[]}"#, "keys: 1 to 10000 entries are needed"),
        (#"{"keys":{}}"#, "keys: an array"),
        (#"{"keys":[1]}"#, "keys[0]: an object"),
        (#"{"keys":[{"key":"a","consumer":"b"},{"key":"","consumer":"b"}]}"#, "keys[1].key: a string of 1 to 256 bytes"),
        (#"{"keys":[{"consumer":"b"}]}"#, "keys[0].key: "), (#"{"keys":[{"key":"a"}]}"#, "keys[0].consumer: "),
        (#"{"keys":[{"key":"a","consumer":"b c"}]}"#, "keys[0].consumer: "),
        (#"{"keys":[{"key":"a","consumer":"b"},{"key":"a","consumer":"c"}]}"#, "keys[1].key: the same key stands there twice"),
        (#"{"keys":[{"key":"a","consumer":"b","role":1}]}"#, "keys[0].role: unknown; known: key consumer"),
        (#"{"keyz":[]}"#, "keyz: unknown; known: header query keys hide"),
        (#"{"keys":[{"key":"a","consumer":"b"}],"header":"a b"}"#, "header: "),
        (#"{"keys":[{"key":"a","consumer":"b"}],"query":7}"#, "query: "),
        (#"{"keys":[{"key":"a","consumer":"b"}],"hide":"yes"}"#, "hide: true or false is needed"),
    ]) func refuses(_ config: String, _ reason: String) {
        let failure = #expect(throws: PluginFailure.self) { try load(config) }
        #expect(failure?.description.contains(reason) == true, "\(failure?.description ?? "")")
    }
}
