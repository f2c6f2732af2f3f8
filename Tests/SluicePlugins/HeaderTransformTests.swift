// The header-transform plugin through the host: templates, order of operations, hostile values, refused configurations.
import Testing

@testable import SluicePlugins

@Suite(.serialized) struct HeaderTransformTests {
    static let path = Result { try Kit.plugin("header-transform") }
    let worker = TestWorker()
    func load(_ config: String) throws -> PluginTable {
        try worker.load(try Kit.copy(try Self.path.get()), name: "header-transform", config: config)
    }

    static let request =
        "GET /a/b?name=x%20y&evil=a%0d%0aX-Evil:%201&none HTTP/1.1\r\n"
        + "Host: example.com:81\r\nX-Old: old\r\nX-Name: n\r\nX-Drop: d\r\nX-Drop: e\r\n\r\n"

    @Test(arguments: [
        ("plain", "plain"), ("", ""), ("${request.path}", "/a/b?name=x%20y&evil=a%0d%0aX-Evil:%201&none"), ("${request.url_path}", "/a/b"),
        ("${request.method}", "GET"),
        ("${request.host}", "example.com:81"), ("${request.headers.x-name}!", "n!"), ("${request.headers.X-NAME}", "n"),
        ("${request.headers.none}", ""),
        ("${request.query.name}", "x y"), ("${request.query.evil}", "a  X-Evil: 1"), ("[${request.query.none}]", "[]"),
        ("${source.address}:${source.port}", "10.0.0.7:4711"),
        ("${request.id}", ""), ("${route.id}/${cluster.id}", "users/demo"), ("$${request.method}", "${request.method}"), ("a$${b", "a${b"),
        ("$", "$"), ("$$", "$$"), ("{}", "{}"),
        ("${request.scheme}://${request.host}${request.url_path}", "http://example.com:81/a/b"),
        ("${request.query.none} x ${request.query.none}", "x"),
    ]) func templates(_ template: String, _ value: String) throws {
        let table = try load("{\"request\":{\"set\":{\"x-out\":\"\(template)\"}},\"response\":{\"set\":{\"x-out\":\"\(template)\"}}}"),
            m = try TestMessage(Self.request)
        #expect(m.run(.rewrite, table) == 0)
        #expect(m.requestHeaders("x-out") == [value])
        try m.respond()
        #expect(m.run(.headerFilter, table) == 0)
        #expect(m.responseHeader("x-out") == value)
        #expect(m.requestHeader("x-evil") == nil && m.responseHeader("x-evil") == nil)
    }

    @Test func everyOperation() throws {
        let table = try load(
            #"{"request":{"remove":["x-drop","x-none"],"add":{"x-more":["1","${request.headers.x-drop}"],"x-name":"2"},"#
                + #""set":{"X-Name":"set"},"rename":{"x-old":"x-new","x-none":"x-other"}},"#
                + #""response":{"remove":["server"]}}"#
        )
        let m = try TestMessage(Self.request)
        #expect(m.run(.rewrite, table) == 0)
        #expect(
            m.requestHeaders("x-drop") == [] && m.requestHeaders("x-more") == ["1", "d"] && m.requestHeaders("x-name") == ["set", "2"])
        #expect(m.requestHeaders("x-old") == [] && m.requestHeaders("x-new") == ["old"] && m.requestHeader("x-other") == nil)
        try m.respond()
        #expect(m.run(.headerFilter, table) == 0 && m.responseHeader("server") == nil && m.responseHeader("content-length") == "5")
    }

    @Test func longValuesAreCut() throws {
        let table = try load(#"{"request":{"set":{"x-out":"${request.path}${request.path}${request.path}"}}}"#)
        let m = try TestMessage("GET /\(String(repeating: "a", count: 7000)) HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(m.run(.rewrite, table) == 0 && m.requestHeader("x-out")?.utf8.count == 8192)
    }

    @Test(arguments: [
        (#"{"requests":{}}"#, "requests: unknown; known: request response"), (#"{"request":[]}"#, "request: an object"),
        (#"{"request":{"sett":{}}}"#, "request.sett: unknown; known: set add rename remove"),
        (#"{"request":{"set":[]}}"#, "request.set: an object"), (#"{"request":{"remove":{}}}"#, "request.remove: an array"),
        (#"{"response":{"set":{"x":1}}}"#, "response.set.x: a string is needed"),
        (#"{"request":{"set":{"a b":"x"}}}"#, #"request.set: "a b": a header name is"#),
        (#"{"request":{"set":{"":"x"}}}"#, "request.set: a header name of 1 to 256 bytes"),
        (#"{"request":{"set":{"Content-Length":"1"}}}"#, "request.set: content-length: the gateway itself"),
        (#"{"response":{"remove":["connection"]}}"#, "response.remove: connection: "),
        (#"{"request":{"rename":{"a":"host"}}}"#, "request.rename.a: host: "),
        (
            #"{"request":{"set":{"x":"${request.methud}"}}}"#,
            "request.set.x: unknown attribute ${request.methud}; known: request.headers.NAME request.query.NAME request.method"
        ),
        (#"{"request":{"set":{"x":"${request.headers.}"}}}"#, "unknown attribute"),
        (#"{"request":{"set":{"x":"${request.method"}}}"#, #"request.set.x: "${" without "}""#),
        (#"{"request":{"set":{"x":"a\nb"}}}"#, "request.set.x: control characters"),
        (#"{"request":{"set":{"x":" a"}}}"#, "request.set.x: white space"),
        (#"{"request":{"add":{"x":[1]}}}"#, "request.add.x: a string or an array"),
    ]) func refuses(_ config: String, _ reason: String) {
        let failure = #expect(throws: PluginFailure.self) { try load(config) }
        #expect(failure?.description.contains(reason) == true, "\(failure?.description ?? "")")
    }

    @Test func boundsOnOperationsAndParts() {
        let many = (0..<257).map { "\"h\($0)\":\"v\"" }.joined(separator: ",")
        let failure = #expect(throws: PluginFailure.self) { try load("{\"request\":{\"set\":{\(many)}}}") }
        #expect(failure?.description.contains("more than 256 operations") == true)
        let long = String(repeating: "${request.id}", count: 1025)
        let parts = #expect(throws: PluginFailure.self) { try load("{\"request\":{\"set\":{\"x\":\"\(long)\"}}}") }
        #expect(parts?.description.contains("more than 1024 parts") == true)
    }
}
