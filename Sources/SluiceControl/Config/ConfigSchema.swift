// The JSON Schema of a plugin's configuration (manifest, "config_schema"), in a subset that is checked whole: a keyword that this
// page does not know is refused when the plugin is loaded, because a rule that nobody checks is worse than none. Known are
//
//   type  enum  const  properties  required  additionalProperties  items  minItems  maxItems
//   minimum  maximum  exclusiveMinimum  exclusiveMaximum  minLength  maxLength
//   $defs (of the whole)  $ref ("#/$defs/NAME", with nothing beside it)
//
// and, without effect, title, description, default, examples, $schema, $id, $comment. `pattern` is not: regular expressions of a
// plugin would run in the control process.
import SluiceModel

struct ConfigSchema: Sendable {
    let root: Rule
    private let definitions: [String: Rule]

    /// One place in a configuration that breaks a rule.
    struct Problem: Error, Sendable, Equatable {
        /// ".header.name", "[2]"; empty for the whole.
        var path: String
        var found: String
        var allowed: String
    }

    final class Rule: Sendable {
        /// Name of the definition that stands here instead.
        let reference: String?
        let types: [String]
        let choices: [JSONValue]?
        let properties: [(String, Rule)]
        let required: [String]
        /// Rule of keys that `properties` does not name.
        let others: Others
        let items: Rule?
        let count: ClosedRange<Int>
        let length: ClosedRange<Int>
        let bounds: [Bound]
        enum Others: Sendable { case allowed, refused, rule(Rule) }

        fileprivate init(_ schema: JSONValue, _ path: String) throws(PluginRefusal) {
            guard let members = schema.members else { throw wrong(path, "found \(schema.text()); allowed: an object") }
            for (key, _) in members where !ConfigSchema.keywords.contains(key) && !ConfigSchema.annotations.contains(key) {
                throw wrong(path, "unknown keyword \(quote(key)); known: \(ConfigSchema.keywords.joined(separator: " "))")
            }
            reference = try Rule.reference(schema, path)
            types = try Rule.types(schema["type"], path)
            choices = try Rule.choices(schema, path)
            var named: [(String, Rule)] = []
            for (key, inner) in try Rule.object(schema["properties"], "properties", path) {
                named.append((key, try Rule(inner, "\(path).properties.\(key)")))
            }
            properties = named
            required = try Rule.texts(schema["required"], "required", path)
            switch schema["additionalProperties"] {
            case nil, .bool(true): others = .allowed
            case .bool(false): others = .refused
            case .some(let inner): others = .rule(try Rule(inner, path + ".additionalProperties"))
            }
            items = if let inner = schema["items"] { try Rule(inner, path + ".items") } else { nil }
            count = try Rule.range(schema, "minItems", "maxItems", path)
            length = try Rule.range(schema, "minLength", "maxLength", path)
            bounds = try Bound.read(schema, path)
        }
    }

    struct Bound: Sendable {
        var keyword: String
        var value: Double
        var text: String

        func allows(_ number: Double) -> Bool {
            switch keyword {
            case "minimum": number >= value
            case "maximum": number <= value
            case "exclusiveMinimum": number > value
            default: number < value
            }
        }
        var words: String {
            let word = ["minimum": "at least", "maximum": "at most", "exclusiveMinimum": "more than", "exclusiveMaximum": "less than"]
            return "\(word[keyword]!) \(text)"
        }
        fileprivate static func read(_ schema: JSONValue, _ path: String) throws(PluginRefusal) -> [Bound] {
            var out: [Bound] = []
            for keyword in ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"] {
                guard let value = schema[keyword] else { continue }
                guard case .number(let text) = value, let number = Double(text) else {
                    throw wrong("\(path).\(keyword)", "found \(value.text()); allowed: a number")
                }
                out.append(Bound(keyword: keyword, value: number, text: text))
            }
            return out
        }
    }

    static let keywords = [
        "type", "enum", "const", "properties", "required", "additionalProperties", "items", "minItems", "maxItems", "minimum", "maximum",
        "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "$defs", "$ref",
    ]
    static let annotations = ["title", "description", "default", "examples", "$schema", "$id", "$comment"]
    static let typeNames = ["object", "array", "string", "number", "integer", "boolean", "null"]

    /// - Throws: when the text is no schema of this subset; the path starts with "config_schema".
    init(_ text: String) throws(PluginRefusal) {
        let value: JSONValue
        do throws(JSONReader.Failure) { value = try JSONReader.read(Array(text.utf8)) } catch {
            throw PluginRefusal(description: "config_schema: \(error.message)")
        }
        root = try Rule(value, "config_schema")
        var named: [String: Rule] = [:]
        for (name, inner) in try Rule.object(value["$defs"], "$defs", "config_schema") {
            let path = "config_schema.$defs.\(name)", rule = try Rule(inner, path)
            // So that following references always ends.
            guard rule.reference == nil else { throw wrong(path, "found another reference; allowed: a rule of its own") }
            named[name] = rule
        }
        definitions = named
        try root.checkReferences(named, "config_schema")
        for (name, rule) in named { try rule.checkReferences(named, "config_schema.$defs.\(name)") }
    }

    /// The first place that breaks a rule; nil = the configuration is good.
    func problem(_ configuration: JSONValue) -> Problem? { root.problem(configuration, "", definitions) }
}

// Reading a schema

private func wrong(_ path: String, _ what: String) -> PluginRefusal { PluginRefusal(description: "its manifest's \(path): \(what)") }

extension ConfigSchema.Rule {
    fileprivate static func reference(_ schema: JSONValue, _ path: String) throws(PluginRefusal) -> String? {
        guard let value = schema["$ref"] else { return nil }
        guard let text = value.string, text.hasPrefix("#/$defs/"), !text.dropFirst(8).contains("/") else {
            throw wrong("\(path).$ref", "found \(value.text()); allowed: \"#/$defs/NAME\"")
        }
        if let other = schema.members?.first(where: { $0.0 != "$ref" && !ConfigSchema.annotations.contains($0.0) }) {
            throw wrong(path, "found \(quote(other.0)) beside $ref; allowed: nothing else")
        }
        return String(text.dropFirst(8))
    }

    fileprivate func checkReferences(_ known: [String: ConfigSchema.Rule], _ path: String) throws(PluginRefusal) {
        if let reference, known[reference] == nil { throw wrong("\(path).$ref", "found no definition \(quote(reference)) in $defs") }
        for (key, rule) in properties { try rule.checkReferences(known, "\(path).properties.\(key)") }
        if case .rule(let rule) = others { try rule.checkReferences(known, path + ".additionalProperties") }
        try items?.checkReferences(known, path + ".items")
    }

    fileprivate static func types(_ value: JSONValue?, _ path: String) throws(PluginRefusal) -> [String] {
        guard let value else { return [] }
        let names = value.string.map { [$0] } ?? (value.array ?? []).compactMap(\.string)
        guard !names.isEmpty, names.allSatisfy(ConfigSchema.typeNames.contains) else {
            throw wrong("\(path).type", "found \(value.text()); allowed: \(ConfigSchema.typeNames.joined(separator: " "))")
        }
        return names
    }

    fileprivate static func choices(_ schema: JSONValue, _ path: String) throws(PluginRefusal) -> [JSONValue]? {
        if let only = schema["const"] { return [only] }
        guard let value = schema["enum"] else { return nil }
        guard let list = value.array, !list.isEmpty else { throw wrong("\(path).enum", "found \(value.text()); allowed: a list of values") }
        return list
    }

    fileprivate static func object(_ value: JSONValue?, _ keyword: String, _ path: String) throws(PluginRefusal) -> [(String, JSONValue)] {
        guard let value else { return [] }
        guard let members = value.members else { throw wrong("\(path).\(keyword)", "found \(value.text()); allowed: an object") }
        return members
    }

    fileprivate static func texts(_ value: JSONValue?, _ keyword: String, _ path: String) throws(PluginRefusal) -> [String] {
        guard let value else { return [] }
        guard let items = value.array, items.allSatisfy({ $0.string != nil }) else {
            throw wrong("\(path).\(keyword)", "found \(value.text()); allowed: a list of names")
        }
        return items.compactMap(\.string)
    }

    fileprivate static func range(_ schema: JSONValue, _ low: String, _ high: String, _ path: String) throws(PluginRefusal) -> ClosedRange<
        Int
    > {
        var ends = [0, Int.max]
        for (i, keyword) in [low, high].enumerated() {
            guard let value = schema[keyword] else { continue }
            guard let number = value.int, number >= 0 else {
                throw wrong("\(path).\(keyword)", "found \(value.text()); allowed: a whole number from 0")
            }
            ends[i] = number
        }
        guard ends[0] <= ends[1] else { throw wrong("\(path).\(low)", "found \(ends[0]); allowed: at most \(high)") }
        return ends[0]...ends[1]
    }
}

// Checking a configuration

extension ConfigSchema.Rule {
    func problem(_ value: JSONValue, _ path: String, _ definitions: [String: ConfigSchema.Rule]) -> ConfigSchema.Problem? {
        if let reference { return definitions[reference]?.problem(value, path, definitions) }
        func bad(_ allowed: String) -> ConfigSchema.Problem { .init(path: path, found: "found " + Self.short(value), allowed: allowed) }
        if !types.isEmpty, !types.contains(where: { Self.is(value, $0) }) { return bad(types.joined(separator: " or ")) }
        if let choices, !choices.contains(value) { return bad(choices.map { $0.text() }.joined(separator: ", ")) }
        switch value {
        case .number(let text):
            if let number = Double(text), let bound = bounds.first(where: { !$0.allows(number) }) { return bad(bound.words) }
        case .string(let text) where !length.contains(text.unicodeScalars.count): return bad(Self.words(length, "characters"))
        case .array(let values):
            if !count.contains(values.count) {
                return .init(path: path, found: "found \(values.count) items", allowed: Self.words(count, "items"))
            }
            for (index, item) in values.enumerated() {
                if let problem = items?.problem(item, "\(path)[\(index)]", definitions) { return problem }
            }
        case .object(let members): return problem(members, path, definitions)
        default: break
        }
        return nil
    }

    private func problem(_ members: [(String, JSONValue)], _ path: String, _ definitions: [String: ConfigSchema.Rule])
        -> ConfigSchema.Problem?
    {
        let known = properties.map(\.0)
        for (key, value) in members {
            var found: ConfigSchema.Problem?
            if let rule = properties.first(where: { $0.0 == key })?.1 {
                found = rule.problem(value, "\(path).\(key)", definitions)
            } else {
                switch others {
                case .allowed: break
                case .rule(let rule): found = rule.problem(value, "\(path).\(key)", definitions)
                case .refused:
                    let list = known.isEmpty ? "none" : known.joined(separator: " ")
                    found = .init(
                        path: path, found: "unknown key \(quote(key))", allowed: list + Suggestion.clause(for: key, in: known))
                }
            }
            if let found { return found }
        }
        // Last: a key that is missing is often one that was misspelt.
        if let missing = required.first(where: { key in !members.contains { $0.0 == key } }) {
            return .init(
                path: path, found: "key \(quote(missing)) is missing", allowed: "an object with \(required.joined(separator: ", "))")
        }
        return nil
    }

    private static func `is`(_ value: JSONValue, _ type: String) -> Bool {
        switch (value, type) {
        case (.object, "object"), (.array, "array"), (.string, "string"), (.number, "number"), (.bool, "boolean"), (.null, "null"): true
        case (.number(let text), "integer"): Double(text).map { $0.rounded() == $0 && $0.isFinite } ?? false
        default: false
        }
    }

    /// What was found, without showing what may be a secret.
    private static func short(_ value: JSONValue) -> String {
        switch value {
        case .object: "an object"
        case .array: "a list"
        case .string: "a text"
        default: value.text()
        }
    }

    private static func words(_ range: ClosedRange<Int>, _ unit: String) -> String {
        if range.upperBound == .max { return "at least \(range.lowerBound) \(unit)" }
        if range.lowerBound == 0 { return "at most \(range.upperBound) \(unit)" }
        return "\(range.lowerBound) to \(range.upperBound) \(unit)"
    }
}
