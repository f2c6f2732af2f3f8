// The admin API's part that answers questions about the policies and changes nothing: explain, rules, lint. What is answered is worked out in
// `Explain`; here it is only asked for.
import Foundation
import SluiceCEL
import SluiceModel
import SluiceRules
import SluiceSystem

extension AdminAPI {
    /// POST /v1/explain: what would happen to the described request, over the image that the workers run.
    func explain(_ body: [UInt8]) async -> AdminResponse {
        let request: SampleRequest
        switch Self.described(body) {
        case .failure(let refused): return refused.response
        case .success(let read): request = read
        }
        let configuration = await control.configuration, revision = await control.state.revision
        await control.imageKept()
        let path = control.assembler.directory.image
        return await offload {
            do {
                return .json(try RunningPolicies.with(path, configuration) { $0.explain(request).json })
            } catch {
                return .problem(503, "no-image", "No image", "the image of revision \(revision) cannot be read: \(error)")
            }
        }
    }

    /// POST /v1/rules/eval: `expression`, and `request` as explain takes it; with the address sets of what runs.
    func evaluate(_ body: [UInt8]) async -> AdminResponse {
        let json: JSONValue
        do throws(JSONReader.Failure) { json = try JSONReader.read(body) } catch {
            return .problem(400, "json", "Malformed JSON", "line \(error.position.line), column \(error.position.column): \(error.message)")
        }
        guard let text = json["expression"]?.string else {
            return .problem(
                422, "invalid", "Invalid question", "/expression: found none; allowed: an expression", errors: ["/expression: found none"])
        }
        let request: SampleRequest
        do throws(PolicyTextProblem) { request = try json["request"].map(SampleRequest.init(json:)) ?? SampleRequest() } catch {
            return .problem(422, "invalid", "Invalid request", "/request\(error)", errors: ["/request\(error)"])
        }
        let configuration = await control.configuration
        return await offload {
            do throws(CELProblem) {
                return .json(RuleAnswer.json(try Rules.evaluate(text, request, .request, configuration), text))
            } catch {
                return .problem(
                    422, "expression", "Expression refused", error.description,
                    places: [PolicyProblem(pointer: "/expression", message: error.rendering)])
            }
        }
    }

    /// GET /v1/lint
    func lint() async -> AdminResponse {
        let configuration = await control.configuration
        return await offload { .json(.object([("findings", .array(Linter.findings(configuration).map(\.json)))])) }
    }

    /// The request that a body describes, or 400 for what is no JSON and 422 with the place.
    static func described(_ body: [UInt8]) -> Result<SampleRequest, RefusedRequest> {
        let json: JSONValue
        do throws(JSONReader.Failure) { json = try JSONReader.read(body) } catch {
            let place = "line \(error.position.line), column \(error.position.column)"
            return .failure(RefusedRequest(response: .problem(400, "json", "Malformed JSON", "\(place): \(error.message)")))
        }
        do throws(PolicyTextProblem) { return .success(try SampleRequest(json: json)) } catch {
            return .failure(RefusedRequest(response: .problem(422, "invalid", "Invalid request", "\(error)", errors: ["\(error)"])))
        }
    }

    struct RefusedRequest: Error { var response: AdminResponse }
}

/// The image that was published last, mapped for as long as it is asked.
enum RunningPolicies {
    static func with<T>(_ path: String, _ configuration: Configuration, _ body: (Explainer) throws -> T) throws -> T {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw FileProblem("open", path) }
        defer { close(file) }
        let mapping = try Mapping(file, count: try Descriptor.size(file), writable: false)
        defer { mapping.unmap() }
        let view = try ImageView(base: UnsafeRawPointer(mapping.base), count: mapping.count)
        return try body(Explainer(image: view, configuration: configuration))
    }
}
