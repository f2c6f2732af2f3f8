// The front end as tables: what parses to which tree, what is refused where and with which words, which types and overloads come out, and
// what it costs. Fuzz-like runs at the end. Long because the tables are one piece each.
import SluiceCEL
import SluiceModel
import Testing

/// The tree as text: operators and functions before their operands.
func tree(_ e: Expression, _ id: ExpressionID) -> String {
    let all = { (ids: [ExpressionID]) in ids.map { tree(e, $0) }.joined(separator: " ") }
    switch e[id].kind {
    case .literal(.string(let s)): return "'\(s)'"
    case .literal(.int(let i)): return "\(i)"
    case .literal(.uint(let i)): return "\(i)u"
    case .literal(.double(let d)): return "\(d)"
    case .literal(.bool(let b)): return "\(b)"
    case .literal(.null): return "null"
    case .literal(.bytes(let b)): return "b\(b)"
    case .literal(.type(let name)): return "type:\(name)"
    case .name(let name): return name
    case .local(let i): return "$\(i)"
    case .attribute(let id): return Attributes.row(id)?.name ?? "var\(id.variableIndex ?? -1)"
    case .select(let operand, let field, let isTest): return "(\(isTest ? "has" : ".") \(tree(e, operand)) \(field))"
    case .call(let name, let target, let arguments):
        return "(\(name) " + (target.map { [$0] } ?? [] + [] as [ExpressionID]).map { tree(e, $0) + " : " }.joined() + all(arguments) + ")"
    case .checkedCall(let id, let arguments):
        return "(\(Overloads.all.first { $0.id == id || $0.group == id }?.name ?? "\(id.rawValue)") \(all(arguments)))"
    case .list(let items): return "[\(all(items))]"
    case .map(let pairs): return "{\(pairs.map { tree(e, $0.key) + ":" + tree(e, $0.value) }.joined(separator: " "))}"
    case .comprehension(let c): return "(fold \(c.element) \(all([c.range, c.initial, c.condition, c.step, c.final])))"
    }
}

func front(_ text: String, _ environment: CELEnvironment = .request, _ type: CELType? = nil) -> Result<CheckedExpression, CELProblem> {
    CELCheck.compileFront(text, environment: environment, expecting: type)
}

/// Everything that tests may name, unchecked.
let unchecked: CELEnvironment = {
    var e = CELEnvironment.free
    e.isChecked = false
    return e
}()

let declared: CELEnvironment = {
    var e = CELEnvironment.request
    e.addressSets = ["office", "partners"]
    e.variables = [.init(name: "a.b", type: .map(.string, .string)), .init(name: "n", type: .int), .init(name: "any", type: .dyn)]
    e.functions = [.init(name: "geo.country", signature: FunctionSignature(result: .string, arguments: [.ip]))]
    return e
}()

@Test(arguments: [
    ("1 + 2 * 3", "(_+_ 1 (_*_ 2 3))"), ("1 - 2 - 3", "(_-_ (_-_ 1 2) 3)"), ("(1 + 2) * 3", "(_*_ (_+_ 1 2) 3)"),
    ("a || b && c", "(_||_ a (_&&_ b c))"), ("a || b || c", "(_||_ (_||_ a b) c)"), ("a == b && !c", "(_&&_ (_==_ a b) (!_ c))"),
    ("a ? b : c ? d : e", "(_?_:_ a b (_?_:_ c d e))"), ("a < b == c", "(_==_ (_<_ a b) c)"), ("x in [1, 2]", "(@in x [1 2])"),
    ("!!a", "(!_ (!_ a))"), ("- a", "(-_ a)"), ("--1", "(-_ -1)"), ("1 - -1", "(_-_ 1 -1)"), ("1-1", "(_-_ 1 1)"),
    ("a.b.c", "(. (. a b) c)"), ("a.f(b)[1].c", "(. (_[_] (f a : b) 1) c)"), (".a.b", "(. .a b)"), ("f(1, 2)", "(f 1 2)"),
    ("a.`x-y/z.w`", "(. a x-y/z.w)"), ("has(a.b)", "(has a b)"), ("{'a': 1, 2u: [true, null],}", "{'a':1 2u:[true null]}"),
    ("[1, 2, ]", "[1 2]"), ("[]", "[]"), ("{}", "{}"), ("a.if", "(. a if)"), ("1 // one\n+ 2", "(_+_ 1 2)"), ("-1.5e1", "-15.0"),
    ("0x1F", "31"), ("-0x10", "-16"), ("18446744073709551615u", "18446744073709551615u"), ("-9223372036854775808", "-9223372036854775808"),
    (".5", "0.5"), ("1e3", "1000.0"), ("true", "true"), ("'a\\x41\\u00e9\\101\\n'", "'aA\u{e9}A\n'"), ("r'\\n'", "'\\n'"),
    ("'''a'b\nc'''", "'a'b\nc'"), ("\"\"\"a\"\"\"", "'a'"), ("b'\\xff\\000a'", "b[255, 0, 97]"), ("bR'\\x'", "b[92, 120]"),
    ("'\\U0001F431'", "'\u{1F431}'"),
    ("[1].all(x, x > 0)", "(fold x [1] true (@not_strictly_false @result) (_&&_ @result (_>_ x 0)) @result)"),
    ("[1].map(x, x)", "(fold x [1] [] true (_+_ @result [x]) @result)"), ("a.all(x)", "(all a : x)"),
    ("[1].filter(x, p)", "(fold x [1] [] true (_?_:_ p (_+_ @result [x]) @result) @result)"),
    ("[1].map(x, p, y)", "(fold x [1] [] true (_?_:_ p (_+_ @result [y]) @result) @result)"),
    ("[1].exists(x, p)", "(fold x [1] false (@not_strictly_false (!_ @result)) (_||_ @result p) @result)"),
])
func parsing(_ text: String, _ wanted: String) throws {
    // The check of names is not wanted here, so what it resolves is written as the parser had it.
    let e = try front(text, unchecked).get().expression
    let found = tree(e, e.root).replacing("$0", with: "x").replacing("$1", with: "@result")
    #expect(found.replacing(" : ", with: " ") == wanted.replacing(" : ", with: " "))
}

@Test(arguments: [
    ("", "1:1: the expression is empty"), ("1 +", "1:4: found the end of the expression; expected a value"),
    ("(1", "1:3: found the end of the expression; expected \")\""), ("1 2", "1:3: found a number; expected an operator or the end"),
    ("a = b", "1:3: unexpected \"=\"; compare with \"==\""), ("a & b", "1:3: unexpected \"&\"; and is \"&&\""),
    ("a\n  @b", "2:3: unexpected \"@\""),
    ("'abc", "1:1: the string is not closed"), ("'abc\n'", "1:1: the string is not closed on its line"), ("'\\q'", "1:2: unknown escape"),
    ("'\\u12'", "1:2: the escape needs 4 hexadecimal digits"), ("'\\ud800'", "1:2: the escape is no Unicode code point"),
    ("b'\\u0041'", "1:3: unknown escape in a bytes literal"), ("9223372036854775808", "1:1: the number does not fit in an int"),
    ("18446744073709551616u", "1:1: the number does not fit in 64 bits"), ("12abc", "1:1: \"12abc\" is neither a number nor a name"),
    ("1e999", "1:1: the number does not fit in a double"), ("for", "1:1: \"for\" is a reserved word"),
    ("a.in", "1:3: found \"in\"; expected the name"),
    ("a ? b", "1:6: found the end of the expression; expected \":\""), ("{1}", "1:3: found \"}\"; expected \":\""),
    ("[1 2]", "1:4: found a number; expected \",\" and an element, or \"]\""), ("f(1,)", "1:5: found \")\"; expected a value"),
    ("T{a: 1}", "1:2: messages of protocol buffers"), ("has(a)", "1:1: has() takes one field"), ("a.?b", "1:3: found \"?\""),
    ("[1].all(1, true)", "1:9: the first argument of all() is the name of its variable"),
    ("a.`x", "1:3: a name in back quotes is not closed"),
    ("\u{E9}", "1:1: unexpected \"\u{E9}\""), ("'\u{E9}' + $", "1:7: unexpected \"$\""),
])
func refusedByTheParser(_ text: String, _ wanted: String) {
    guard case .failure(let problem) = front(text, unchecked) else { Issue.record("\(text) parses"); return }
    #expect(problem.description.hasPrefix(wanted), "\(problem.description)")
}

@Test(arguments: [
    ("request.path == '/a'", "bool"), ("request.headers['x'] == '1' && !(source.address in ipset('office'))", "bool"),
    ("request.headers.host", "string"), ("has(request.headers.`x-beta`)", "bool"), ("'x' in request.headers", "bool"),
    ("size(request.path)", "int"),
    ("request.path.size() + 1", "int"), ("request.time.getHours('Europe/Berlin') < 8", "bool"),
    ("request.time - duration('1h')", "timestamp"),
    ("request.time - request.time", "duration"), ("source.address == ip('10.0.0.1')", "bool"),
    ("cidr('10.0.0.0/8').containsIP(source.address)", "bool"),
    ("cidr('10.0.0.0/8').ip().family()", "int"), ("ip.isCanonical('::1')", "bool"), ("string(source.address).startsWith('10.')", "bool"),
    ("request.url_path.matches('^/v[0-9]+/')", "bool"), ("matches(request.path, 'a+')", "bool"),
    ("request.path.split('/')", "list(string)"),
    ("request.path.split('/')[1].upperAscii()", "string"), ("['a', 'b'].join('-')", "string"), ("[1, 2].map(x, x * 2)", "list(int)"),
    ("[1, 2].map(x, string(x))[0]", "string"), ("[1, 2].filter(x, x > 1)", "list(int)"), ("[1, 2].exists_one(x, x == 1)", "bool"),
    ("request.headers.exists(k, k.startsWith('x-'))", "bool"), ("[[1], [2]].all(l, l.all(x, x > 0))", "bool"), ("[1, 'a']", "list(dyn)"),
    ("[]", "list(dyn)"), ("[] + [1]", "list(int)"), ("{'a': 1}.a", "int"), ("{'a': 1, 'b': 'x'}['b']", "dyn"), ("{}", "map(dyn, dyn)"),
    ("true ? 1 : 2", "int"), ("true ? 1 : dyn('a')", "dyn"), ("dyn(1) + 1", "int"), ("dyn(1) + dyn(1)", "dyn"), ("dyn(1) == 'a'", "bool"),
    ("1 < 2u", "bool"),
    ("1.5 >= 1", "bool"), ("type(1) == int", "bool"), ("type(request.time) == google.protobuf.Timestamp", "bool"), ("int('1') + 1", "int"),
    ("double(1) / 2.0", "double"), ("uint(1) % 2u", "uint"), ("b'a' + bytes('b')", "bytes"), ("-request.size", "int"),
    ("null == null", "bool"),
    ("a.b.c", "string"), ("a.b['c']", "string"), ("n + 1", "int"), ("any.x.y[1]", "dyn"), ("any", "dyn"),
    ("geo.country(source.address) == 'DE'", "bool"),
    ("consumer.labels.team == 'a' || vars.x == 'y'", "bool"), ("request.params.id", "string"), ("request.args['q'].contains('x')", "bool"),
    ("[1].exists(request, request == 1)", "bool"), ("strings.quote('a')", "string"), ("[[], [1]]", "list(list(int))"),
    ("1 in [1, 2]", "bool"),
    ("connection.mtls ? connection.subject_peer_certificate : ''", "string"), ("duration('1s') + duration('1s')", "duration"),
    ("timestamp(0)", "timestamp"),
    ("'a'.replace('a', 'b', 1).trim().reverse()", "string"), ("'abc'.substring(1, 2).charAt(0)", "string"),
    ("'abc'.indexOf('b') == 1", "bool"),
])
func types(_ text: String, _ wanted: String) throws {
    switch front(text, declared) {
    case .success(let checked): #expect(checked.type.description == wanted)
    case .failure(let problem): Issue.record("\(problem.rendering)")
    }
}

@Test(arguments: [
    ("request.metod == 'GET'", "1:9: unknown attribute \"request.metod\"; did you mean \"request.method\"?"),
    ("request.port > 'a'", "1:9: unknown attribute \"request.port\""),
    ("source.port > 'a'", "1:13: no int > string; numbers stand without quotes"),
    ("source.adress", "1:8: unknown attribute \"source.adress\"; did you mean \"source.address\"?"), ("foo", "1:1: unknown name \"foo\""),
    ("request", "1:1: \"request\" alone is no value"), ("requst.path", "1:1: unknown name \"requst.path\"; did you mean \"request.path\"?"),
    ("response.code == 200", "1:10: response.code is known only when the response is there"), ("f(1)", "1:1: unknown function \"f\""),
    ("request.path.startswith('/')", "1:14: unknown function \"startswith\"; did you mean \"startsWith\"?"),
    ("siz('a')", "1:1: unknown function \"siz\"; did you mean \"size\"?"),
    ("contains('a', 'b')", "1:1: contains is called with a dot"), ("'a'.int()", "1:5: int is called as a function of its own"),
    ("size()", "1:1: size() takes 1 argument, found 0"), ("'a'.contains()", "1:5: contains() takes 1 argument, found 0"),
    ("source.address == '10.0.0.1'", "1:16: no ip == string; write ip(\"10.0.0.1\")"),
    ("1 == 1.0", "1:3: no int == double; write int(…) around the double"),
    ("'a' + 1", "1:5: no string + int; write string(…) around the int"), ("1 + 'a'", "1:3: no int + string"), ("!1", "1:1: no !int"),
    ("-'a'", "1:1: no -string"),
    ("1 && true", "1:3: no int && bool"), ("1 ? 2 : 3", "1:3: no int ? int : int"), ("true ? 1 : 'a'", "1:6: no bool ? int : string"),
    ("'a' < 1", "1:5: no string < int"), ("request.path.foo", "1:14: string has no field \"foo\""),
    ("request.path.size", "1:14: string has no field \"size\"; only maps have fields; the function is called as .size(…)"),
    ("request.path[0]", "1:13: no string[int]"), ("request.headers[1]", "1:16: no map(string, string)[int]"),
    ("{1: 2}.a", "1:8: the keys of this map are int"),
    ("{1.5: 1}", "1:2: a key of a map cannot be double"), ("'abc'.all(x, true)", "1:1: found string; this macro goes over"),
    ("[1].all(x, x)", "1:5: no bool && int"), ("[1].map(x, y)", "1:12: unknown name \"y\""), ("[1].filter(x, 'a')", "1:5: no string ?"),
    ("x in 'abc'", "1:1: unknown name \"x\""),
    ("'a' in 'abc'", "1:5: no string in string"), ("'a' in [1]", "1:5: no string in list(int)"),
    ("source.address in cidr('10.0.0.0/8')", "1:16: no ip in cidr; a network contains"),
    ("source.address in ipset('ofice')", "1:25: unknown ip set \"ofice\"; did you mean \"office\"?; known: office partners"),
    ("source.address in ipset(request.path)", "1:25: the name of an ip set is a string in quotes"),
    ("'x' in ipset('office')", "1:5: no string in ipset"),
    ("dict('a', 'b')", "1:1: dict(): dictionaries come with shared dictionaries"),
    ("request.path.matches('a(b')", "1:23: RE2 refuses the pattern: missing ): a(b"),
    ("request.path.matches('x[b-a]')", "1:25: RE2 refuses the pattern: invalid character class range: b-a"),
    ("request.path.matches(request.query)", "1:22: the pattern of matches() is a string in quotes"),
    ("ip('10.0.0.300')", "1:4: \"10.0.0.300\" is no IPv4 or IPv6 address"),
    ("ip('10.0.0.0/8')", "1:4: \"10.0.0.0/8\" is no IPv4 or IPv6 address; a network is cidr(\"10.0.0.0/8\")"),
    ("cidr('10.0.0.0')", "1:6: \"10.0.0.0\" is no network"),
    ("geo.country('DE')", "1:5: no geo.country(string)"),
    ("geo.cuntry(source.address)", "1:5: unknown function \"geo.cuntry\"; did you mean \"geo.country\"?"),
    ("[1, 2] + ['a']", "1:8: no list(int) + list(string)"),
    ("has(request.pth)", "1:5: "), ("null == 'a'", "1:6: no null == string; string is never null"),
    ("request.size > '10'", "1:14: no int > string; numbers stand without quotes"),
    ("timestamp('x') + 1", "1:16: no timestamp + int"), ("'a' * 2", "1:5: no string * int"), ("1 % 2.0", "1:3: no int % double"),
    ("all([1], x)", "1:1: the macro all is written list.all(x, …)"),
    ("[1].has(x)", "1:5: the macro has is written has(x.field)"), ("request.time.getHours(1)", "1:14: no timestamp.getHours(int)"),
])
func refusedByTheChecker(_ text: String, _ wanted: String) {
    guard case .failure(let problem) = front(text, declared) else { Issue.record("\(text) is accepted"); return }
    #expect(problem.description.hasPrefix(wanted), "\(problem.description)")
}

@Test func aConditionIsABool() {
    guard case .failure(let problem) = front("request.path", .request, .bool) else { Issue.record("accepted"); return }
    #expect(problem.message == "the expression gives string; expected bool")
    #expect((try? front("dyn(true)", .request, .bool).get()) != nil)
}

@Test func aProblemIsShownWithACaret() {
    guard case .failure(let problem) = front("true &&\n\t'\u{E9}' == request.metod") else { Issue.record("accepted"); return }
    #expect((problem.line, problem.column) == (2, 17))
    #expect(problem.rendering.hasSuffix("\n '\u{E9}' == request.metod\n                ^^^^^"), "\(problem.rendering)")
}

@Test func overloadsAreAsCertainAsTheTypes() throws {
    func overload(_ text: String) throws -> OverloadID? {
        let e = try front(text, declared).get().expression
        if case .checkedCall(let id, _) = e[e.root].kind { return id }
        return nil
    }
    #expect(try overload("request.path == 'a'") == .equalsString)
    #expect(try overload("dyn(1) == 'a'") == .equals)
    #expect(try overload("[1] == [2]") == .equals)
    #expect(try overload("dyn(1) + dyn(2)") == .add)
    #expect(try overload("1 + 2") == .addInt)
    #expect(try overload("size(any)") == .size)
    #expect(try overload("any[0]") == .index)
    #expect(try overload("1 < 2u") == .less)
    #expect(try overload("geo.country(source.address)") == .firstPlugin)
    #expect(try overload("any.contains('a')") == .contains)
}

@Test func unknownsStayWhenNothingIsChecked() throws {
    let e = try front("f_unknown(x) || a.as()", unchecked).get().expression
    #expect(tree(e, e.root) == "(_||_ (f_unknown x) (as a : ))")
}

@Test func attributesThatAreUsed() throws {
    let used = try front("request.path == request.query || request.path == ''").get().attributesUsed
    #expect(used == [.requestPath, .requestQuery])
}

@Test func costIsBounded() throws {
    let cheap = try front("request.headers['x-beta'] == '1'").get().cost
    #expect(cheap < 10)
    #expect(try front("request.headers.all(k, k.size() < 10)").get().cost > 256)
    guard case .failure(let problem) = front("request.headers.all(a, request.headers.all(b, request.headers.all(c, a == c)))") else {
        Issue.record("256 × 256 × 256 comparisons are accepted")
        return
    }
    #expect(problem.message.hasPrefix("the expression may cost "))
}

@Test func bracketsMayBeNestedSoFarAndNoFurther() {
    func nested(_ n: Int) -> Result<CheckedExpression, CELProblem> {
        let text = String(repeating: "(", count: n) + "true" + String(repeating: ")", count: n)
        return CELCheck.compileFront(text, environment: .free)
    }
    // The outermost expression is one level.
    #expect((try? nested(Limits.expressionNestingMax - 1).get()) != nil)
    #expect(throws: CELProblem.self) { try nested(Limits.expressionNestingMax).get() }
}

@Test func depthAndLengthAreBounded() {
    for text in [
        String(repeating: "(", count: 5_000), String(repeating: "!", count: 5_000) + "true", String(repeating: "[", count: 5_000),
        String(repeating: "1+", count: 5_000) + "1", "a" + String(repeating: ".a", count: 5_000), String(repeating: "true?", count: 3_000),
        String(repeating: "1", count: Limits.expressionBytesMax + 1), "[1]" + String(repeating: ".map(x, x)", count: 300),
    ] {
        guard case .failure = front(text, unchecked) else { Issue.record("\(text.prefix(20)) is accepted"); continue }
    }
    let wide = Array(repeating: "request.path == 'a'", count: 700).joined(separator: " || ")
    #expect((try? front(wide).get()) != nil)
}

/// A generator whose numbers are the same on every run.
private struct Dice {
    var state: UInt64 = 0x2545_F491_4F6C_DD1D
    mutating func next(_ below: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state % UInt64(below))
    }
}

@Test func noTextMakesItCrash() {
    let good = [
        "request.headers['x-beta'] == '1' && !(source.address in ipset('office'))", "[1, 2.5, 'a'].map(x, x != 2, [x])",
        "{'a': b'\\xff', 1u: 0x1F}",
        "a.b.c ? has(request.headers.`x-y`) : r'''raw'''", "geo.country(ip('::1')).matches('[a-z]+(b|c)') || -1 - --n < 3",
    ].map { Array($0.utf8) }
    let pieces = [
        "(", ")", "[", "]", ".", "'", "\"\"\"", "\\", "x", "1", "in", "?", ":", ",", "{", "}", "-", "`", "has(", ".all(", "b'", "0x", "e9",
    ].map { Array($0.utf8) }
    var dice = Dice()
    for turn in 0..<6_000 {
        var bytes = turn % 5 == 0 ? (0..<dice.next(64)).map { _ in UInt8(dice.next(256)) } : good[dice.next(good.count)]
        for _ in 0..<dice.next(6) {
            let at = dice.next(bytes.count + 1)
            switch dice.next(4) {
            case 0 where at < bytes.count: bytes[at] = UInt8(dice.next(256))
            case 1 where at < bytes.count: bytes.remove(at: at)
            case 2: bytes.insert(contentsOf: pieces[dice.next(pieces.count)], at: at)
            default: bytes.insert(contentsOf: good[dice.next(good.count)].prefix(dice.next(20)), at: at)
            }
        }
        let text = String(decoding: bytes, as: UTF8.self)
        for environment in [declared, unchecked] {
            switch front(text, environment) {
            case .success(let checked): #expect(checked.expression.nodes.indices.contains(Int(checked.expression.root.index)))
            case .failure(let problem):
                #expect(
                    problem.range.offset >= 0 && Int(problem.range.offset) <= text.utf8.count && problem.line >= 1
                        && !problem.rendering.isEmpty)
            }
        }
    }
}

@Test func numbersOfTheTablesAreTheirOwn() {
    #expect(Set(Attributes.all.map(\.id)).count == Attributes.all.count)
    for (id, rows) in Dictionary(grouping: Overloads.all, by: \.id) {
        #expect(Set(rows.map(\.name)).count == 1, "\(id) stands for several functions")
        #expect(id.pluginIndex == nil)
    }
}
