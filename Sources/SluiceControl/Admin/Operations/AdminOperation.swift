// What an operation of the admin API is: the declaration from which requests are routed and checked, and from which the OpenAPI document
// is made. The operations themselves are in the files beside this one; `OperationTable.swift` has them all.
import SluiceModel

struct AdminOperation: Sendable {
    enum Method: String, Sendable, CaseIterable { case get = "GET", put = "PUT", post = "POST", patch = "PATCH", delete = "DELETE" }

    /// "listRoutes": operationId of the document.
    var id: String
    var method: Method
    /// "/v1/routes/{id}"
    var path: String
    var summary: String
    /// Heading in the document.
    var tag: String
    /// nil: anybody, without a token.
    var role: AdminRole?
    /// Resource of the scopes that allow it.
    var scope: String
    var parameters: [AdminParameter] = []
    var body: AdminBody?
    var answers: [AdminAnswer]
    var run: @Sendable (AdminAPI, AdminCall) async -> AdminResponse
    /// Asked with a body, changes nothing.
    var isQuestion = false

    var writes: Bool { method != .get && !isQuestion }
    /// Its revision says who did it and what changed.
    var isPolicyEdit: Bool { PolicyKind(rawValue: scope) != nil || ["apply", "rollBackTo"].contains(id) }

    /// Why this principal may not; nil = he may.
    func refusal(_ principal: AdminPrincipal) -> AdminResponse? {
        guard let role else { return nil }
        if !principal.isKnown { return Gate.unauthorized("\(method.rawValue) \(path) needs a token") }
        guard principal.role >= role else {
            return .problem(
                403, "role", "Not allowed",
                "the token \(quote(principal.name)) has the role \(principal.role.rawValue); needed: \(role.rawValue)")
        }
        guard principal.scopes.isEmpty || principal.scopes.contains(where: { $0.allows(scope, writes: writes) }) else {
            return .problem(
                403, "scope", "Not allowed",
                "the token \(quote(principal.name)) has the scopes \(principal.scopes.map(\.text).joined(separator: ", ")); needed: "
                    + "\(scope):\(writes ? "write" : "read")")
        }
        return nil
    }
}

struct AdminParameter: Sendable {
    enum Place: String, Sendable { case path, query, header }
    var name: String
    var place: Place
    var doc: String
    var kind: Kind
    enum Kind: Sendable {
        case text(max: Int)
        case whole(ClosedRange<Int>)
        case decimal(ClosedRange<Double>)
        case flag
        case choice([String])
        case duration(ClosedRange<Int>)
    }

    static func query(_ name: String, _ kind: Kind, _ doc: String) -> AdminParameter {
        AdminParameter(name: name, place: .query, doc: doc, kind: kind)
    }
    static func path(_ name: String, _ doc: String) -> AdminParameter {
        AdminParameter(name: name, place: .path, doc: doc, kind: .text(max: 255))
    }
    static func header(_ name: String, _ doc: String) -> AdminParameter {
        AdminParameter(name: name, place: .header, doc: doc, kind: .text(max: 4096))
    }

    static let dryRun = query("dry_run", .flag, "Check and compile everything, say what would change, change nothing.")

    /// What is wrong with `text`; nil = nothing.
    func problem(_ text: String) -> String? {
        let good =
            switch kind {
            case .text(let max): text.utf8.count <= max && !text.utf8.contains(0)
            case .whole(let range): Int(text).map { range.contains($0) && text.utf8.allSatisfy { (0x30...0x39).contains($0) } } ?? false
            case .decimal(let range): Double(text).map(range.contains) ?? false
            case .flag: Self.flags[text] != nil
            case .choice(let words): words.contains(text)
            case .duration(let range): Quantity.duration(text).map(range.contains) ?? false
            }
        return good ? nil : "?\(name): found \(quote(text)); allowed: \(allowed)"
    }

    static let flags = ["1": true, "true": true, "0": false, "false": false]

    var allowed: String {
        switch kind {
        case .text(let max): "a text of at most \(max) bytes"
        case .whole(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .decimal(let range): "a number from \(range.lowerBound) to \(range.upperBound)"
        case .flag: "1, true, 0 or false"
        case .choice(let words): words.joined(separator: ", ")
        case .duration(let range):
            "a duration such as 60s, from \(Quantity.text(ms: range.lowerBound)) to \(Quantity.text(ms: range.upperBound))"
        }
    }
}

struct AdminBody: Sendable {
    var mediaTypes: [String] = ["application/json"]
    var required = true
    var schema: AdminSchema
    var bytesMax = AdminAPI.bodyBytesMax
}

struct AdminAnswer: Sendable {
    var status: Int
    var doc: String
    var mediaType = "application/json"
    /// Other forms that Accept or a parameter can ask for.
    var otherTypes: [String] = []
    var schema: AdminSchema?
    static func ok(_ doc: String, _ schema: AdminSchema = .anything) -> AdminAnswer { AdminAnswer(status: 200, doc: doc, schema: schema) }
    static func document(_ doc: String, _ schema: AdminSchema) -> AdminAnswer {
        AdminAnswer(status: 200, doc: doc, otherTypes: ["application/yaml"], schema: schema)
    }
    static func problem(_ status: Int, _ doc: String) -> AdminAnswer {
        AdminAnswer(status: status, doc: doc, mediaType: "application/problem+json", schema: .component("Problem"))
    }
}

enum AdminSchema: Sendable {
    /// "#/components/schemas/NAME"
    case component(String)
    case listOf(String)
    case anything
    case text
}

/// A request on its way to the operation it asks for.
struct AdminCall: Sendable {
    var request: AdminRequest
    /// Values of the path's parameters, decoded.
    var path: [String: String]

    subscript(name: String) -> String { path[name] ?? "" }
    var principal: AdminPrincipal { request.principal ?? .nobody(request.address) }
    func flag(_ name: String) -> Bool { request.query[name].flatMap { AdminParameter.flags[$0] } ?? false }
    var isDryRun: Bool { flag("dry_run") }

    /// The body as JSON, or the refusal: 415, or 400 with the position.
    func json(_ mediaTypes: [String] = ["application/json"]) -> Result<JSONValue, AdminResponse.Refusal> {
        guard mediaTypes.contains(request.mediaType) else { return .failure(.init(.unsupported(request, mediaTypes))) }
        do throws(JSONReader.Failure) { return .success(try JSONReader.read(request.body)) } catch {
            return .failure(
                .init(
                    .problem(
                        400, "json", "Malformed JSON", "line \(error.position.line), column \(error.position.column): \(error.message)")))
        }
    }
}
