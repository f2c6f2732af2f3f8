// The generated files are current, the JSON Schema says what the check says, and the small helpers do what they promise.
import Testing

@testable import SluiceControl
@testable import SluiceModel

@Suite struct SchemaTests {
    @Test func committedSchemaIsCurrent() throws {
        #expect(try repository("docs/sluice.schema.json") == SchemaJSON.document, "run: sluice schema > docs/sluice.schema.json")
    }

    @Test func committedReferenceIsCurrent() throws {
        let page = try repository("docs/configuration.md")
        let start = try #require(page.range(of: SchemaReference.start)), end = try #require(page.range(of: SchemaReference.end))
        #expect(
            String(page[start.lowerBound..<end.upperBound]) == SchemaReference.text,
            "put the output of `sluice schema --reference` between the markers")
    }

    @Test func defaultsInTheSchemaAreTheModels() {
        // A file that says every default out loud means the same as one that says nothing.
        var lines = ["version: 1", "listeners: [{ address: '*:80' }]"]
        for key in Grammar.root where key.name != "listeners" {
            if let text = key.defaultText { lines.append("\(key.name): \(text)") }
            guard case .map(let inner) = key.kind, !["admin", "dyups"].contains(key.name) else { continue }
            let parts = inner.compactMap { key in key.defaultText.map { "\(key.name): \($0)" } }
            if !parts.isEmpty { lines.append("\(key.name): { \(parts.joined(separator: ", ")) }") }
        }
        let around = ConfigurationSurroundings(variable: { _ in nil })
        let loud = read(lines.joined(separator: "\n"), around), quiet = read("version: 1\nlisteners: [{ address: '*:80' }]", around)
        #expect(loud.lines(file: "f") == [])
        #expect(loud.configuration == quiet.configuration)
    }

    @Test func schemaAcceptsTheExampleAndRefusesWhatTheCheckRefuses() throws {
        let schema = try JSONReader.read(Array(SchemaJSON.document.utf8))
        let validator = MiniValidator(root: schema)
        func json(_ text: String) throws -> JSONValue { ConfigurationDecoder.json(try YAMLTree.parse(Array(text.utf8)).get()) }
        for good in [try repository("docs/example.yaml"), ConfigurationGoodTests.everything] {
            #expect(validator.errors(try json(good)) == [])
        }
        for bad in [
            "{}", "version: 2\nlisteners: []", "version: 1\nlisteners: []\nworkrs: 1", "version: 1\nlisteners: [{}]",
            "version: 1\nlisteners: []\ntimeouts: { head: 10 }",
            "version: 1\nlisteners: []\nroutes: [{ id: a, action: {} }]", "version: 1\nlisteners: []\nlimits: { header_fields: 7 }",
            "version: 1\nlisteners: []\nplugins_api: all",
        ] { #expect(validator.errors(try json(bad)) != [], "\(bad)") }
    }

    @Test(arguments: [("workrs", "workers"), ("rotues", "routes"), ("GTE", "GET"), ("timeout", "timeouts"), ("Listeners", "listeners")])
    func suggestions(_ wrong: String, _ right: String) {
        #expect(Suggestion.nearest(to: wrong, in: Grammar.root.map(\.name) + SchemaText.methods) == right)
    }
    @Test func noSuggestionFromNowhere() {
        for word in ["zebra", "q", "", "completely-different-key"] {
            #expect(Suggestion.nearest(to: word, in: ["workers", "routes"]) == nil)
        }
        #expect(Suggestion.edits(Array("kitten".utf8), Array("sitting".utf8)) == 3)
        #expect(Suggestion.edits(Array("ab".utf8), Array("ba".utf8)) == 1)
    }

    @Test func quantities() {
        #expect(["500ms", "10s", "5m", "1h", "0s"].map(Quantity.duration) == [500, 10_000, 300_000, 3_600_000, 0])
        for wrong in ["", "10", "ms", "-1s", "1.5s", "1d", "1 s", "s1", "9223372036854775807h"] { #expect(Quantity.duration(wrong) == nil) }
        #expect(
            ["0", "512", "16KiB", "64MiB", "1GiB", "2TiB", "1kB", "3MB", "5B"].map(Quantity.size) == [
                0, 512, 16384, 64 << 20, 1 << 30, 2 << 40, 1000, 3_000_000, 5,
            ])
        for wrong in ["", "KiB", "-1", "1.5MiB", "1 MiB", "18446744073709551615KiB", "1k"] { #expect(Quantity.size(wrong) == nil) }
        #expect([1, 1000, 1500, 60_000, 3_600_000, 0].map(Quantity.text(ms:)) == ["1ms", "1s", "1500ms", "1m", "1h", "0ms"])
        #expect([0, 1, 1024, 1536, 64 << 20].map(Quantity.text(bytes:)) == ["0", "1", "1KiB", "1536", "64MiB"])
    }
}

/// As much of JSON Schema 2020-12 as the generated document uses; an unknown keyword is an error, so nothing is passed over.
private struct MiniValidator {
    let root: JSONValue

    func errors(_ value: JSONValue) -> [String] { errors(value, root, "$") }

    private func errors(_ value: JSONValue, _ schema: JSONValue, _ path: String) -> [String] {
        (schema.members ?? []).flatMap { keyword, rule -> [String] in
            switch keyword {
            case "$schema", "$id", "$defs", "title", "description", "properties": return []
            case "$ref": return errors(value, rule.string == "#/$defs/variable" ? root["$defs"]!["variable"]! : .bool(false), path)
            case "type": return (rule.array ?? [rule]).contains { isType(value, $0.string!) } ? [] : ["\(path): type"]
            case "const": return value == rule ? [] : ["\(path): const"]
            case "enum": return rule.array!.contains(value) ? [] : ["\(path): enum"]
            case "minimum": return value.int.map { $0 >= rule.int! } ?? true ? [] : ["\(path): minimum"]
            case "maximum": return value.int.map { $0 <= rule.int! } ?? true ? [] : ["\(path): maximum"]
            case "pattern":
                return value.string.map { (try? Regex(rule.string!).firstMatch(in: $0)) != nil } ?? true ? [] : ["\(path): pattern"]
            case "maxItems": return (value.array?.count ?? 0) <= rule.int! ? [] : ["\(path): maxItems"]
            case "minProperties": return value.members.map { $0.count >= rule.int! } ?? true ? [] : ["\(path): minProperties"]
            case "maxProperties": return value.members.map { $0.count <= rule.int! } ?? true ? [] : ["\(path): maxProperties"]
            case "required":
                return value.members == nil ? [] : rule.array!.filter { value[$0.string!] == nil }.map { "\(path): \($0.string!) missing" }
            case "items": return (value.array ?? []).enumerated().flatMap { errors($0.element, rule, "\(path)[\($0.offset)]") }
            case "anyOf": return rule.array!.contains { errors(value, $0, path).isEmpty } ? [] : ["\(path): anyOf"]
            case "additionalProperties":
                return (value.members ?? []).flatMap { name, member -> [String] in
                    if let known = schema["properties"]?[name] { return errors(member, known, "\(path).\(name)") }
                    return rule == .bool(false) ? ["\(path).\(name): unknown"] : errors(member, rule, "\(path).\(name)")
                }
            default: return ["\(path): unknown keyword \(keyword)"]
            }
        }
    }

    private func isType(_ value: JSONValue, _ name: String) -> Bool {
        switch (name, value) {
        case ("string", .string), ("boolean", .bool), ("array", .array), ("object", .object), ("number", .number): true
        case ("integer", .number): value.int != nil
        default: false
        }
    }
}
