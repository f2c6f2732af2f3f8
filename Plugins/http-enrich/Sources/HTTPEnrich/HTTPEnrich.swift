// Asks an HTTP service about the one who sent a request, and hands its answer on to the upstream in header fields. `await` parks the
// request and not the worker. What is kept of answers is in `Cache.swift`; README.md beside Package.swift tells the configuration.
import SluicePlugin

@section(".sluice.manifest") @used let manifest: StaticString = """
    {"name": "http-enrich", "version": "1.0.0", "abi": 1, "vendor": "Sluice", "license": "Apache-2.0", "language": "swift",
     "phases": ["access"], "concurrency": "swift-async", "capabilities": ["http_client"],
     "needs": ["sluice.request/1", "sluice.request-edit/1", "sluice.suspend/1", "sluice.loop/1", "sluice.http-client/1"],
     "config_schema": {"type": "object", "additionalProperties": false, "required": ["url", "key_header", "headers"], "properties": {
       "url": {"type": "string", "minLength": 1, "maxLength": 2048},
       "key_header": {"type": "string", "minLength": 1, "maxLength": 64},
       "headers": {"type": "object", "additionalProperties": {"type": "string", "minLength": 1, "maxLength": 128}},
       "keep_ms": {"type": "integer", "minimum": 0, "maximum": 86400000, "default": 60000},
       "timeout_ms": {"type": "integer", "minimum": 1, "maximum": 60000, "default": 500},
       "entries_max": {"type": "integer", "minimum": 1, "maximum": 1000000, "default": 10000}}}}
    """
@c(sluice_swift_plugin) public func plugin() { register(HTTPEnrich.self) }

final class HTTPEnrich: AsyncAccessHook {
    struct Config: Codable {
        var url: String
        var key_header: String
        var headers: [String: String]
        var keep_ms: Int?
        var timeout_ms: Int?
        var entries_max: Int?
    }

    private static let keyBytesMax = 128
    private static let answerBytesMax = 65_536
    /// The url before and behind the key's place.
    private let before: String, behind: String
    private let keyHeader: String
    private let fields: [(header: String, member: String)]
    private let timeoutMs: Int
    private var cache: Cache

    init(_ config: Config) throws {
        let parts = config.url.split(separator: "{}", omittingEmptySubsequences: false)
        guard config.url.hasPrefix("http://"), parts.count == 2, !parts[0].hasSuffix("//") else {
            throw ConfigurationError("url", "http://host[:port]/path with {} once, behind the host, is needed")
        }
        guard !config.headers.isEmpty else {
            throw ConfigurationError("headers", "an object {header field: member of the answer} is needed")
        }
        for name in [config.key_header] + config.headers.keys where !Self.isFieldName(name) {
            throw ConfigurationError(name == config.key_header ? "key_header" : "headers", "\"\(name)\" is no header name")
        }
        (before, behind) = (String(parts[0]), String(parts[1]))
        keyHeader = config.key_header
        fields = config.headers.map { ($0.key, $0.value) }.sorted { $0.header < $1.header }
        timeoutMs = try Self.within(1...60_000, config.timeout_ms ?? 500, "timeout_ms")
        cache = Cache(
            keepMs: UInt64(try Self.within(0...86_400_000, config.keep_ms ?? 60_000, "keep_ms")),
            entriesMax: try Self.within(1...1_000_000, config.entries_max ?? 10_000, "entries_max"))
    }

    /// What a client put there itself never goes upstream, whether the service knows the key or not.
    func access(_ request: inout Request) async throws -> Verdict {
        for field in fields { request.headers[text: field.header] = nil }
        guard let key = request.headers[text: keyHeader], Self.isKey(key) else { return .next }
        for (name, value) in try await known(of: key) {
            request.headers[text: name] = value
            if request.headers.lastStatus != 0 { return .failed }
        }
        return .next
    }

    /// Header fields for `key`: remembered, or asked for. Throws when the service does not answer as it should; then the failure mode decides.
    private nonisolated(nonsending) func known(of key: String) async throws -> [Cache.Field] {
        if let kept = cache.find(key, nowMs: nowMs) { return kept }
        let answer = try await http.send(
            HTTPRequest(url: before + Self.escaped(key) + behind, timeoutMs: timeoutMs, bodyMaxBytes: Self.answerBytesMax))
        let fields: [Cache.Field]
        switch answer.status {
        case 200: fields = try chosen(of: answer)
        case 404: fields = []  // remembered too: nobody of that name
        default: throw ServiceError(description: "the service answered \(answer.status)")
        }
        cache.keep(key, fields, nowMs: nowMs)
        return fields
    }

    private func chosen(of answer: HTTPResponse) throws -> [Cache.Field] {
        let members = try answer.decode([String: Scalar].self)
        return fields.compactMap { field in
            guard let text = members[field.member]?.text, text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) else { return nil }
            return (field.header, text)
        }
    }

    private struct ServiceError: Error, CustomStringConvertible { let description: String }

    /// A member that fits into a header field; any other value has no text.
    private struct Scalar: Decodable {
        let text: String?
        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if let string = try? value.decode(String.self) {
                text = string
            } else if let number = try? value.decode(Int.self) {
                text = String(number)
            } else if let flag = try? value.decode(Bool.self) {
                text = flag ? "true" : "false"
            } else {
                text = nil
            }
        }
    }

    // MARK: texts

    private static func isKey(_ key: String) -> Bool { (1...keyBytesMax).contains(key.utf8.count) && key != "." && key != ".." }

    /// Everything but unreserved characters as %XX (RFC 3986 section 2.3): a key never leaves its place in the path.
    private static func escaped(_ key: String) -> String {
        var out = ""
        for byte in key.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e: out.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                out += "%" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return out
    }

    private static func isFieldName(_ s: String) -> Bool {
        (1...64).contains(s.utf8.count)
            && s.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7a).contains($0 | 0x20) || $0 == UInt8(ascii: "-") }
    }

    private static func within(_ range: ClosedRange<Int>, _ value: Int, _ field: String) throws -> Int {
        guard range.contains(value) else {
            throw ConfigurationError(field, "\(value) is outside \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }
}
