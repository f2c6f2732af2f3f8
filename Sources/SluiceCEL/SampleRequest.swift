// A request described in words, as people give it to `sluice rule eval` and explain: method, URL, header fields, who asks. What it means
// for attributes is said here once; worker and sample read queries and cookies with the same code (RequestText.swift).
import SluiceBytes
import SluiceModel

public struct SampleRequest: Sendable {
    public var method = "GET"
    /// "https://api.example.com/users/7?x=1"; without scheme and host ("/users") they are "http" and the field Host.
    public var url = "/"
    public var protocolVersion = "HTTP/1.1"
    /// In order; several fields of one name are joined by ",".
    public var headers: [(name: String, value: String)] = []
    public var sourceAddress = IPAddress("127.0.0.1")!
    public var sourcePort = 0
    public var destinationAddress = IPAddress("127.0.0.1")!
    public var destinationPort = 0
    /// "TLSv1.3"; "": no TLS.
    public var tlsVersion = ""
    public var serverName = ""
    public var isMTLS = false
    public var peerSubject = ""
    public var id = "sample"
    /// Seconds since 1970.
    public var time: Int64 = 0
    /// Bytes of the body; -1: not announced.
    public var size: Int64 = 0
    public var parameters: [(name: String, value: String)] = []
    public var consumerName = ""
    public var consumerLabels: [(name: String, value: String)] = []
    public var variables: [(name: String, value: String)] = []
    /// The response, for expressions that run when it is there.
    public var status: Int64?
    public var responseHeaders: [(name: String, value: String)] = []

    public init() {}

    /// A provider that answers for this request.
    public func provider() -> SampleProvider {
        let p = SampleProvider()
        let (scheme, host, target) = parts
        let path = target.prefix { $0 != "?" }, query = target.dropFirst(path.count + 1)
        let fields = joined(headers.map { ($0.name.lowercased(), $0.value) })
        let field = { (name: String) in fields.first { $0.0 == name }?.1 ?? "" }
        p.set(.requestMethod, .string(method))
        p.set(.requestPath, .string(target))
        p.set(.requestURLPath, .string(String(path)))
        p.set(.requestQuery, .string(String(query)))
        p.set(.requestHost, .string(host.isEmpty ? Self.withoutPort(field("host")) : host))
        p.set(.requestScheme, .string(scheme.isEmpty ? (tlsVersion.isEmpty ? "http" : "https") : scheme))
        p.set(.requestProtocol, .string(protocolVersion))
        p.set(.requestHeaders, Self.map(fields))
        p.set(.requestID, .string(id))
        p.set(.requestTime, .timestamp(seconds: time, nanoseconds: 0))
        p.set(.requestSize, .int(size))
        p.set(.requestReferer, .string(field("referer")))
        p.set(.requestUserAgent, .string(field("user-agent")))
        p.set(.requestCookies, Self.map(cookies(field("cookie"))))
        p.set(.requestArgs, Self.map(arguments(String(query))))
        p.set(.requestParams, Self.map(parameters.map { ($0.name, $0.value) }))
        p.set(.sourceAddress, .ip(sourceAddress))
        p.set(.sourcePort, .int(Int64(sourcePort)))
        p.set(.destinationAddress, .ip(destinationAddress))
        p.set(.destinationPort, .int(Int64(destinationPort)))
        p.set(.connectionTLSVersion, .string(tlsVersion))
        p.set(.connectionServerName, .string(serverName))
        p.set(.connectionMTLS, .bool(isMTLS))
        p.set(.connectionPeerSubject, .string(peerSubject))
        p.set(.consumerName, .string(consumerName))
        p.set(.consumerLabels, Self.map(consumerLabels.map { ($0.name, $0.value) }))
        p.set(.vars, Self.map(variables.map { ($0.name, $0.value) }))
        if let status {
            p.set(.responseCode, .int(status))
            p.set(.responseHeaders, Self.map(joined(responseHeaders.map { ($0.name.lowercased(), $0.value) })))
            p.set(.responseSize, .int(-1))
        }
        return p
    }

    private static func map(_ pairs: [(String, String)]) -> SampleValue { .map(pairs.map { (.string($0.0), .string($0.1)) }) }

    /// Scheme and host (without port) as far as the URL has them, and the target.
    public var parts: (scheme: String, host: String, target: String) {
        guard let colon = url.firstRange(of: "://") else { return ("", "", url.hasPrefix("/") ? url : "/" + url) }
        let rest = url[colon.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let target = rest.dropFirst(authority.count)
        let host = Self.withoutPort(String(authority))
        return (url[..<colon.lowerBound].lowercased(), host, target.hasPrefix("/") ? String(target) : "/" + target)
    }
    private static func withoutPort(_ authority: String) -> String {
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") { return String(authority[...end]).lowercased() }
        return authority.prefix { $0 != ":" }.lowercased()
    }

    private func joined(_ fields: [(String, String)]) -> [(String, String)] {
        var out: [(String, String)] = []
        for (name, value) in fields {
            if let i = out.firstIndex(where: { $0.0 == name }) { out[i].1 += "," + value } else { out.append((name, value)) }
        }
        return out
    }
    private func cookies(_ field: String) -> [(String, String)] {
        read(field) { v, cursor, _ in CookieText.next(v, &cursor).map { ($0.name.string, $0.value.string) } }
    }
    private func arguments(_ query: String) -> [(String, String)] {
        read(query) { v, cursor, arena in
            QueryText.next(v, &cursor).map {
                (QueryText.decoded($0.name, arena: arena)?.string ?? "", QueryText.decoded($0.value, arena: arena)?.string ?? "")
            }
        }
    }
    /// Pairs of a text, the first of each name.
    private func read(
        _ text: String, _ next: (ByteView, inout Int, UnsafeMutablePointer<Arena>) -> (String, String)?
    ) -> [(String, String)] {
        let memory = SampleProvider()
        let v = memory.make(.string(text)).view
        var out: [(String, String)] = [], cursor = 0
        while let pair = next(v, &cursor, memory.arena) {
            if !out.contains(where: { $0.0 == pair.0 }) { out.append(pair) }
        }
        return out
    }
}
