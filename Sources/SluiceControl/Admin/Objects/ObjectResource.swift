// The kinds of policy objects as resources of the admin API: their names in paths and in the document, the fields that lists can be filtered
// by, and how an object looks to a reader. What may be done with them is in `ObjectAPI.swift`.
import Foundation
import SluiceModel

struct ObjectResource: Sendable {
    var kind: PolicyKind
    /// "Route": component of the document, and end of operation ids.
    var name: String
    var filters: [Filter]

    struct Filter: Sendable {
        var name: String
        var doc: String
        /// The values of an object that are compared.
        var values: @Sendable (PolicyValue) -> [String]
    }
    /// A list inside an object whose items are resources of their own.
    struct Nested: Sendable {
        var parent: PolicyKind
        /// "targets"
        var list: String
        /// Key of an item that names it.
        var key: String
        /// "Target"
        var name: String
        var secrets: Bool
        /// What its name is called in paths; "id" is the object that holds it.
        var parameter: String { key == "id" ? name.lowercased() : key }
    }

    static let all: [ObjectResource] = PolicyKind.allCases.map(resource)
    static let nested: [Nested] = [
        Nested(parent: .clusters, list: "targets", key: "address", name: "Target", secrets: false),
        Nested(parent: .consumers, list: "credentials", key: "id", name: "Credential", secrets: true),
    ]

    static func resource(_ kind: PolicyKind) -> ObjectResource {
        switch kind {
        case .routes:
            ObjectResource(
                kind: kind, name: "Route",
                filters: [
                    Filter(name: "cluster", doc: "A cluster that the route names.") { route($0)?.clusters.sorted() ?? [] },
                    Filter(name: "host", doc: "A host pattern of the route.") { route($0)?.hosts ?? [] },
                    Filter(name: "path", doc: "A path pattern of the route.") { route($0)?.paths ?? [] },
                    Filter(name: "method", doc: "A method of the route.") { route($0)?.methods ?? [] },
                    Filter(name: "plugin", doc: "A plugin that the route binds.") { route($0)?.plugins.map(\.name) ?? [] },
                ])
        case .clusters:
            ObjectResource(
                kind: kind, name: "Cluster",
                filters: [
                    Filter(name: "target", doc: "Address of a target.") {
                        if case .cluster(let c) = $0 { c.targets.map(\.address) } else { [] }
                    }
                ])
        case .globalPlugins:
            ObjectResource(
                kind: kind, name: "GlobalPlugin",
                filters: [Filter(name: "name", doc: "Name of the plugin.") { if case .globalPlugin(let b) = $0 { [b.name] } else { [] } }])
        case .consumers:
            ObjectResource(
                kind: kind, name: "Consumer",
                filters: [
                    Filter(name: "label", doc: "NAME=VALUE of a label.") {
                        if case .consumer(let c) = $0 { c.labels.map { "\($0.name)=\($0.value)" } } else { [] }
                    },
                    Filter(name: "credential", doc: "Public name of a credential.") {
                        if case .consumer(let c) = $0 { c.credentials.map(\.name).filter { !$0.isEmpty } } else { [] }
                    },
                ])
        case .certificates:
            ObjectResource(
                kind: kind, name: "Certificate",
                filters: [
                    Filter(name: "name", doc: "A name that the certificate is for.") {
                        if case .certificate(let c) = $0 { CertificateFacts(chain: c.chain)?.names ?? [] } else { [] }
                    }
                ])
        case .ipSets:
            ObjectResource(
                kind: kind, name: "IPSet",
                filters: [
                    Filter(name: "address", doc: "An address or network of the set.") {
                        if case .ipSet(let s) = $0 { s.addresses } else { [] }
                    }
                ])
        }
    }

    private static func route(_ value: PolicyValue) -> Route? { if case .route(let route) = value { route } else { nil } }

    /// Members that only readers see; written back they are ignored.
    static let readOnly = "info"

    /// An object as readers get it: secrets masked, and what is known of it besides.
    static func view(_ object: PolicyObject) -> JSONValue {
        guard case .certificate(let certificate) = object.value, let facts = CertificateFacts(chain: certificate.chain) else {
            return object.masked
        }
        return .object((object.masked.members ?? []) + [(readOnly, facts.json)])
    }

    /// In a list: with what a single object has in its header fields.
    static func item(_ object: PolicyObject) -> JSONValue {
        .object([
            ("id", .string(object.id)), ("etag", .string(object.etag.text)), ("created_at", .int(object.createdAt)),
            ("updated_at", .int(object.updatedAt)), ("value", view(object)),
        ])
    }

    /// A value to be written, without what only readers see.
    static func withoutInfo(_ kind: PolicyKind, _ value: JSONValue) -> JSONValue {
        guard kind == .certificates, let members = value.members else { return value }
        return .object(members.filter { $0.0 != readOnly })
    }
}

/// ETags of header fields (RFC 9110 8.8.3 and 13.1).
enum ETagField {
    /// Strong tags of a list, without quotes; empty = "*"; nil = malformed.
    static func read(_ text: String) -> [ETag]? {
        if text.trimmingCharacters(in: .whitespaces) == "*" { return [] }
        var out: [ETag] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            var tag = part.trimmingCharacters(in: .whitespaces)
            // A weak tag never matches strongly, but it is well-formed.
            let isWeak = tag.hasPrefix("W/")
            if isWeak { tag.removeFirst(2) }
            guard tag.count >= 2, tag.hasPrefix("\""), tag.hasSuffix("\""), !tag.dropFirst().dropLast().contains("\"") else { return nil }
            out.append(ETag(isWeak ? "W/" + tag : String(tag.dropFirst().dropLast())))
        }
        return out.isEmpty ? nil : out
    }

    /// If-None-Match compares weakly.
    static func matches(_ text: String, _ tag: ETag) -> Bool {
        guard let tags = read(text) else { return false }
        return tags.isEmpty || tags.contains { $0 == tag || $0.text == "W/\"\(tag.text)\"" }
    }
}
