// Gives every request an identifier: a header on its way to the upstream, a header on the way back, and the attribute
// request.id for logs and other plugins. README.md beside Package.swift tells the configuration.
import SluicePlugin

@section(".sluice.manifest") @used let manifest: StaticString = """
    {"name": "request-id", "version": "1.0.0", "abi": 1, "vendor": "Sluice", "license": "Apache-2.0", "language": "swift",
     "phases": ["rewrite", "header_filter"],
     "needs": ["sluice.request/1", "sluice.request-edit/1", "sluice.response/1"],
     "config_schema": {"type": "object", "additionalProperties": false, "properties": {
       "header": {"type": "string", "default": "x-request-id"},
       "trust": {"type": "boolean", "default": false},
       "format": {"enum": ["uuid", "hex"], "default": "uuid"}}}}
    """
@c(sluice_swift_plugin) public func plugin() { register(RequestID.self) }

final class RequestID: RewriteHook, HeaderFilterHook {
    enum Format: String, Codable, CaseIterable { case uuid, hex }
    struct Config: DefaultedConfig {
        var header = "x-request-id"
        var trust = false
        var format = Format.uuid
    }

    private let header: Bytes
    private let trust: Bool
    private let format: Format
    private let random = SecureRandom()
    /// Where an identifier is written before the host copies it; hooks run one at a time.
    private let scratch = UnsafeMutablePointer<UInt8>.allocate(capacity: 36)

    init(_ config: Config) throws {
        let name = config.header
        guard Self.isFieldName(name) else {
            throw ConfigurationError("header", "\"\(name)\" is no header name; 1 to 64 letters, digits or - are allowed")
        }
        header = Self.keep(name)
        trust = config.trust
        format = config.format
    }
    deinit {
        scratch.deallocate()
        header.start.deallocate()
    }

    func rewrite(_ request: inout Request) -> Verdict {
        if trust, let given = request.headers[header], Self.isIdentifier(given) {
            request.id = given
            return .next
        }
        let id = make()
        request.id = id
        request.headers[header] = id
        return request.headers.lastStatus == 0 ? .next : .failed
    }

    func headerFilter(_ response: inout Response) -> Verdict {
        let id = response.request.id
        if id.isEmpty { return .next }  // answered before the rewrite phase reached this plugin
        response.headers[header] = id
        return response.headers.lastStatus == 0 ? .next : .failed
    }

    // MARK: identifiers

    /// 122 random bits as a version 4 UUID (RFC 9562 section 5.4), or 128 as 32 hex digits.
    private func make() -> Bytes {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 16) { raw in
            let bits = raw.baseAddress.unsafelyUnwrapped
            random.fill(bits, 16)
            if format == .uuid {
                bits[6] = bits[6] & 0x0f | 0x40
                bits[8] = bits[8] & 0x3f | 0x80
            }
            var n = 0
            for i in 0..<16 {
                if format == .uuid && (i == 4 || i == 6 || i == 8 || i == 10) {
                    scratch[n] = UInt8(ascii: "-")
                    n += 1
                }
                scratch[n] = Self.digit(bits[i] >> 4)
                scratch[n + 1] = Self.digit(bits[i] & 15)
                n += 2
            }
            return Bytes(scratch, n)
        }
    }
    private static func digit(_ v: UInt8) -> UInt8 { v < 10 ? 0x30 + v : 0x57 + v }

    /// What is taken over from a trusted client: 1 to 128 printable characters, so that it can stand in any log.
    private static func isIdentifier(_ v: Bytes) -> Bool {
        v.count > 0 && v.count <= 128 && v.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
    }

    private static func isFieldName(_ s: String) -> Bool {
        (1...64).contains(s.utf8.count)
            && s.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7a).contains($0 | 0x20) || $0 == UInt8(ascii: "-") }
    }

    /// A copy that lives as long as the instance.
    private static func keep(_ s: String) -> Bytes {
        let bytes = Array(s.utf8)
        let p = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes.count)
        p.initialize(from: bytes, count: bytes.count)
        return Bytes(p, bytes.count)
    }
}
