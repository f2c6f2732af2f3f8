// Requests and answers of the admin API as values, and the two kinds of answer it gives: JSON, and problems (RFC 9457).
// No server in here: `Server/LocalServer.swift` carries them over HTTP.
import Foundation
import SluiceModel

struct AdminRequest: Sendable {
    var method: String
    /// Path without query, percent-encoded as it came.
    var path: String
    var query: [String: String] = [:]
    var contentType: String?
    var body: [UInt8] = []
    /// X-Sluice-Signature, or the part "signature" of a form: 64 bytes, or base64 of them.
    var signature: [UInt8]?
    /// Instead of a body: the file of an upload, and the small parts that came with it. Whoever answers removes the file.
    var upload: UploadedFile?
    var fields: [String: String] = [:]
    /// Fields as they came; nil = absent.
    var accept: String?
    var authorization: String?
    var ifMatch: String?
    var ifNoneMatch: String?
    /// Where it came from: an address, or "unix".
    var address = ""
    /// Set by the gate; nil = it has not been asked yet.
    var principal: AdminPrincipal?

    /// The content type without its parameters, in lower case.
    var mediaType: String {
        (contentType ?? "").prefix { $0 != ";" }.trimmingCharacters(in: .whitespaces).lowercased()
    }
    /// Its body is a plugin: taken to a file as it comes, never into memory.
    var isUpload: Bool {
        let parts = path.split(separator: "/")
        guard method == "POST", ["application/octet-stream", "multipart/form-data"].contains(mediaType) else { return false }
        return parts == ["v1", "plugins"] || (parts.count == 4 && parts[..<2] == ["v1", "plugins"] && parts[3] == "canary")
    }
}

/// Where an upload may go.
enum UploadPlace: Sendable {
    case refused(AdminResponse)
    /// A folder of ours.
    case folder(String)
}

struct AdminResponse: Sendable, Equatable {
    var status: Int
    var contentType: String
    var headers: [String: String] = [:]
    var body: [UInt8]

    /// An answer that is thrown where a value was wanted.
    struct Refusal: Error {
        var response: AdminResponse
        init(_ response: AdminResponse) { self.response = response }
    }

    static func json(_ value: JSONValue, status: Int = 200, headers: [String: String] = [:]) -> AdminResponse {
        AdminResponse(status: status, contentType: "application/json", headers: headers, body: Array((value.text() + "\n").utf8))
    }
    static func text(_ text: String, contentType: String = "text/plain; charset=utf-8", status: Int = 200) -> AdminResponse {
        AdminResponse(status: status, contentType: contentType, body: Array(text.utf8))
    }
    /// `type` is a name under urn:sluice:problem; `errors` one line each.
    static func problem(
        _ status: Int, _ type: String, _ title: String, _ detail: String, errors: [String] = [], headers: [String: String] = [:]
    ) -> AdminResponse {
        problem(status, type, title, detail, errors.map { .object([("detail", .string($0))]) }, headers)
    }
    /// With places: each says the JSON pointer into the body, what was found, and what is allowed.
    static func problem(_ status: Int, _ type: String, _ title: String, _ detail: String, places: [PolicyProblem]) -> AdminResponse {
        problem(
            status, type, title, detail,
            places.map { place in
                .object(
                    [("pointer", .string(place.pointer)), ("detail", .string(place.detail))]
                        + (place.allowed.isEmpty ? [] : [("allowed", .string(place.allowed))]))
            }, [:])
    }
    private static func problem(
        _ status: Int, _ type: String, _ title: String, _ detail: String, _ errors: [JSONValue], _ headers: [String: String]
    ) -> AdminResponse {
        var members: [(String, JSONValue)] = [
            ("type", .string("urn:sluice:problem:\(type)")), ("title", .string(title)), ("status", .int(status)),
            ("detail", .string(detail)),
        ]
        if !errors.isEmpty { members.append(("errors", .array(errors))) }
        return AdminResponse(
            status: status, contentType: "application/problem+json", headers: headers,
            body: Array((JSONValue.object(members).text() + "\n").utf8))
    }

    static func unauthorizedOrigin(_ detail: String) -> AdminResponse { .problem(403, "forbidden", "Not allowed", detail) }
    static func unsupported(_ request: AdminRequest, _ allowed: [String]) -> AdminResponse {
        .problem(
            415, "media-type", "Unsupported media type",
            "found content type \(quote(request.contentType ?? "")); allowed: \(allowed.joined(separator: ", "))")
    }
}
