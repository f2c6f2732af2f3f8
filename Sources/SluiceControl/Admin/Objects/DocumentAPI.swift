// The policies as one document: apply takes it, export gives it, as JSON or YAML. It is the policy part of the configuration file.
import SluiceModel

extension AdminAPI {
    func apply(_ call: AdminCall) async -> AdminResponse {
        await writing(call) { () throws(AdminResponse.Refusal) in [.apply(try Self.document(call.request), prune: call.flag("prune"))] }
    }

    /// The body of an apply: JSON, or YAML without variables.
    static func document(_ request: AdminRequest) throws(AdminResponse.Refusal) -> JSONValue {
        switch request.mediaType {
        case "application/json":
            do throws(JSONReader.Failure) { return try JSONReader.read(request.body) } catch {
                throw .init(malformed("JSON", error.position, error.message))
            }
        case "application/yaml", "application/x-yaml", "text/yaml":
            switch YAMLTree.parse(request.body) {
            case .success(let node):
                // As in the file: $$ is a dollar sign. Variables of this process are nobody's business.
                var variables = Variables { _ in nil }
                let tree = variables.expand(node)
                if let problem = variables.problems.first { throw .init(malformed("YAML", problem.position, problem.message)) }
                return JSONValue(tree)
            case .failure(let problem): throw .init(malformed("YAML", problem.position, problem.message))
            }
        default: throw .init(.unsupported(request, ["application/json", "application/yaml"]))
        }
    }

    private static func malformed(_ what: String, _ at: SourcePosition, _ message: String) -> AdminResponse {
        .problem(400, what.lowercased(), "Malformed \(what)", "line \(at.line), column \(at.column): \(message)")
    }

    func export(_ call: AdminCall) async -> AdminResponse {
        var configuration = await control.configuration
        var revision = await control.state.revision
        if let wanted = call.request.query["revision"].flatMap({ UInt64($0) }), wanted != revision {
            guard let history = await control.history else { return Self.noStore }
            let past: StoredPresent? = await offload { try? history.past(wanted) }
            guard let past else { return Self.noRevision(wanted) }
            (configuration, revision) = (past.configuration, wanted)
        }
        let document = configuration.policyDocument(masked: false)
        let headers = ["ETag": "\"r\(revision)\""]
        let isYAML = call.request.query["format"].map { $0 == "yaml" } ?? (call.request.accept ?? "").contains("yaml")
        guard isYAML else { return .json(document, headers: headers) }
        var response = AdminResponse.text(YAMLText.text(document), contentType: "application/yaml")
        response.headers = headers
        return response
    }
}

extension JSONValue {
    /// A tree as YAML's core schema reads it: plain true, false, null and numbers are what they look like.
    init(_ node: ConfigNode) {
        switch node.content {
        case .list(let items): self = .array(items.map { JSONValue($0) })
        case .map(let entries): self = .object(entries.map { ($0.key, JSONValue($0.value)) })
        case .scalar(let text, quoted: true): self = .string(text)
        case .scalar(let text, quoted: false):
            switch text {
            case "true": self = .bool(true)
            case "false": self = .bool(false)
            case "", "~", "null": self = .null
            default:
                if case .number(let number)? = try? JSONReader.read(Array(text.utf8)) {
                    self = .number(number)
                } else {
                    self = .string(text)
                }
            }
        }
    }
}
