// The strict JSON reader and the writer.
import Testing

@testable import SluiceControl
@testable import SluiceModel

@Suite struct JSONTests {
    @Test(arguments: [
        ("", "1:1: the text ends where a value is needed"), ("{\n \"a\": }", "2:7: no value starts like this"),
        ("{'a': 1}", "1:2: a key in double quotes is needed"),
        ("{\"a\" 1}", "1:6: a colon is needed"), ("{\"a\": 1,}", "1:9: a key in double quotes is needed"),
        ("[1,]", "1:4: no value starts like this"),
        ("[1 2]", "1:4: a comma or ] is needed"), ("01", "1:2: something follows the value; allowed: one value"),
        ("1.", "1:3: a digit is needed"),
        ("-", "1:2: a digit is needed"), ("\"a", "1:3: the text ends inside a string"),
        ("\"\\x\"", "1:3: unknown escape; allowed: \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX"),
        ("\"\\ud800\"", "1:8: half a surrogate pair"), ("\"a\nb\"", "1:3: a control character stands in a string; allowed: its \\u escape"),
        ("{\"a\": 1, \"a\": 2}", "1:10: key \"a\" given twice"), ("nul", "1:1: no value starts like this; did you mean null?"),
        ("1 2", "1:3: something follows the value; allowed: one value"),
    ]) func refused(_ text: String, _ message: String) {
        #expect {
            _ = try JSONReader.read(Array(text.utf8))
        } throws: { error in
            let failure = error as! JSONReader.Failure
            return "\(failure.position.line):\(failure.position.column): \(failure.message)" == message
        }
    }

    @Test func roundTrip() throws {
        let text = #"{"a":[1,-2.5e+3,true,false,null,{}],"b":"x\"\\\n\t\u0001é😀","c":{"d":[]}}"#
        let value = try JSONReader.read(Array(text.utf8))
        #expect(value.text() == text)
        #expect(try JSONReader.read(Array(value.pretty.utf8)) == value)
        #expect(try JSONReader.read(Array(#""\ud83d\ude00\/""#.utf8)) == .string("😀/"))
        #expect(JSONValue.object([("b", .null), ("a", .null)]).text(sorted: true) == #"{"a":null,"b":null}"#)
    }

    @Test func depthAndEncodingAreBounded() {
        let deep = String(repeating: "[", count: 65) + String(repeating: "]", count: 65)
        #expect(throws: JSONReader.Failure.self) { try JSONReader.read(Array(deep.utf8)) }
        #expect(throws: JSONReader.Failure.self) { try JSONReader.read([0x22, 0xff, 0x22]) }
    }

    @Test func everyTruncationIsRefused() {
        let text = Array(#"{"a":[1,2.5,"x\u00e9"],"b":{"c":true}}"#.utf8)
        for count in 0..<text.count { #expect(throws: JSONReader.Failure.self) { try JSONReader.read(Array(text[..<count])) } }
    }
}
