// What a call of the admin API wants of a plugin, checked: the keys of a JSON object, or the query and parts of an upload. Both mean the
// same under the same names.
import Foundation
import SluiceModel

struct PluginRequest {
    enum Call: Sendable { case load, upload, canary, canaryUpload, rollback }
    struct Refusal: Error { var response: AdminResponse }

    private static let rollout = ["errors_max", "latency_max_ms", "min_calls", "seconds"]
    /// Keys that a call knows.
    static func keys(_ call: Call) -> [String] {
        switch call {
        case .load: ["path", "name", "sha256", "signature", "capabilities", "dry_run"] + rollout
        case .upload: ["name", "sha256", "signature", "capabilities", "dry_run"] + rollout
        case .canary: ["path", "generation", "version", "sha256", "signature", "capabilities", "share"] + rollout
        case .canaryUpload: ["sha256", "signature", "capabilities", "share"] + rollout
        case .rollback: ["generation", "version", "reason"]
        }
    }

    private let call: Call
    private var wish = LoadWish()
    private var reason: String?
    private var errors: [String] = []

    /// The wish, and the reason that was given (rollback).
    static func read(_ request: AdminRequest, _ call: Call) -> Result<(LoadWish, String?), Refusal> {
        var reading = PluginRequest(call: call)
        if request.upload == nil {
            // Nothing to say is an empty body, for calls that need nothing.
            if !(request.body.isEmpty && (call == .rollback)) {
                switch members(request, call) {
                case .failure(let refusal): return .failure(refusal)
                case .success(let members): for (key, value) in members { reading.take(key, value) }
                }
            }
        }
        for (key, text) in request.query.sorted(by: { $0.key < $1.key }) { reading.take(key, fromText: text, "?" + key) }
        for (key, text) in request.fields.sorted(by: { $0.key < $1.key }) {
            reading.take(key == "digest" ? "sha256" : key, fromText: text, "part " + key)
        }
        if let signature = request.signature { reading.wish.signature = signature }
        reading.wish.upload = request.upload
        reading.whole()
        guard let first = reading.errors.first else { return .success((reading.wish, reading.reason)) }
        return .failure(Refusal(response: .problem(400, "body", "Wrong body", first, errors: reading.errors)))
    }

    private init(call: Call) { self.call = call }

    private static func members(_ request: AdminRequest, _ call: Call) -> Result<[(String, JSONValue)], Refusal> {
        func refuse(_ response: AdminResponse) -> Result<[(String, JSONValue)], Refusal> { .failure(Refusal(response: response)) }
        guard request.mediaType == "application/json" else {
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
            return refuse(.problem(400, "body", "Wrong body", "allowed: an object with \(keys(call).joined(separator: ", "))"))
        }
        return .success(members)
    }

    // One value

    private mutating func take(_ key: String, fromText text: String, _ place: String) {
        let value: JSONValue =
            switch key {
            case "capabilities": .strings(text.split(separator: ",").map { String($0).trimmingCharacters(in: .whitespaces) })
            case "dry_run":
                ["1": JSONValue.bool(true), "true": .bool(true), "0": .bool(false), "false": .bool(false)][text] ?? .string(text)
            case "name", "sha256", "signature", "version", "reason", "path": .string(text)
            default: Double(text) == nil ? .string(text) : .number(text)
            }
        take(key, value, place)
    }

    private mutating func take(_ key: String, _ value: JSONValue, _ place: String? = nil) {
        let place = place ?? key, known = Self.keys(call)
        func wrong(_ allowed: String) -> String { "\(place): found \(value.text()); allowed: \(allowed)" }
        guard known.contains(key) else {
            errors.append("unknown key \(quote(key)); allowed: \(known.joined(separator: ", "))\(Suggestion.clause(for: key, in: known))")
            return
        }
        switch (key, value) {
        case ("path", .string(let path)) where path.hasPrefix("/") && SchemaText.filePath.problem(path) == nil: wish.path = path
        case ("path", _): errors.append(wrong("an absolute path"))
        case ("name", .string(let name)) where SchemaText.pluginName.problem(name) == nil: wish.name = name
        case ("name", _): errors.append(wrong(SchemaText.pluginName.allowed))
        case ("dry_run", .bool(let flag)): wish.dryRun = flag
        case ("dry_run", _): errors.append(wrong("true or false (1 or 0)"))
        case ("sha256", .string(let text)) where Self.isDigest(text): wish.sha256 = text.lowercased()
        case ("sha256", _): errors.append(wrong("64 hexadecimal digits"))
        case ("signature", .string(let text)): wish.signature = Array(text.utf8)
        case ("signature", _): errors.append(wrong("base64 of 64 bytes"))
        case ("capabilities", .array(let items)) where items.allSatisfy({ $0.string.flatMap(Capability.init) != nil }):
            wish.capabilities = items.compactMap(\.string)
        case ("capabilities", _): errors.append(wrong("a list of " + Capability.names.joined(separator: ", ")))
        case ("version", .string(let text)) where text.utf8.count <= 200: wish.version = text
        case ("version", _): errors.append(wrong("a version as the plugin gives it"))
        case ("reason", .string(let text)) where (1...200).contains(text.utf8.count) && text.utf8.allSatisfy({ $0 >= 0x20 }): reason = text
        case ("reason", _): errors.append(wrong("a text of 1 to 200 bytes on one line"))
        default: number(key, value, wrong)
        }
    }

    private mutating func number(_ key: String, _ value: JSONValue, _ wrong: (String) -> String) {
        var number: Double?
        if case .number(let text) = value { number = Double(text) }
        func within(_ range: ClosedRange<Double>, whole: Bool = false) -> Double? {
            number.flatMap { range.contains($0) && (!whole || $0.rounded() == $0) ? $0 : nil }
        }
        switch key {
        case "generation":
            wish.generation = within(1...1e15, whole: true).map { UInt64($0) }
            if wish.generation == nil { errors.append(wrong("a generation's number")) }
        case "share":
            wish.rollout.share = within(0.01...50)
            if wish.rollout.share == nil { errors.append(wrong("0.01 to 50 (percent)")) }
        case "errors_max":
            wish.rollout.errorsMax = within(0...100)
            if wish.rollout.errorsMax == nil { errors.append(wrong("0 to 100 (percent)")) }
        case "latency_max_ms":
            wish.rollout.latencyMaxMs = within(0.001...86_400_000)
            if wish.rollout.latencyMaxMs == nil { errors.append(wrong("0.001 to 86400000 (milliseconds)")) }
        case "min_calls":
            let range = Limits.pluginMinCallsRange
            wish.rollout.minCalls = within(Double(range.lowerBound)...Double(range.upperBound), whole: true).map { UInt64($0) }
            if wish.rollout.minCalls == nil { errors.append(wrong("\(range.lowerBound) to \(range.upperBound)")) }
        default:
            let range = Limits.pluginSecondsRange
            wish.rollout.seconds = within(Double(range.lowerBound)...Double(range.upperBound), whole: true).map { Int($0) }
            if wish.rollout.seconds == nil { errors.append(wrong("\(range.lowerBound) to \(range.upperBound)")) }
        }
    }

    private mutating func whole() {
        switch call {
        case .load where wish.path == nil && wish.name == nil && errors.isEmpty:
            errors.append("neither path nor name is given; needed: one of them")
        case .canary where [wish.path != nil, wish.generation != nil, wish.version != nil].count(where: \.self) != 1 && errors.isEmpty:
            errors.append("needed: exactly one of path, generation, version")
        default: break
        }
    }

    private static func isDigest(_ text: String) -> Bool {
        text.utf8.count == 64 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0 | 0x20) }
    }
}
