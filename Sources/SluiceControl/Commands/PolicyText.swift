// Policy objects as people write them: a file or standard input in YAML or JSON → JSON, with the place of every value kept for messages;
// `field=value` → a merge patch (RFC 7396). Grammar and meaning are the admin API's business.
import Foundation
import SluiceModel

/// What a file says.
struct PolicyText {
    var file: String
    var tree: ConfigNode
    var json: JSONValue { ConfigurationDecoder.json(tree) }

    /// Reads FILE, or standard input for "-". Variables are put in as in the configuration file.
    static func read(_ path: String) throws -> PolicyText {
        let file = path == "-" ? "standard input" : path
        let bytes =
            path == "-"
            ? try FileIO.standardInput(max: SchemaLimits.fileBytesMax) : try FileIO.read(path, max: SchemaLimits.fileBytesMax)
        switch YAMLTree.parse(bytes) {
        case .failure(let problem): throw Complaint("\(problem.line(file: file))")
        case .success(let raw):
            let environment = ProcessInfo.processInfo.environment
            var variables = Variables(value: { environment[$0] })
            let tree = variables.expand(raw)
            if let problem = variables.problems.first { throw Complaint("\(problem.line(file: file))") }
            guard case .map = tree.content else { throw Complaint("\(file) holds \(tree.found); allowed: a map of keys") }
            return PolicyText(file: file, tree: tree)
        }
    }

    /// A JSON pointer as file, line, column and path; "/routes/3/match" is "policies.yaml:17:5: routes[3].match".
    func place(_ pointer: String) -> String {
        var path = ""
        for part in pointer.split(separator: "/") {
            let name = part.replacing("~1", with: "/").replacing("~0", with: "~")
            path += Int(name) != nil ? "[\(name)]" : (path.isEmpty ? "" : ".") + name
        }
        let at = tree.locate(path)
        return "\(file):\(at.line):\(at.column)" + (path.isEmpty ? "" : ": \(path)")
    }
}

enum FieldText {
    /// `["priority=10", "match.methods=[GET, HEAD]", "maintenance=null"]` as one patch; values are YAML, null takes a field away.
    static func patch(_ fields: [String]) throws -> JSONValue {
        var out = JSONValue.object([])
        for field in fields {
            guard let equals = field.firstIndex(of: "="), equals != field.startIndex else {
                throw Complaint("found \(quote(field)); allowed: FIELD=VALUE, such as priority=10 or match.methods=[GET, HEAD]")
            }
            let keys = field[..<equals].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            guard !keys.contains("") else {
                throw Complaint("found field \(quote(String(field[..<equals]))); allowed: names with dots between")
            }
            out = set(out, keys[...], try value(String(field[field.index(after: equals)...]), field))
        }
        return out
    }

    private static func value(_ text: String, _ field: String) throws -> JSONValue {
        // Plain texts with a colon or a quote inside, such as a condition, are texts and no YAML maps.
        let isFlow = text.hasPrefix("[") || text.hasPrefix("{") || text.hasPrefix("\"") || text.hasPrefix("'")
        guard isFlow else {
            return ConfigurationDecoder.json(ConfigNode(.scalar(text, quoted: text.isEmpty), at: SourcePosition(line: 1, column: 1)))
        }
        switch YAMLTree.parse(Array(text.utf8)) {
        case .success(let node): return ConfigurationDecoder.json(node)
        case .failure(let problem): throw Complaint("\(field): \(problem.message); allowed: a YAML value on one line")
        }
    }

    private static func set(_ object: JSONValue, _ keys: ArraySlice<String>, _ value: JSONValue) -> JSONValue {
        guard let key = keys.first else { return value }
        var members = object.members ?? []
        let inner = set(object[key] ?? .object([]), keys.dropFirst(), value)
        if let at = members.firstIndex(where: { $0.0 == key }) { members[at].1 = inner } else { members.append((key, inner)) }
        return .object(members)
    }
}
