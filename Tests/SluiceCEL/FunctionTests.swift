// Every function and operator by example: an expression, and what it gives as a literal or the case of its error.
import SluiceModel
import Testing

@testable import SluiceCEL

@Suite struct FunctionTests {
    @Test(arguments: [
        ("1 + 2", "3"), ("9223372036854775807 + 1", "overflow"), ("-9223372036854775808 - 1", "overflow"),
        ("9223372036854775807 * 2", "overflow"), ("-9223372036854775808 / -1", "overflow"), ("7 / 0", "divisionByZero"),
        ("7 % 0", "modulusByZero"), ("-7 / 2", "-3"), ("-7 % 2", "-1"), ("-9223372036854775808 % -1", "overflow"),
        ("0u - 1u", "overflow"), ("18446744073709551615u + 1u", "overflow"), ("18446744073709551615u * 2u", "overflow"),
        ("7u / 0u", "divisionByZero"),
        ("1.0 / 0.0", "Infinity"), ("-1.0 / 0.0", "-Infinity"), ("0.1 + 0.2", "0.30000000000000004"), ("1.5 * 2.0", "3.0"),
        ("-(2)", "-2"), ("-(2.5)", "-2.5"), ("-(-9223372036854775808)", "overflow"),
        ("'a' + 'b'", "\"ab\""), ("b'a' + b'\\xff'", "b\"a\\xff\""), ("[1] + [2, 3]", "[1, 2, 3]"),
    ])
    func arithmetic(_ text: String, _ wanted: String) { #expect(result(text) == wanted, "\(text)") }

    @Test(arguments: [
        ("dyn(1) == 1u", "true"), ("dyn(1) == 1.0", "true"), ("dyn(-1) == 18446744073709551615u", "false"), ("dyn(1) == '1'", "false"),
        ("dyn(9007199254740993) == 9007199254740992.0", "false"), ("1 < 1.5", "true"), ("2u > 1.5", "true"),
        ("-1 < 0u", "true"), ("18446744073709551615u > 9223372036854775807", "true"),
        ("18446744073709551615u < 1.8446744073709552e19", "true"),
        ("9223372036854775807 < 9.3e18", "true"), ("'a' < 'b'", "true"), ("'a' < 'aa'", "true"), ("'é' > 'z'", "true"),
        ("b'a' < b'b'", "true"),
        ("false < true", "true"), ("(0.0/0.0) == (0.0/0.0)", "false"), ("(0.0/0.0) < 1.0", "false"), ("(0.0/0.0) >= 1.0", "false"),
        ("[1, 2] == [1, 2]", "true"), ("[1, 2] == [2, 1]", "false"), ("[1] == [dyn(1.0)]", "true"),
        ("{'a': 1, 'b': 2} == {'b': 2, 'a': 1}", "true"), ("{'a': 1} == {'a': 2}", "false"), ("null == null", "true"),
        ("dyn(null) == false", "false"), ("timestamp('2024-01-01T00:00:00Z') < timestamp('2024-01-01T00:00:00.001Z')", "true"),
        ("duration('1s') == duration('1000ms')", "true"), ("dyn('a') < 1", "noSuchOverload"),
    ])
    func comparison(_ text: String, _ wanted: String) { #expect(result(text) == wanted, "\(text)") }

    @Test(arguments: [
        ("[1, 2][1]", "2"), ("[1, 2][2]", "indexOutOfRange"), ("[1, 2][-1]", "indexOutOfRange"), ("[1][dyn('a')]", "invalidArgument"),
        ("{'a': 1}['a']", "1"), ("{'a': 1}.a", "1"), ("{'a': 1}['b']", "noSuchKey"), ("{1: 'x'}[1]", "\"x\""), ("has({'a': 1}.a)", "true"),
        ("has({'a': 1}.b)", "false"), ("{'a': 1, 'a': 2}", "repeatedKey"), ("{1: 1, 1u: 2}", "repeatedKey"),
        ("2 in [1, 2]", "true"), ("3 in [1, 2]", "false"), ("'a' in {'a': 1}", "true"), ("'b' in {'a': 1}", "false"),
        ("dyn(2u) in [1, 2]", "true"), ("request.method in ['GET', 'HEAD']", "true"), ("request.method in ['POST']", "false"),
        ("size([1, 2])", "2"), ("size({'a': 1})", "1"), ("size('πέντε')", "5"), ("size(b'\\xff\\xff')", "2"), ("[].size()", "0"),
    ])
    func collections(_ text: String, _ wanted: String) { #expect(result(text) == wanted, "\(text)") }

    @Test(arguments: [
        ("[1, 2, 3].all(x, x > 0)", "true"), ("[1, 2, 3].all(x, x > 1)", "false"), ("[].all(x, x > 1)", "true"),
        ("[0, 1].all(x, 1 / x > 0)", "divisionByZero"), ("[0, 1].all(x, 1 / x > 5)", "false"),
        ("[1, 2].exists(x, x == 2)", "true"), ("[0, 1].exists(x, 1 / x == 1)", "true"), ("[0, 2].exists(x, 1 / x == 1)", "divisionByZero"),
        ("[1, 2, 2].exists_one(x, x == 2)", "false"), ("[1, 2].exists_one(x, x == 2)", "true"),
        ("[1, 2, 3].map(x, x * 2)", "[2, 4, 6]"), ("[1, 2, 3].filter(x, x > 1)", "[2, 3]"), ("[1, 2, 3].map(x, x > 1, x * x)", "[4, 9]"),
        ("[1, 0].map(x, 1 / x)", "divisionByZero"), ("{'a': 1, 'b': 2}.exists(k, k == 'b')", "true"), ("{'a': 1}.map(k, k)", "[\"a\"]"),
        ("[[1, 2], [3]].map(x, x.map(y, y + 1))", "[[2, 3], [4]]"), ("[1, 2].map(x, [x].map(y, x + y))", "[[2], [4]]"),
        ("[1, 2, 3].filter(x, [1, 2].exists(y, y == x)).map(z, z * 10)", "[10, 20]"),
        ("[[1], [2, 3]].filter(x, x.map(y, y).size() > 1)", "[[2, 3]]"),
    ])
    func comprehensions(_ text: String, _ wanted: String) { #expect(result(text) == wanted, "\(text)") }

    @Test(arguments: [
        ("true && 1 / 0 > 1", "divisionByZero"), ("false && 1 / 0 > 1", "false"), ("1 / 0 > 1 && false", "false"),
        ("1 / 0 > 1 || true", "true"), ("1 / 0 > 1 || false", "divisionByZero"), ("!(1 / 0 > 1)", "divisionByZero"),
        ("1 / 0 > 1 ? 1 : 2", "divisionByZero"), ("true ? 1 : 1 / 0", "1"), ("false ? 1 / 0 : 2", "2"), ("dyn(1) && false", "false"),
        ("dyn(1) && true", "noSuchOverload"), ("dyn(1) ? 1 : 2", "noSuchOverload"),
        ("(true ? false : true) || (false ? 1 / 0 > 1 : true)", "true"),
    ])
    func logic(_ text: String, _ wanted: String) { #expect(result(text) == wanted, "\(text)") }

    @Test(arguments: [
        ("'abc'.contains('b')", "true"), ("'abc'.contains('')", "true"), ("'aab'.contains('ab')", "true"),
        ("'abc'.startsWith('ab')", "true"),
        ("'abc'.endsWith('bc')", "true"), ("'abc'.endsWith('abcd')", "false"), ("'abc'.matches('^a.c$')", "true"),
        ("'abc'.matches('^b')", "false"),
        ("'tacocat'.charAt(3)", "\"o\""), ("'añb'.charAt(1)", "\"ñ\""), ("'abc'.charAt(3)", "\"\""), ("'abc'.charAt(4)", "indexOutOfRange"),
        ("'hello mellow'.indexOf('ello')", "1"), ("'hello mellow'.indexOf('jello')", "-1"), ("'hello mellow'.indexOf('')", "0"),
        ("'hello mellow'.indexOf('ello', 2)", "7"), ("'hello'.indexOf('l', 20)", "indexOutOfRange"), ("'ñañ'.indexOf('ñ', 1)", "2"),
        ("'hello mellow'.lastIndexOf('ello')", "7"), ("'hello mellow'.lastIndexOf('ello', 6)", "1"), ("'hello'.lastIndexOf('')", "5"),
        ("'hello'.lastIndexOf('z')", "-1"), ("['a', 'b'].join()", "\"ab\""), ("['a', 'b'].join('-')", "\"a-b\""), ("[].join('-')", "\"\""),
        ("'TacoÑ'.lowerAscii()", "\"tacoÑ\""), ("'tacoñ'.upperAscii()", "\"TACOñ\""),
        ("'hello hello'.replace('he', 'we')", "\"wello wello\""), ("'hello hello'.replace('he', 'we', 1)", "\"wello hello\""),
        ("'hello'.replace('he', 'we', 0)", "\"hello\""), ("'ab'.replace('', '-')", "\"-a-b-\""), ("'ab'.replace('', '-', 1)", "\"-ab\""),
        ("'a,b,c'.split(',')", "[\"a\", \"b\", \"c\"]"), ("'a,b,c'.split(',', 2)", "[\"a\", \"b,c\"]"), ("'a,b'.split(',', 0)", "[]"),
        ("'a,b'.split(',', 1)", "[\"a,b\"]"), ("'añ'.split('')", "[\"a\", \"ñ\"]"), ("''.split(',')", "[\"\"]"),
        ("'tacocat'.substring(4)", "\"cat\""), ("'tacocat'.substring(0, 4)", "\"taco\""), ("'ta©o'.substring(2, 3)", "\"©\""),
        ("'abc'.substring(2, 1)", "indexOutOfRange"), ("'abc'.substring(4)", "indexOutOfRange"), ("'  a b\\t\\n'.trim()", "\"a b\""),
        ("'\\u00a0x\\u3000'.trim()", "\"x\""), ("'añ'.reverse()", "\"ña\""), ("strings.quote('a\"\\n')", "\"\\\"a\\\\\\\"\\\\n\\\"\""),
    ])
    func texts(_ text: String, _ wanted: String) { #expect(result(text) == wanted, "\(text)") }

    @Test(arguments: [
        ("int('42')", "42"), ("int('-9223372036854775808')", "-9223372036854775808"), ("int('9223372036854775808')", "overflow"),
        ("int('4.2')", "invalidConversion"), ("int('')", "invalidConversion"), ("int(4.9)", "4"), ("int(-4.9)", "-4"),
        ("int(9.3e18)", "overflow"),
        ("int(0.0 / 0.0)", "overflow"), ("int(18446744073709551615u)", "overflow"), ("uint(-1)", "overflow"), ("uint('7')", "7u"),
        ("uint('-7')", "invalidConversion"), ("uint(1.9e19)", "overflow"), ("uint(-0.5)", "0u"), ("double('1e3')", "1000.0"),
        ("double('x')", "invalidConversion"), ("double(3)", "3.0"), ("string(1)", "\"1\""), ("string(1u)", "\"1\""),
        ("string(1.5)", "\"1.5\""),
        ("string(1e30)", "\"1e+30\""), ("string(-4.5e-3)", "\"-0.0045\""), ("string(123456789012.0)", "\"123456789012\""),
        ("string(true)", "\"true\""),
        ("string(b'abc')", "\"abc\""), ("string(b'\\xff')", "invalidConversion"), ("bytes('añ')", "b\"a\\xc3\\xb1\""),
        ("bool('true')", "true"),
        ("bool('f')", "false"), ("bool('yes')", "invalidConversion"), ("type(1)", "int"), ("type(1) == int", "true"),
        ("type(type(1)) == type", "true"),
        ("type('a') == int", "false"), ("type(timestamp(0)) == google.protobuf.Timestamp", "true"), ("type(null)", "null_type"),
        ("int(timestamp('2024-01-01T00:00:00Z'))", "1704067200"), ("type([]) == list", "true"), ("type(request.headers) == map", "true"),
    ])
    func conversions(_ text: String, _ wanted: String) { #expect(result(text) == wanted, "\(text)") }
}
