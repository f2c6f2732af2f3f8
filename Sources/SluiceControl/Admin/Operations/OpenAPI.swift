// The OpenAPI 3.1 document of the admin API, made from the operation table and the grammar of the file: what is not declared is not there,
// and what is declared is. Served as GET /v1/openapi.json.
import SluiceModel

enum OpenAPI {
    static let document: JSONValue = .object([
        ("openapi", .string("3.1.0")),
        (
            "info",
            .object([
                ("title", .string("Sluice admin API")), ("version", .string(Release.version)),
                ("description", .string("Policies, plugins, history and state of a gateway. docs/admin-api.md explains it.")),
                ("license", .object([("name", .string("Apache-2.0")), ("identifier", .string("Apache-2.0"))])),
            ])
        ),
        ("servers", .array([.object([("url", .string("/"))])])),
        ("security", .array([.object([("bearer", .array([]))]), .object([])])),
        ("tags", .array(tags.map { .object([("name", .string($0))]) })),
        ("paths", .object(paths)),
        (
            "components",
            .object([
                ("securitySchemes", .object([("bearer", .object([("type", .string("http")), ("scheme", .string("bearer"))]))])),
                ("schemas", .object(components)),
            ])
        ),
    ])

    private static var tags: [String] {
        var out: [String] = []
        for operation in OperationTable.shared.operations where !out.contains(operation.tag) { out.append(operation.tag) }
        return out
    }

    private static var paths: [(String, JSONValue)] {
        var order: [String] = []
        var items: [String: [(String, JSONValue)]] = [:]
        for operation in OperationTable.shared.operations {
            if items[operation.path] == nil { order.append(operation.path) }
            items[operation.path, default: []].append((operation.method.rawValue.lowercased(), json(operation)))
        }
        return order.map { ($0, .object(items[$0] ?? [])) }
    }

    private static func json(_ operation: AdminOperation) -> JSONValue {
        var out: [(String, JSONValue)] = [
            ("operationId", .string(operation.id)), ("summary", .string(operation.summary)), ("tags", .strings([operation.tag])),
            ("x-sluice-role", operation.role.map { .string($0.rawValue) } ?? .null),
            ("x-sluice-scope", .string("\(operation.scope):\(operation.writes ? "write" : "read")")),
        ]
        if operation.role == nil { out.append(("security", .array([]))) }
        if !operation.parameters.isEmpty { out.append(("parameters", .array(operation.parameters.map(json)))) }
        if let body = operation.body {
            let content = body.mediaTypes.map { type in
                (type, JSONValue.object([("schema", type.contains("json") || type.contains("yaml") ? json(body.schema) : upload(type))]))
            }
            out.append(("requestBody", .object([("required", .bool(body.required)), ("content", .object(content))])))
        }
        var answers = operation.answers
        let general =
            [AdminAnswer.problem(429, "Too many requests; Retry-After says when.")]
            + (operation.role == nil ? [] : [AdminAnswer.problem(401, "A token is needed."), .problem(403, "The token may not.")])
            + (operation.body == nil || answers.contains { $0.status == 413 } ? [] : [.problem(413, "Body too large.")])
            + (answers.contains { $0.status == 400 } ? [] : [.problem(400, "Wrong query.")])
        answers += general.filter { new in !answers.contains { $0.status == new.status } }
        var seen = Set<Int>()
        let unique = answers.filter { seen.insert($0.status).inserted }.sorted { $0.status < $1.status }
        out.append(("responses", .object(unique.map { ("\($0.status)", json($0)) })))
        return .object(out)
    }

    private static func json(_ answer: AdminAnswer) -> JSONValue {
        var out: [(String, JSONValue)] = [("description", .string(answer.doc))]
        if let schema = answer.schema {
            let content = ([answer.mediaType] + answer.otherTypes).map { ($0, JSONValue.object([("schema", json(schema))])) }
            out.append(("content", .object(content)))
        }
        return .object(out)
    }

    private static func json(_ parameter: AdminParameter) -> JSONValue {
        .object([
            ("name", .string(parameter.name)), ("in", .string(parameter.place.rawValue)), ("required", .bool(parameter.place == .path)),
            ("description", .string(parameter.doc)), ("schema", .object(schema(parameter.kind))),
        ])
    }

    private static func schema(_ kind: AdminParameter.Kind) -> [(String, JSONValue)] {
        switch kind {
        case .text(let max): [("type", .string("string")), ("minLength", .int(1)), ("maxLength", .int(max))]
        case .whole(let range):
            [("type", .string("integer")), ("minimum", .int(range.lowerBound)), ("maximum", .int(range.upperBound))]
        case .decimal(let range):
            [("type", .string("number")), ("minimum", .decimal(range.lowerBound)), ("maximum", .decimal(range.upperBound))]
        case .flag: [("type", .string("string")), ("enum", .strings(["1", "true", "0", "false"]))]
        case .choice(let words): [("type", .string("string")), ("enum", .strings(words))]
        case .duration: [("type", .string("string")), ("pattern", .string("^[0-9]+(ms|s|m|h)$"))]
        }
    }

    private static func json(_ schema: AdminSchema) -> JSONValue {
        switch schema {
        case .component(let name): reference(name)
        case .anything: .object([])
        case .text: .object([("type", .string("string"))])
        case .listOf(let name):
            .object([
                ("type", .string("object")), ("required", .strings(["items", "total", "next"])),
                (
                    "properties",
                    .object([
                        ("items", .object([("type", .string("array")), ("items", item(name))])),
                        ("total", .object([("type", .string("integer"))])),
                        ("next", .object([("type", .strings(["string", "null"]))])),
                    ])
                ),
            ])
        }
    }

    private static func item(_ name: String) -> JSONValue {
        let number = JSONValue.object([("type", .string("integer"))]), text = JSONValue.object([("type", .string("string"))])
        return .object([
            ("type", .string("object")), ("required", .strings(["id", "etag", "created_at", "updated_at", "value"])),
            (
                "properties",
                .object([("id", text), ("etag", text), ("created_at", number), ("updated_at", number), ("value", reference(name))])
            ),
        ])
    }

    private static func upload(_ type: String) -> JSONValue {
        guard type.hasPrefix("multipart") else { return .object([]) }
        return .object([
            ("type", .string("object")), ("required", .strings(["file"])),
            ("properties", .object([("file", .object([("type", .string("string")), ("format", .string("binary"))]))])),
        ])
    }

    static func reference(_ name: String) -> JSONValue { .object([("$ref", .string("#/components/schemas/\(name)"))]) }
}
