// HTTP/1.1 requests of the plugin's own, for asynchronous hooks and background tasks. Connections are kept by the host; redirects are not
// followed; https is refused until the gateway has TLS.
//
//     let answer = try await http.get("http://127.0.0.1:9000/users/1", timeoutMs: 500)
//     if answer.status == 200 { let user = try answer.decode(User.self) }
import CSluiceABI

/// The client of this worker.
public let http = HTTPClient()

public struct HTTPClient: Sendable {
    public func get(_ url: String, timeoutMs: Int = 5_000) async throws(HostError) -> HTTPResponse {
        try await send(HTTPRequest(url: url, timeoutMs: timeoutMs))
    }
    public func post(_ url: String, body: [UInt8], contentType: String, timeoutMs: Int = 5_000)
        async throws(HostError) -> HTTPResponse
    {
        try await send(
            HTTPRequest(
                method: "POST", url: url, headers: [.init(name: "Content-Type", value: contentType)], body: body, timeoutMs: timeoutMs))
    }

    /// Sends and waits for the whole answer. Throws `.timedOut`, `.cancelled`, or what else the host says.
    public func send(_ request: HTTPRequest) async throws(HostError) -> HTTPResponse {
        guard let table = Tables.httpClient else { throw .unsupported }
        let exchange = Exchange()
        try check(
            await exchange.run { wait, data in
                request.lend { table.pointee.start(Tables.host, &$0, Self.done, data, &wait.task) }
            })
        return exchange.response.unsafelyUnwrapped  // there when the status is OK
    }

    private final class Exchange: Wait, @unchecked Sendable {
        var response: HTTPResponse?
    }
    private static let done: sluice_http_done = { data, status, response in
        var status = status
        Wait.end(data, status) { wait in
            if status >= 0, let response {
                (wait as? Exchange)?.response = HTTPResponse(response.pointee)
            } else if status >= 0 {
                status = -10
            }
        }
    }
}

public struct HTTPField: Sendable, Equatable {
    public var name: String, value: String
    public init(name: String, value: String) { (self.name, self.value) = (name, value) }
}

public struct HTTPRequest: Sendable {
    public var method: String
    /// "http://host[:port]/path?query", at most 8,192 bytes.
    public var url: String
    /// At most 64. Host, Content-Length and Connection are the host's.
    public var headers: [HTTPField]
    public var body: [UInt8]
    /// Of the whole exchange, 1…3,600,000.
    public var timeoutMs: Int
    /// Longest answer, at most 16 MiB; a longer one fails.
    public var bodyMaxBytes: Int

    public init(
        method: String = "GET", url: String, headers: [HTTPField] = [], body: [UInt8] = [], timeoutMs: Int = 5_000,
        bodyMaxBytes: Int = 1 << 20
    ) {
        (self.method, self.url, self.headers, self.body) = (method, url, headers, body)
        (self.timeoutMs, self.bodyMaxBytes) = (timeoutMs, bodyMaxBytes)
    }

    /// The request as the contract wants it, for the time of `body`.
    func lend(_ body: (inout sluice_http_request) -> Int32) -> Int32 {
        // All texts in one block, so that one pointer is enough.
        var text = Array(method.utf8) + Array(url.utf8)
        for h in headers { text += Array(h.name.utf8) + Array(h.value.utf8) }
        return text.withUnsafeBufferPointer { block in
            var at = 0
            func take(_ count: Int) -> sluice_view {
                defer { at += count }
                return sluice_view(data: block.baseAddress.map { $0 + at }, size: UInt64(count))
            }
            var request = sluice_http_request()
            request.size = UInt32(MemoryLayout<sluice_http_request>.size)
            request.method = take(method.utf8.count)
            request.url = take(url.utf8.count)
            request.timeout_ms = UInt32(clamping: timeoutMs)
            request.body_max = UInt32(clamping: bodyMaxBytes)
            let fields = headers.map { sluice_header(name: take($0.name.utf8.count), value: take($0.value.utf8.count)) }
            return fields.withUnsafeBufferPointer { fields in
                request.headers = fields.baseAddress
                request.header_count = UInt32(clamping: fields.count)
                return self.body.withBytes {
                    request.body = $0.view
                    return body(&request)
                }
            }
        }
    }
}

public struct HTTPResponse: Sendable {
    public let status: Int
    public let headers: [HTTPField]
    public let body: [UInt8]

    public init(status: Int, headers: [HTTPField] = [], body: [UInt8] = []) {
        (self.status, self.headers, self.body) = (status, headers, body)
    }
    init(_ r: sluice_http_response) {
        status = Int(r.status)
        headers = (0..<Int(r.header_count)).map {
            HTTPField(name: Bytes(r.headers[$0].name).string, value: Bytes(r.headers[$0].value).string)
        }
        body = Bytes(r.body).array
    }

    /// First field of this name, letters' case ignored.
    public func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name.lowercased() }?.value }
    public var text: String { String(decoding: body, as: UTF8.self) }
    /// The body decoded from JSON; members that `type` does not have are ignored.
    public func decode<T: Decodable>(_ type: T.Type) throws -> T {
        try body.withBytes { try ConfigDecoder.decode(type, from: $0, strict: false) }
    }
}
