// The body of `POST /v1/plugins/load`, checked.
import SluiceModel

struct LoadRequest: Sendable, Equatable {
    /// Absolute; nil = the configured path of `name`.
    var path: String?
    var name: String?
    var dryRun = false

    struct Refusal: Error { var response: AdminResponse }

    static func read(_ request: AdminRequest) -> Result<LoadRequest, Refusal> {
        func refuse(_ response: AdminResponse) -> Result<LoadRequest, Refusal> { .failure(Refusal(response: response)) }
        let type = request.contentType?.split(separator: ";").first.map { $0.trimmingPrefix(" ").lowercased() } ?? ""
        guard type == "application/json" || type.hasPrefix("application/json ") else {
            return refuse(
                .problem(
                    415, "media-type", "Unsupported media type",
                    "found content type \(quote(request.contentType ?? "")); allowed: application/json"))
        }
        let body: JSONValue
        do throws(JSONReader.Failure) { body = try JSONReader.read(request.body) } catch {
            return refuse(
                .problem(400, "json", "Malformed JSON", "line \(error.position.line), column \(error.position.column): \(error.message)"))
        }
        guard let members = body.members else {
            return refuse(.problem(400, "body", "Wrong body", "allowed: an object with path, name, dry_run"))
        }
        var out = LoadRequest()
        var errors: [String] = []
        for (key, value) in members {
            switch (key, value) {
            case ("path", .string(let path)) where path.hasPrefix("/") && SchemaText.filePath.problem(path) == nil: out.path = path
            case ("path", _): errors.append("path: found \(value.text()); allowed: an absolute path")
            case ("name", .string(let name)) where SchemaText.pluginName.problem(name) == nil: out.name = name
            case ("name", _): errors.append("name: found \(value.text()); allowed: \(SchemaText.pluginName.allowed)")
            case ("dry_run", .bool(let flag)): out.dryRun = flag
            case ("dry_run", _): errors.append("dry_run: found \(value.text()); allowed: true or false")
            default:
                errors.append(
                    "unknown key \(quote(key)); allowed: path, name, dry_run\(Suggestion.clause(for: key, in: ["path", "name", "dry_run"]))"
                )
            }
        }
        if errors.isEmpty, out.path == nil, out.name == nil { errors.append("neither path nor name is given; needed: one of them") }
        if let flag = request.query["dry_run"] {
            if flag == "1" || flag == "true" {
                out.dryRun = true
            } else if flag != "0", flag != "false" {
                errors.append("?dry_run: found \(quote(flag)); allowed: 1 or 0")
            }
        }
        return errors.isEmpty ? .success(out) : refuse(.problem(400, "body", "Wrong body", errors[0], errors: errors))
    }
}
