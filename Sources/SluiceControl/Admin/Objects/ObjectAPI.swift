// Reading and writing policy objects over the admin API. Every write is one edit of `Control`, so that a dry run, the file, and the command
// line mean the same by it. Lists are in `ObjectList.swift`, items of objects in `NestedAPI.swift`.
import Foundation
import SluiceModel

extension AdminAPI {
    // Reads

    func listObjects(_ resource: ObjectResource, _ call: AdminCall) async -> AdminResponse {
        guard let query = ObjectQuery(call.request.query, resource) else {
            return .problem(400, "query", "Wrong query", "?after: found no cursor; allowed: `next` of the page before")
        }
        let all = await control.objects(resource.kind)
        let page = query.page(all)
        return .json(
            .object([
                ("items", .array(page.items.map(ObjectResource.item))), ("total", .int(page.total)),
                ("next", page.next.map(JSONValue.string) ?? .null),
            ]))
    }

    func getObject(_ kind: PolicyKind, _ call: AdminCall) async -> AdminResponse {
        guard let object = await control.object(kind, call["id"]) else { return await unknown(kind, call["id"]) }
        return Self.tagged(ObjectResource.view(object), object, call)
    }

    /// 200 with the tag, or 304 when the reader has it.
    static func tagged(_ value: JSONValue, _ object: PolicyObject, _ call: AdminCall) -> AdminResponse {
        let headers = ["ETag": "\"\(object.etag.text)\"", "Last-Modified": httpDate(object.updatedAt)]
        if let field = call.request.ifNoneMatch, ETagField.matches(field, object.etag) {
            return AdminResponse(status: 304, contentType: "", headers: headers, body: [])
        }
        return .json(value, headers: headers)
    }

    func unknown(_ kind: PolicyKind, _ id: String) async -> AdminResponse {
        let known = await control.objects(kind).prefix(1000).map(\.id)
        return .problem(
            404, "not-found", "Not found",
            "no \(kind.one) \(quote(id)); GET /v1/\(kind.rawValue) lists them\(Suggestion.clause(for: id, in: known))")
    }

    // Writes

    func putObject(_ kind: PolicyKind, _ call: AdminCall) async -> AdminResponse {
        await writing(call) { () throws(AdminResponse.Refusal) in
            let value = try Self.named(call["id"], ObjectResource.withoutInfo(kind, try call.json().get()))
            return [.put(kind, id: call["id"], value, ifMatch: try Self.match(call), ifNoneMatch: try Self.isNew(call))]
        }
    }

    /// Creates only.
    func postObject(_ kind: PolicyKind, _ call: AdminCall) async -> AdminResponse {
        let value: JSONValue
        switch call.json() {
        case .failure(let refusal): return refusal.response
        case .success(let read): value = ObjectResource.withoutInfo(kind, read)
        }
        let id = value["id"]?.string ?? (kind == .globalPlugins ? value["name"]?.string : nil)
        guard let id else {
            return .problem(
                422, "invalid", "Invalid object", "nothing changed: /id: found none",
                places: [PolicyProblem(pointer: value.members == nil ? "" : "/id", found: "found none", allowed: SchemaText.id.allowed)])
        }
        guard await control.object(kind, id) == nil else {
            return .problem(409, "exists", "Already there", "nothing changed: the \(kind.one) \(quote(id)) is there; PUT replaces it")
        }
        var response = await writing(call) { () throws(AdminResponse.Refusal) in [.put(kind, id: id, value, ifNoneMatch: true)] }
        // Somebody else was faster.
        if response.status == 412 {
            response = .problem(409, "exists", "Already there", "nothing changed: the \(kind.one) \(quote(id)) is there; PUT replaces it")
        }
        if response.status == 201 { response.headers["Location"] = "/v1/\(kind.rawValue)/\(id)" }
        return response
    }

    static let patchTypes = ["application/merge-patch+json", "application/json"]

    func patchObject(_ kind: PolicyKind, _ call: AdminCall) async -> AdminResponse {
        await writing(call) { () throws(AdminResponse.Refusal) in
            let patch = ObjectResource.withoutInfo(kind, try call.json(Self.patchTypes).get())
            guard patch.members != nil else {
                throw .init(
                    .problem(
                        422, "invalid", "Invalid patch", "nothing changed: the patch is no object",
                        places: [PolicyProblem(pointer: "", found: "found no object", allowed: "an object (RFC 7396)")]))
            }
            return [.patch(kind, id: call["id"], patch, ifMatch: try Self.match(call))]
        }
    }

    func deleteObject(_ kind: PolicyKind, _ call: AdminCall) async -> AdminResponse {
        await writing(call) { () throws(AdminResponse.Refusal) in [.delete(kind, id: call["id"], ifMatch: try Self.match(call))] }
    }

    /// Makes the edit and answers what came of it.
    func writing(_ call: AdminCall, _ operations: () throws(AdminResponse.Refusal) -> [PolicyOperation]) async -> AdminResponse {
        let wanted: [PolicyOperation]
        do throws(AdminResponse.Refusal) { wanted = try operations() } catch { return error.response }
        var edit = PolicyEdit(wanted, actor: call.principal.actor, comment: call.request.query["comment"] ?? "", dryRun: call.isDryRun)
        edit.confirmWithinSeconds = call.request.query["confirm_within"].flatMap { Quantity.duration($0) }.map { $0 / 1000 }
        edit.basedOn = call.request.query["based_on"].flatMap { UInt64($0) }
        do throws(ChangeRefusal) { return Self.report(try await control.edit(edit), isDryRun: edit.dryRun, this: this(wanted)) } catch {
            return refused(error)
        }
    }

    /// The one object that these operations are about; nil when there may be several.
    private func this(_ operations: [PolicyOperation]) -> PolicyKey? {
        guard operations.count == 1 else { return nil }
        switch operations[0] {
        case .put(let kind, let id, _, _, _), .patch(let kind, let id, _, _), .delete(let kind, let id, _):
            return PolicyKey(kind: kind, id: id)
        case .apply, .rollback: return nil
        }
    }

    // Fields

    /// If-Match; nil = not asked for.
    static func match(_ call: AdminCall) throws(AdminResponse.Refusal) -> [ETag]? {
        guard let field = call.request.ifMatch else { return nil }
        guard let tags = ETagField.read(field) else {
            throw .init(.problem(400, "header", "Wrong field", "If-Match: found \(quote(field)); allowed: * or \"TAG\", …"))
        }
        return tags
    }

    /// If-None-Match: * of a write.
    static func isNew(_ call: AdminCall) throws(AdminResponse.Refusal) -> Bool {
        guard let field = call.request.ifNoneMatch else { return false }
        guard ETagField.read(field)?.isEmpty == true else {
            throw .init(.problem(400, "header", "Wrong field", "If-None-Match: found \(quote(field)); allowed with a write: *"))
        }
        return true
    }

    /// The path names the object: a body without an id gets it, one with another is refused.
    static func named(_ id: String, _ value: JSONValue, key: String = "id") throws(AdminResponse.Refusal) -> JSONValue {
        guard let members = value.members else { return value }
        guard let given = value[key] else { return .object([(key, .string(id))] + members) }
        guard given.string == id else {
            throw .init(
                .problem(
                    422, "invalid", "Invalid object", "nothing changed: /\(key): another name than the path's",
                    places: [
                        PolicyProblem(
                            pointer: "/\(key)", found: "found \(quote(given.string ?? given.text()))",
                            allowed: quote(id) + ", as in the path")
                    ]
                ))
        }
        return value
    }

    static func httpDate(_ ms: UInt64) -> String {
        var seconds = time_t(ms / 1000), parts = tm()
        gmtime_r(&seconds, &parts)
        var buffer = [CChar](repeating: 0, count: 40)
        // English whatever the locale: the process never sets one.
        return String(
            decoding: buffer.withUnsafeMutableBufferPointer { room in
                let n = strftime(room.baseAddress!, 40, "%a, %d %b %Y %H:%M:%S GMT", &parts)
                return room.prefix(n).map { UInt8(bitPattern: $0) }
            }, as: UTF8.self)
    }
}
