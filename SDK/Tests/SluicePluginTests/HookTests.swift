// Synchronous hooks through the C contract, on the fake host: every family of handles does what its table says.
import CSluiceABI
import SluicePlugin
import SluicePluginTesting
import Testing

@c(sluice_swift_plugin) public func plugin() { register(Everything.self) }

/// A hook for every phase.
final class Everything: RewriteHook, AccessHook, RoutingHook, ContentHook, BalancerHook, HeaderFilterHook, BodyFilterHook, LogHook {
    struct Config: Codable { var denied: String? }
    let denied: String
    var edits = HeaderEdits()
    var seen: [String] = []
    init(_ config: Config) { denied = config.denied ?? "/denied" }

    func rewrite(_ request: inout Request) throws -> Verdict {
        request.headers["X-Hello"] = "world"
        request.headers[text: "x-path"] = request.path.string + " " + (request.headers[text: "host"] ?? "")
        request.headers["Connection"] = "close"
        #expect(request.headers.lastStatus == -1)
        request.headers["X-Secret"] = nil
        request.method = "POST"
        request.removeQuery("drop")
        edits.removeAll()
        edits.set("X-A", "1")
        edits.add("X-A", "2")
        edits.remove("X-None")
        request.headers.apply(edits)
        #expect(request.headers.lastStatus == 0)
        edits.set("Content-Length", "1")
        request.headers.apply(edits)
        #expect(request.headers.lastStatus == -1)
        #expect(request.headers.values(["x-a", "x-none", "x-hello"]).map { $0?.string } == ["1", nil, "world"])
        return .next
    }
    func access(_ request: inout Request) throws -> Verdict {
        if try !request.body.gatherNow() { return .again }
        if request.facts.urlPath.string == denied {
            request.addAnswerHeader("X-Why", "denied")
            return request.answer(403, text: "no \(request.facts.query("who")?.string ?? "")")
        }
        try request.body.replace(try request.body.array().reversed().withBytes { request.facts.keep($0) } ?? "")
        if request.body.length ?? 0 > 0 { try request.body.changePiece(0) { $0[0] = UInt8(ascii: "!") } }
        request.consumer = "ann"
        return .next
    }
    func route(_ request: inout RoutingRequest) throws -> Verdict {
        let isThere = request.hasCluster("nowhere")
        #expect(!isThere)
        try request.chooseCluster("blue")
        return .next
    }
    func content(_ response: inout Content) throws -> Verdict {
        if response.state == 0 { try response.start(200) }
        while response.state < 3 {
            response.state += 1
            if try !response.writeNow(response.request.keep("0123456789") ?? "") { return .again }
        }
        return response.finish()
    }
    func balance(_ balance: inout Balance) throws -> Verdict {
        let free = (0..<balance.count).first { balance[$0]?.wasTried == false }
        try balance.choose(free ?? 0)
        try balance.setTimeouts(connectMs: 50)
        try balance.setRetries(2)
        #expect(balance[99] == nil)
        return .next
    }
    func headerFilter(_ response: inout Response) -> Verdict {
        response.headers["X-Consumer"] = response.request.consumer
        response.status = 201
        response.forEachHeader { name, value in
            seen.append("\(name.string): \(value.string)")
            return true
        }
        return .next
    }
    func bodyFilter(_ body: inout Body) -> Verdict {
        body.change { for i in $0.indices where $0[i] == UInt8(ascii: "a") { $0[i] = UInt8(ascii: "A") } }
        if body.isLast { body.append("\n") }
        return .next
    }
    func log(_ exchange: borrowing Exchange) { seen.append("\(exchange.status) \(exchange.bytesSent) \(exchange.request.method.string)") }
}

@Suite struct HookTests {
    @Test func rewriteEditsTheRequest() throws {
        let p = try FakePlugin(Everything.self)
        let e = FakeExchange(path: "/a?drop=1&keep=2", headers: [HTTPField(name: "X-Secret", value: "s")])
        #expect(p.rewrite(e) == .next)
        #expect(e.requestHeader("x-hello") == "world" && e.requestHeader("X-Path") == "/a?drop=1&keep=2 example.test")
        #expect(e.requestHeader("x-secret") == nil && e.requestHeader("connection") == nil)
        #expect(e.method == "POST" && e.path == "/a?keep=2")
        #expect(e.requestHeaders.filter { $0.name == "X-A" }.map(\.value) == ["1", "2"] && e.misuses == 0)
    }
    @Test(arguments: [false, true]) func accessGathersAndReplacesTheBody(slow: Bool) throws {
        let p = try FakePlugin(Everything.self)
        let e = FakeExchange(path: "/a", body: Array("abc".utf8))
        e.bodyIsSlow = slow
        #expect(p.access(e) == .next)
        #expect(String(decoding: e.body, as: UTF8.self) == "!ba" && e.consumer == "ann" && e.answer == nil)
    }
    @Test func accessAnswers() throws {
        let p = try FakePlugin(Everything.self, config: #"{"denied": "/private"}"#)
        let e = FakeExchange(path: "/private?who=b%6Fb")
        #expect(p.access(e) == .answered)
        #expect(e.answer == FakeResponse(status: 403, headers: [HTTPField(name: "X-Why", value: "denied")], body: Array("no bob".utf8)))
    }
    @Test func routingChoosesAClusterOrFails() throws {
        let p = try FakePlugin(Everything.self)
        let e = FakeExchange()
        #expect(p.route(e) == .failed(Int32(SLUICE_ENOTFOUND)))
        #expect(p.log == [LogLine(level: .error, text: "a hook failed: not found")])
        p.clusters = ["blue"]
        #expect(p.route(e) == .next && e.chosenCluster == "blue")
    }
    @Test func contentIsMade() throws {
        let p = try FakePlugin(Everything.self)
        let e = FakeExchange()
        #expect(p.content(e) == .answered && e.response.text == "012345678901234567890123456789" && e.response.status == 200)
    }
    @Test func balancerChooses() throws {
        let p = try FakePlugin(Everything.self)
        let e = FakeExchange()
        e.targets = [FakeTarget("10.0.0.1:80", wasTried: true), FakeTarget("10.0.0.2:80")]
        #expect(p.balance(e) == .next && e.chosenTarget == 1 && e.timeoutsMs.connect == 50 && e.retries == 2)
    }
    @Test func filtersAndLogSeeTheResponse() throws {
        let p = try FakePlugin(Everything.self)
        let e = FakeExchange()
        e.consumer = "ann"
        #expect(p.headerFilter(e) == .next && e.response.status == 201 && e.response.header("x-consumer") == "ann")
        #expect(p.bodyFilter(e, chunks: [Array("banana".utf8), [], Array("a".utf8)]) == .next)
        #expect(e.response.text == "bAnAnAA\n")
        #expect(p.log(e) == .next && p.plugin.seen == ["X-Consumer: ann", "201 8 GET"])
    }
}

/// Variables and metrics.
final class Counting: RewriteHook, LogHook {
    struct Config: Codable { var metric: String? }
    let country: Variable
    let hits: Counter, load: Gauge, times: Histogram
    init(_ config: Config) throws {
        country = try Variable("geo.country")
        hits = try Counter("hits_total", help: "requests", labels: ["kind": "a"])
        load = try Gauge(config.metric ?? "load", help: "load")
        times = try Histogram("seconds", help: "time", bounds: [0.1, 1])
    }
    func rewrite(_ request: inout Request) -> Verdict {
        request.facts[country] = "DE"
        hits.add()
        load.set(3)
        load.add(-1)
        return .next
    }
    func log(_ exchange: borrowing Exchange) throws {
        times.observe(0.5)
        exchange.request[country] = "FR"  // not in log
        #expect(exchange.request[country]?.string == "DE")
    }
}

@Suite struct SharedTests {
    @Test func variablesAndMetrics() throws {
        let p = try FakePlugin(Counting.self)
        let e = FakeExchange()
        #expect(p.rewrite(e) == .next && p.rewrite(e) == .next && p.log(e) == .next)
        #expect(e.variables == ["geo.country": Array("DE".utf8)] && e.misuses == 1)
        #expect(p.metrics == ["hits_total": 2, "load": 2, "seconds": 0.5])
    }
    @Test func conflictsRefuseTheConfiguration() {
        #expect(throws: ConfigurationRefused(description: "metric seconds: defined as another kind before")) {
            try FakePlugin(Counting.self, config: #"{"metric": "seconds"}"#)
        }
        #expect(throws: ConfigurationRefused(description: "malformed argument")) { try FakePlugin(BadName.self) }
    }
    final class BadName: LogHook {
        init(_ config: NoConfig) throws { _ = try Variable("No Such Name") }
        func log(_ exchange: borrowing Exchange) {}
    }
}
