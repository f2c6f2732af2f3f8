// Configurations become values, and errors name the place and what is allowed there.
import SluicePlugin
import SluicePluginTesting
import Testing

@Suite struct ConfigDecoderTests {
    enum Mode: String, Codable, CaseIterable { case fast, safe }
    struct Key: Codable, Equatable {
        var name: String
        var roles: [String]?
    }
    struct Config: Codable, Equatable {
        var keys: [Key]
        var mode: Mode?
        var limits: [String: Int]?
        var ratio: Double?
        var port: UInt16?
        var on: Bool?
    }

    func decode<T: Decodable>(_ type: T.Type, _ text: String, strict: Bool = true) throws -> T {
        try text.withBytes { try ConfigDecoder.decode(type, from: $0, strict: strict) }
    }
    func reason(_ text: String) -> String {
        do { return "accepted: \(try decode(Config.self, text))" } catch { return "\(error)" }
    }

    @Test func makesValues() throws {
        let c = try decode(
            Config.self,
            #"{"keys": [{"name": "a\u00e9\ud83d\ude00\n"}, {"name": "b", "roles": ["x"]}], "mode": "safe", "limits": {"a": -1}, "#
                + #""ratio": 2, "port": 65535, "on": true}"#
        )
        #expect(
            c
                == Config(
                    keys: [Key(name: "a\u{e9}\u{1f600}\n"), Key(name: "b", roles: ["x"])], mode: .safe, limits: ["a": -1], ratio: 2,
                    port: 65_535, on: true))
        #expect(try decode(Config.self, #"{"keys": [], "mode": null}"#).mode == nil)
        #expect(try decode([Int64].self, "[9007199254740993]") == [9_007_199_254_740_993])
    }

    @Test(arguments: [
        (#"{"keys": [{"name": "a"}, {"name": "b"}, {"name": 3}]}"#, "keys[2].name: a string is needed, not a number"),
        (#"{"keys": [{}]}"#, "keys[0].name: is missing"),
        (#"{"keys": {}}"#, "keys: an array is needed, not an object"),
        (#"{"keys": [7]}"#, "keys[0]: an object is needed, not a number"),
        (#"{"keys": [], "mode": "quick"}"#, "mode: unknown \"quick\"; known: fast safe"),
        (#"{"keys": [], "mode": 1}"#, "mode: a string is needed, not a number"),
        (#"{"keys": [], "port": 65536}"#, "port: 65536 is outside 0 to 65535"),
        (#"{"keys": [], "port": 1.5}"#, "port: a whole number is needed, not a number"),
        (#"{"keys": [], "limits": {"x": "y"}}"#, "limits.x: a whole number is needed, not a string"),
        (#"{"keys": [], "prot": 1}"#, "prot: unknown; known: keys mode limits ratio port on"),
        (#"{"keys": [{"name": "a", "role": []}]}"#, "keys[0].role: unknown; known: name roles"),
        (#"{"keys": []"#, "byte 11: expected , or }"),
        (#"[]"#, "the value: an object is needed, not an array"),
    ]) func saysWhatIsWrong(text: String, message: String) { #expect(reason(text) == message) }

    @Test func othersAnswersMayHaveMore() throws { #expect(try decode(Key.self, #"{"name": "a", "x": 1}"#, strict: false).name == "a") }

    @Test func nothingToConfigure() throws {
        _ = try decode(NoConfig.self, "{}")
        #expect(throws: ConfigurationError.self) { try decode(NoConfig.self, #"{"x": 1}"#) }
    }

    @Test func nestingIsBounded() {
        let deep = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
        #expect(reason(deep).contains("nested deeper than 32"))
    }

    final class Defaulted: LogHook {
        struct Limits: Codable, Equatable {
            var max = 3
            var names = ["a", "b"]
        }
        struct Config: DefaultedConfig, Equatable {
            var header = "x-id"
            var trust = false
            var ratio: Float = 0.5
            var big: UInt64 = 1 << 40
            var limits = Limits()
            var table = ["k": [1, 2]]
            var mode = Mode.safe
            var none: String?
        }
        let config: Config
        init(_ config: Config) { self.config = config }
        func log(_ exchange: borrowing Exchange) {}
    }

    @Test func absentMembersHaveTheirDefaults() throws {
        #expect(try FakePlugin(Defaulted.self).plugin.config == Defaulted.Config())
        let text = #"{"trust": true, "mode": "fast", "none": "x", "table": {}}"#
        var expected = Defaulted.Config()
        (expected.trust, expected.mode, expected.none, expected.table) = (true, .fast, "x", [:])
        #expect(try FakePlugin(Defaulted.self, config: text).plugin.config == expected)
        #expect(throws: ConfigurationRefused(description: "trsut: unknown; known: header trust ratio big limits table mode none")) {
            try FakePlugin(Defaulted.self, config: #"{"trsut": true}"#)
        }
        #expect(throws: ConfigurationRefused(description: "limits.max: is missing")) {
            try FakePlugin(Defaulted.self, config: #"{"limits": {}}"#)
        }
    }
}
