// The component schemas of the OpenAPI document: policy objects from the grammar of the file, the rest written down here.
import SluiceModel

extension OpenAPI {
    static var components: [(String, JSONValue)] {
        let objects = ObjectResource.all.map { resource in
            (resource.name, component(resource.kind.item, readOnly: resource.kind == .certificates))
        }
        let nested = ObjectResource.nested.compactMap { nested -> (String, JSONValue)? in
            guard case .map(let keys) = nested.parent.item, case .list(let item, _) = keys.first(where: { $0.name == nested.list })?.kind
            else {
                return nil
            }
            return (nested.name, component(item, readOnly: false))
        }
        let document = PolicyKind.allCases.map { kind in
            (
                kind.rawValue,
                JSONValue.object([("type", .string("array")), ("items", reference(ObjectResource.resource(kind).name))])
            )
        }
        return objects + nested + [
            (
                "PolicyDocument",
                .object([("type", .string("object")), ("properties", .object([("version", .object([("const", .int(1))]))] + document))])
            ),
            ("Problem", problem), ("PolicyChange", policyChange), ("Change", change), ("TokenWish", tokenWish),
            ("PluginLoad", plugin(.load)), ("PluginCanary", plugin(.canary)), ("PluginRollback", plugin(.rollback)), ("Explain", explain),
            ("RuleQuestion", object([("expression", type("string")), ("request", explain)], required: ["expression"])),
        ]
    }

    private static func type(_ name: String, _ more: [(String, JSONValue)] = []) -> JSONValue { .object([("type", .string(name))] + more) }
    private static func object(_ properties: [(String, JSONValue)], required: [String], closed: Bool = false) -> JSONValue {
        .object(
            [("type", .string("object"))] + (required.isEmpty ? [] : [("required", .strings(required))])
                + [("properties", .object(properties))] + (closed ? [("additionalProperties", .bool(false))] : []))
    }

    private static func component(_ kind: SchemaKind, readOnly: Bool) -> JSONValue {
        let schema = SchemaJSON.component(kind)
        guard readOnly, let members = schema.members else { return schema }
        return .object(
            members.map { name, value in
                guard name == "properties", let properties = value.members else { return (name, value) }
                return (
                    name,
                    .object(
                        properties + [
                            (
                                ObjectResource.readOnly,
                                type(
                                    "object", [("readOnly", .bool(true)), ("description", .string("What the certificate says of itself."))])
                            )
                        ])
                )
            })
    }

    private static var problem: JSONValue {
        object(
            [
                ("type", type("string")), ("title", type("string")), ("status", type("integer")), ("detail", type("string")),
                (
                    "errors",
                    type(
                        "array",
                        [
                            (
                                "items",
                                object(
                                    [("pointer", type("string")), ("detail", type("string")), ("allowed", type("string"))],
                                    required: ["detail"])
                            )
                        ])
                ),
            ], required: ["type", "title", "status", "detail"])
    }

    private static var policyChange: JSONValue {
        let number = type("integer")
        return object(
            [
                ("dry_run", type("boolean")), ("revision", number), ("created", number), ("updated", number), ("deleted", number),
                ("unchanged", number), ("changes", type("array", [("items", type("object"))])),
                ("warnings", type("array", [("items", type("string"))])), ("confirm_by", number), ("workers", type("array")),
            ], required: ["dry_run", "revision", "created", "updated", "deleted", "unchanged", "changes", "warnings"])
    }

    private static var change: JSONValue { object([("revision", type("integer")), ("workers", type("array"))], required: []) }

    private static var tokenWish: JSONValue {
        object(
            [
                ("name", type("string", [("pattern", .string("^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"))])),
                ("role", type("string", [("enum", .strings(AdminRole.allCases.map(\.rawValue)))])),
                (
                    "scopes",
                    type(
                        "array",
                        [
                            ("maxItems", .int(64)),
                            (
                                "items",
                                type(
                                    "string",
                                    [
                                        (
                                            "pattern",
                                            .string(
                                                "^(\(AdminScope.resources.map { $0 == "*" ? "\\*" : $0 }.joined(separator: "|"))):(read|write|\\*)$"
                                            )
                                        )
                                    ])
                            ),
                        ])
                ),
                ("expires_in", type("string", [("description", .string("A duration such as 720h; absent = for ever."))])),
            ], required: ["name", "role"], closed: true)
    }

    private static func plugin(_ call: PluginRequest.Call) -> JSONValue {
        .object([
            ("type", .string("object")), ("properties", .object(PluginRequest.keys(call).map { ($0, .object([])) })),
            ("additionalProperties", .bool(false)),
        ])
    }

    private static var explain: JSONValue { object([("method", type("string")), ("url", type("string"))], required: []) }
}
