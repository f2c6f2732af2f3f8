// Targets of clusters and credentials of consumers as resources of their own: each write is read, change and compare-and-set of the object
// that holds the list, so two writers of different items never lose one. The tag of an item is the tag of its object.
import SluiceModel

extension AdminAPI {
    /// How often a write starts again because somebody else changed the object meanwhile.
    private static let attemptsMax = 20

    private struct Found { var object: PolicyObject; var items: [JSONValue] }

    private func holder(_ nested: ObjectResource.Nested, _ call: AdminCall) async -> Found? {
        guard let object = await control.object(nested.parent, call["id"]) else { return nil }
        return Found(object: object, items: object.json[nested.list]?.array ?? [])
    }

    private static func shown(_ item: JSONValue) -> JSONValue {
        .object((item.members ?? []).map { ($0.0, $0.0 == "secret" ? .string(SecretKeeper.mask) : $0.1) })
    }

    private static func missing(_ nested: ObjectResource.Nested, _ name: String, _ id: String) -> AdminResponse.Refusal {
        .init(
            .problem(
                404, "not-found", "Not found",
                "no \(nested.name.lowercased()) \(quote(name)) in \(nested.parent.one) \(quote(id)); "
                    + "GET /v1/\(nested.parent.rawValue)/ID/\(nested.list) lists them"
            ))
    }

    func listNested(_ nested: ObjectResource.Nested, _ call: AdminCall) async -> AdminResponse {
        guard let found = await holder(nested, call) else { return await unknown(nested.parent, call["id"]) }
        return Self.tagged(
            .object([("items", .array(found.items.map(Self.shown))), ("total", .int(found.items.count)), ("next", .null)]), found.object,
            call)
    }

    func getNested(_ nested: ObjectResource.Nested, _ call: AdminCall) async -> AdminResponse {
        guard let found = await holder(nested, call) else { return await unknown(nested.parent, call["id"]) }
        guard let item = found.items.first(where: { $0[nested.key]?.string == call[nested.parameter] }) else {
            return Self.missing(nested, call[nested.parameter], call["id"]).response
        }
        return Self.tagged(Self.shown(item), found.object, call)
    }

    func postNested(_ nested: ObjectResource.Nested, _ call: AdminCall) async -> AdminResponse {
        let value: JSONValue
        switch call.json() {
        case .failure(let refusal): return refusal.response
        case .success(let read): value = read
        }
        guard let name = value[nested.key]?.string else {
            return .problem(
                422, "invalid", "Invalid object", "nothing changed: /\(nested.key): found none",
                places: [PolicyProblem(pointer: value.members == nil ? "" : "/\(nested.key)", found: "found none", allowed: "its name")])
        }
        return await changing(nested, call, name, created: true) { (items, index) throws(AdminResponse.Refusal) in
            guard index == nil else {
                throw .init(.problem(409, "exists", "Already there", "nothing changed: \(quote(name)) is there; PUT replaces it"))
            }
            items.append(value)
        }
    }

    func putNested(_ nested: ObjectResource.Nested, _ call: AdminCall) async -> AdminResponse {
        let value: JSONValue
        do throws(AdminResponse.Refusal) { value = try Self.named(call[nested.parameter], try call.json().get(), key: nested.key) } catch {
            return error.response
        }
        return await changing(nested, call, call[nested.parameter]) { (items, index) throws(AdminResponse.Refusal) in
            if let index { items[index] = value } else { items.append(value) }
        }
    }

    func patchNested(_ nested: ObjectResource.Nested, _ call: AdminCall) async -> AdminResponse {
        let patch: JSONValue
        switch call.json(Self.patchTypes) {
        case .failure(let refusal): return refusal.response
        case .success(let read): patch = read
        }
        return await changing(nested, call, call[nested.parameter]) { (items, index) throws(AdminResponse.Refusal) in
            guard let index else { throw Self.missing(nested, call[nested.parameter], call["id"]) }
            items[index] = try Self.named(call[nested.parameter], PolicyCheck.merged(items[index], patch), key: nested.key)
        }
    }

    func deleteNested(_ nested: ObjectResource.Nested, _ call: AdminCall) async -> AdminResponse {
        await changing(nested, call, call[nested.parameter]) { (items, index) throws(AdminResponse.Refusal) in
            guard let index else { throw Self.missing(nested, call[nested.parameter], call["id"]) }
            items.remove(at: index)
        }
    }

    /// - Parameter body: changes the list; the index is that of the item with this name.
    private func changing(
        _ nested: ObjectResource.Nested, _ call: AdminCall, _ name: String, created: Bool = false,
        _ body: (inout [JSONValue], Int?) throws(AdminResponse.Refusal) -> Void
    ) async -> AdminResponse {
        let asked: [ETag]?
        do throws(AdminResponse.Refusal) { asked = try Self.match(call) } catch { return error.response }
        var response = AdminResponse.problem(503, "busy", "Busy", "others change it all the time; try again", headers: ["Retry-After": "1"])
        for _ in 0..<Self.attemptsMax {
            guard let found = await holder(nested, call) else { return await unknown(nested.parent, call["id"]) }
            var items = found.items
            let index = items.firstIndex { $0[nested.key]?.string == name }
            do throws(AdminResponse.Refusal) {
                try body(&items, index)
            } catch {
                return error.response
            }
            response = await writing(call) { () throws(AdminResponse.Refusal) in
                [.patch(nested.parent, id: call["id"], .object([(nested.list, .array(items))]), ifMatch: asked ?? [found.object.etag])]
            }
            if response.status == 412, asked == nil { continue }
            response = Self.relative(response, to: "/\(nested.list)/\(index ?? items.count - 1)")
            if response.status == 200, index == nil, created || !call.isDryRun { response.status = call.isDryRun ? 200 : 201 }
            return response
        }
        return response
    }

    /// Pointers into the object become pointers into the item that was sent.
    private static func relative(_ response: AdminResponse, to prefix: String) -> AdminResponse {
        guard response.status == 422, let json = try? JSONReader.read(response.body), let members = json.members else { return response }
        var out = response
        let cut = members.map { name, value -> (String, JSONValue) in
            guard name == "errors", let errors = value.array else { return (name, value) }
            return (
                name,
                .array(
                    errors.map { error in
                        .object(
                            (error.members ?? []).map { key, text in
                                let pointer = text.string ?? ""
                                return key == "pointer" && pointer.hasPrefix(prefix)
                                    ? (key, .string(String(pointer.dropFirst(prefix.count)))) : (key, text)
                            })
                    })
            )
        }
        out.body = Array((JSONValue.object(cut).text() + "\n").utf8)
        return out
    }
}
