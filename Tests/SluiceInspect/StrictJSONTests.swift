// The JSON reader: what RFC 8259 allows, what it does not, and the bounds.
import Testing

@testable import SluiceInspect

struct StrictJSONTests {
    @Test(arguments: [
        "{}", "[]", "0", "-0", "1.5e+10", "\"\"", "null", "true", " { \"a\" : [ 1 , 2 ] } ", "\"\\u00e9\\ud83d\\ude00\\n\"",
        "[[[[[[[]]]]]]]", "{\"a\":{\"a\":1}}", "\"ü\"",
    ]) func accepts(_ text: String) throws { _ = try StrictJSON.parse(Array(text.utf8), depthMax: 8) }

    @Test(arguments: [
        "", " ", "{", "[", "]", "{]", "[1,]", "{\"a\":1,}", "{a:1}", "{\"a\"}", "{\"a\":}", "01", "-", "1.", ".5", "1e", "+1", "0x1", "tru",
        "nul", "True", "'a'", "\"a", "\"\\x\"", "\"\\u12\"",
        "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"a\nb\"", "\"\t\"", "1 2", "{} x", "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"\\u0061\":2}", "[[[[[[[[1]]]]]]]]", "NaN", "[1 2]", "/**/1", "\u{feff}{}",
    ]) func refuses(_ text: String) { #expect(throws: JSONError.self) { try StrictJSON.parse(Array(text.utf8), depthMax: 8) } }

    @Test func refusesBadUTF8() {
        for bytes: [UInt8] in [[0x22, 0xff, 0x22], [0x22, 0xc0, 0x80, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22], [0x22, 0xe2, 0x82, 0x22]] {
            #expect(throws: JSONError.self) { try StrictJSON.parse(bytes, depthMax: 8) }
        }
    }

    @Test func valuesAndPlaces() throws {
        let text = Array("{\"k\": \"a\\u00e9\\\"\", \"n\": [1e2]}".utf8)
        let root = try StrictJSON.parse(text, depthMax: 8)
        guard case .object(let members) = root.value, case .string(let s) = members[0].node.value else {
            return #expect(Bool(false), "not an object with a string")
        }
        #expect(s == "aé\"" && members.map(\.key) == ["k", "n"])
        #expect(String(decoding: text[members[1].node.range], as: UTF8.self) == "[1e2]")
        let problem = #expect(throws: JSONError.self) { try StrictJSON.parse(Array("{\n  \"a\": x\n}".utf8), depthMax: 8) }
        #expect(problem?.description == "line 2, column 8: expected a value")
    }

    @Test func mutationsNeverCrash() {
        var random = Random(state: 7)
        let seed = Array("{\"a\":[1,2.5e3,null,true,\"x\\u00e9\\ud83d\\ude00\"],\"b\":{\"c\":\"\\n\"}}".utf8)
        var refused = 0
        for _ in 0..<20_000 {
            var bytes = seed
            for _ in 0...random.next(3) {
                bytes[random.next(bytes.count)] =
                    random.next(2) == 0 ? UInt8(random.next(256)) : Array("{}[]\",:\\u0e-".utf8)[random.next(12)]
            }
            if random.next(4) == 0 { bytes.removeLast(random.next(bytes.count)) }
            do { _ = try StrictJSON.parse(bytes, depthMax: 8) } catch { refused += 1 }
        }
        #expect(refused > 10_000 && refused < 20_000)
    }
}

/// xorshift, the same numbers on every run.
struct Random {
    var state: UInt64
    mutating func next(_ bound: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state % UInt64(bound))
    }
}
