// Programs: which instructions conditions become, what a run costs and where it stops, places of errors, traces, and that a condition
// takes no memory. Also the attributes of a sample request.
import SluiceBytes
import SluiceModel
import Testing

@testable import SluiceCEL

private func sample() -> SampleProvider {
    var r = SampleRequest()
    r.method = "POST"
    r.url = "https://API.example.com:8443/users/7?x=1&y=a%20b&x=2"
    r.headers = [("X-Beta", "1"), ("Cookie", "sid=abc; theme=\"dark\""), ("Accept", "a"), ("accept", "b"), ("X-Bad", "caf\u{e9}")]
    r.sourceAddress = IPAddress("10.1.2.3")!
    r.parameters = [("id", "7")]
    r.variables = [("group", "blue")]
    let p = r.provider()
    p.addressSets = [[IPNetwork("10.0.0.0/8")!, IPNetwork("2001:db8::/32")!]]
    p.set(zone: "limits", key: "k", .string("12"))
    return p
}

@Suite struct EvaluatorTests {
    @Test(arguments: [
        ("request.method", "\"POST\""), ("request.host", "\"api.example.com\""), ("request.scheme", "\"https\""),
        ("request.url_path", "\"/users/7\""),
        ("request.path", "\"/users/7?x=1&y=a%20b&x=2\""), ("request.query", "\"x=1&y=a%20b&x=2\""), ("request.headers['x-beta']", "\"1\""),
        ("request.headers['X-BETA'] == '1'", "true"), ("request.headers.accept", "\"a,b\""),
        ("request.headers['nope'] == '1'", "noSuchKey"),
        ("request.headers['nope'] != '1'", "noSuchKey"), ("'x-beta' in request.headers", "true"), ("has(request.headers.nope)", "false"),
        ("request.cookies.sid == 'abc'", "true"), ("request.cookies.theme", "\"dark\""), ("request.args.y", "\"a b\""),
        ("request.args.x", "\"1\""),
        ("request.params.id", "\"7\""), ("vars.group == 'blue'", "true"), ("request.method.startsWith('PO')", "true"),
        ("source.address in ipset('office')", "true"), ("!(source.address in ipset('office'))", "false"),
        ("ip('2001:db8::1') in ipset('office')", "true"),
        ("request.headers.exists(h, h == 'x-beta')", "true"), ("request.headers.all(h, h.size() < 20)", "true"),
        ("size(request.args)", "2"),
        ("request.headers[request.method.lowerAscii() == 'post' ? 'x-beta' : 'y']", "\"1\""), ("'1' == request.headers['x-beta']", "true"),
        ("request.method in ['GET', 'POST'] && request.url_path.endsWith('/7') && request.url_path.contains('ser')", "true"),
        ("request.url_path.matches('^/users/[0-9]+$')", "true"), ("source.port", "0"), ("connection.mtls", "false"),
    ])
    func attributesOfARequest(_ text: String, _ wanted: String) { #expect(result(text, .request, sample()) == wanted, "\(text)") }

    @Test func dictionariesAndPluginFunctionsAreAsked() throws {
        var environment = CELEnvironment.request
        environment.hasDictionaries = true
        environment.functions = [.init(name: "geo.country", signature: try FunctionSignature("string(ip)"))]
        let p = sample()
        p.functions = [{ $0[0].tag == .ip ? .string("DE") : nil }]
        #expect(result("dict('limits', 'k')", environment, p) == "\"12\"")
        #expect(result("dict('limits', 'z')", environment, p) == "noSuchKey")
        #expect(result("geo.country(source.address) == 'DE'", environment, p) == "true")
        p.functions = []
        #expect(result("geo.country(source.address) == 'DE'", environment, p) == "functionFailed")
    }

    @Test func commonConditionsAreOneInstructionEach() throws {
        #expect(try compile("request.headers['x'] == '1'").opcodes == [.lookupEquals, .finish])
        #expect(try compile("request.method != 'GET'").opcodes == [.attributeEquals, .finish])
        #expect(try compile("request.url_path.startsWith('/a')").opcodes == [.attributeStarts, .finish])
        #expect(try compile("source.address in ipset('office')").opcodes == [.attributeInSet, .finish])
        #expect(try compile("has(request.headers.x)").opcodes == [.hasKey, .finish])
        #expect(try compile("request.method in ['GET', 'HEAD']").opcodes == [.attribute, .inConstants, .finish])
        #expect(try compile("source.address == ip('10.0.0.1')").opcodes == [.attributeEquals, .finish])
        #expect(
            try compile("request.headers['x'] == '1' && !(source.address in ipset('office'))").opcodes
                == [.lookupEquals, .jumpIfFalse, .attributeInSet, .not, .and, .finish])
    }

    @Test func aConditionTakesNoMemoryFromTheArena() throws {
        let p = sample()
        var e = try compile(
            "request.headers['x-beta'] == '1' && source.address in ipset('office') && request.url_path.startsWith('/users')", .request)
        #expect(e.evaluator.condition(e.view, p.attributes, arena: p.arena) == .yes)
        #expect(p.arena.pointee.used == 0)
        e = try compile("request.headers['nope'] == '1'", .request)
        #expect(e.evaluator.condition(e.view, p.attributes, arena: p.arena) == .failed)
        #expect(e.evaluator.lastError.error == .noSuchKey)
        e = try compile("request.method == 'GET'", .request)
        #expect(e.evaluator.condition(e.view, p.attributes, arena: p.arena) == .no)
    }

    @Test func errorsSayWhereTheyCameFrom() throws {
        let e = try compile("[1].size() == 1 && 10 / [0][0] > 1")
        let v = e.run(SampleProvider())
        #expect(v.error == .divisionByZero)
        #expect(v.aux >= 20 && v.aux <= 32, "\(v.aux)")  // 1 + the offset of the division or of its operator
    }

    @Test func aRunStopsAtItsCost() throws {
        let text = "[1, 2, 3, 4, 5, 6, 7, 8].all(a, [1, 2, 3, 4, 5, 6, 7, 8].all(b, [1, 2, 3, 4, 5, 6, 7, 8].all(c, a + b + c > 0)))"
        #expect(result(text) == "true")
        #expect(result(text, cost: 1_000) == "costLimit")
        #expect(result("1 + 1", cost: 2) == "costLimit")
        // Not absorbed: the run has ended.
        #expect(result("\(text) || true", cost: 1_000) == "costLimit")
    }

    @Test func aRunStopsAtItsMemory() throws {
        let doubling = "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13].map(i, ['x'].map(x, x + x))"
        #expect(result(doubling).hasPrefix("[["))
        var text = "'0123456789012345'"
        for _ in 0..<11 { text = "[\(text)].map(s, s + s)[0]" }
        #expect(["outOfMemory", "costLimit"].contains(result(text, .free, SampleProvider(), cost: .max)) == false)
        for _ in 0..<4 { text = "[\(text)].map(s, s + s)[0]" }
        #expect(result(text, .free, SampleProvider(), cost: .max) == "outOfMemory")
    }

    @Test func mapAndFilterCostWhatTheyMake() throws {
        let list = "[" + (0..<200).map(String.init).joined(separator: ", ") + "]"
        let p = SampleProvider()
        let e = try compile("\(list).map(x, x + 1).size() == 200")
        #expect(e.run(p).isTrue)
        #expect(p.arena.pointee.used < 32 * 1_024, "\(p.arena.pointee.used)")
    }

    @Test func headersThatAreNoUTF8AreHarmless() throws {
        let p = sample()
        p.set(.requestHeaders, .map([(.string("x"), .bytes([0xff, 0x61, 0xc3, 0xed, 0xa0, 0x80]))]))
        let text = ["size(request.headers.x)", "request.headers.x.reverse().size()", "request.headers.x.split('').size()"]
        // The provider gives bytes here; as a string they come from a raw view.
        let v = p.make(.bytes([0xff, 0x61, 0xc3, 0xed, 0xa0, 0x80])).view
        #expect(CodePoints.count(v) == 6)
        #expect(!CodePoints.isValid(v))
        for t in text { _ = result(t, .request, p) }
        #expect(CodePoints.isValid(p.make(.string("añ€🐱")).view))
        #expect(CodePoints.count(p.make(.string("añ€🐱")).view) == 4)
    }

    @Test func aTraceTellsWhichOperandDecided() throws {
        let text = "request.headers['x-beta'] == '2' && !(source.address in ipset('office'))"
        let p = sample()
        var e = try compile(text, .request)
        var t = e.evaluator.trace(e.view, p.attributes, arena: p.arena).trace
        let range = try #require(t.deciding?.range)
        #expect(excerpt(text, range) == "request.headers['x-beta'] == '2'")
        #expect(t.deciding.map { ValueText.literal($0.value) } == "false")
        #expect(t.deciding?.operand.map { ValueText.literal($0) } == "\"1\"")
        #expect(t.deciding?.explanation(in: text) == "request.headers['x-beta'] == '2' is false: the value is \"1\"")
        let second = "request.method == 'POST' && !(source.address in ipset('office'))"
        e = try compile(second, .request)
        t = e.evaluator.trace(e.view, p.attributes, arena: p.arena).trace
        #expect(
            t.steps.map { excerpt(second, $0.range) } == [
                "request.method == 'POST'", "source.address in ipset('office')", "!(source.address in ipset('office'))", second,
            ])
        #expect(t.steps.map { ValueText.literal($0.value) } == ["true", "true", "false", "false"])
        #expect(t.deciding.map { excerpt(second, $0.range) } == "source.address in ipset('office')")
    }

    private func excerpt(_ text: String, _ r: SourceRange) -> String {
        String(decoding: Array(text.utf8)[Int(r.offset)..<Int(r.offset + r.count)], as: UTF8.self)
    }

    @Test func aPatternIsCompiledOnce() throws {
        let p = sample()
        let e = try compile("request.url_path.matches('^/u') && request.method.matches('^/u|P')", .request)
        for _ in 0..<3 { #expect(e.run(p).isTrue) }
        #expect(e.evaluator.regexes.count == 2)
        e.evaluator.regexes.clear()
        #expect(e.evaluator.regexes.count == 0)
        #expect(e.run(p).isTrue)
    }

    @Test(arguments: [
        ("[1, 2.5, 'a\"\\n', null, true, 7u]", #"[1,2.5,"a\"\n",null,true,7]"#), ("{'a': b'ab', 1: [{}]}", #"{"a":"YWI=","1":[{}]}"#),
        ("duration('1.5s')", #""1.5s""#), ("ip('::1')", #""::1""#), ("1.0 / 0.0", #""Infinity""#), ("type(1)", #""int""#),
        ("b'abcd'", #""YWJjZA==""#),
    ])
    func valuesAsJSON(_ text: String, _ wanted: String) throws {
        let e = try compile(text), p = SampleProvider()
        withExtendedLifetime((e, p)) { #expect(ValueText.json(e.run(p)) == wanted) }
    }

    @Test func anErrorIsShownAtItsPlace() throws {
        let text = "true && 1 / 0 > 2"
        let e = try compile(text)
        #expect(ValueText.problem(e.run(SampleProvider()), in: text)?.rendering == "1:9: division by zero\n\(text)\n        ^")
    }

    /// The instructions for common forms say what the general ones say; `dyn` hides the form from the compiler.
    @Test(arguments: [
        ("request.headers['x-beta'] == '1'", "dyn(request.headers)['x-beta'] == '1'"),
        ("request.headers['nope'] == '1'", "dyn(request.headers)['nope'] == '1'"),
        ("request.headers['X-Beta'] != '1'", "dyn(request.headers)['x-beta'] != '1'"),
        ("request.method == 'POST'", "dyn(request.method) == 'POST'"),
        ("request.method != 'POST'", "dyn(request.method) != 'POST'"),
        ("request.path.startsWith('/us')", "dyn(request.path).startsWith('/us')"),
        ("request.path.endsWith('=2')", "dyn(request.path).endsWith('=2')"),
        ("request.path.contains('7?')", "dyn(request.path).contains('7?')"),
        ("source.address in ipset('office')", "dyn(source.address) in ipset('office')"),
        ("'x-beta' in request.headers", "dyn('x-beta') in request.headers"),
        ("has(request.cookies.sid)", "has(dyn(request.cookies).sid)"),
        ("request.method in ['GET', 'POST']", "request.method in [dyn('GET'), 'POST']"),
        ("response.code == 200", "dyn(response.code) == 200"),
        ("source.address == ip('10.1.2.3')", "source.address == ip(dyn('10.1.2.3'))"), ("request.args.y", "dyn(request.args).y"),
    ])
    func formsSayWhatTheGeneralInstructionsSay(_ form: String, _ general: String) throws {
        #expect(try compile(form).opcodes != compile(general).opcodes)
        let p = sample()
        let wanted = result(general, .response, p)
        #expect(!wanted.hasPrefix("refused"), "\(wanted)")
        #expect(result(form, .response, p) == wanted)
    }
}
