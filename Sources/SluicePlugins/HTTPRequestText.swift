// What a plugin asks its own http request to be, checked and turned into the bytes of the wire. No sockets here.
import CSluiceABI
import SluiceBytes
import SluiceHTTP
import SluiceLoop
import SluiceModel

struct HTTPRequestText {
    enum Place {
        case address(SocketAddress)
        case name(String, port: UInt16)
    }
    let place: Place
    /// For idle connections: what the URL says before its path.
    let key: String
    let bytes: [UInt8]
    let isHead: Bool
    /// May be sent again when a kept connection turns out to be closed (RFC 9110 section 9.2.2).
    let isIdempotent: Bool
    let timeoutMs: UInt32
    let bodyMax: Int

    /// nil: malformed (SLUICE_EINVAL).
    init?(_ raw: UnsafePointer<sluice_http_request>?) {
        guard let raw, raw.pointee.size >= UInt32(MemoryLayout<sluice_http_request>.size) else { return nil }
        let r = raw.pointee
        guard HostTables.isTime(r.timeout_ms), r.body_max <= UInt32(Limits.clientBodyBytesMax),
            Int(r.header_count) <= Limits.clientHeadersMax,
            r.header_count == 0 || r.headers != nil, r.body.size <= UInt64(Limits.clientBodyBytesMax),
            let body = SluicePlugins.bytes(r.body),
            let url = SluicePlugins.bytes(r.url), url.count <= Limits.clientUrlBytesMax, let method = SluicePlugins.bytes(r.method)
        else { return nil }
        let verb = method.isEmpty ? ByteView("GET") : method
        guard EditRules.isMethod(verb), let target = URLParts(url) else { return nil }
        var out: [UInt8] = []
        out.reserveCapacity(512 + Int(body.count))
        func add(_ v: ByteView) { out.append(contentsOf: UnsafeBufferPointer(start: v.start, count: v.count)) }
        add(verb)
        add(ByteView(" "))
        if target.path.isEmpty || target.path[0] != UInt8(ascii: "/") { add(ByteView("/")) }
        add(target.path)
        add(ByteView(" HTTP/1.1\r\nHost: "))
        add(target.host)
        add(ByteView("\r\n"))
        for i in 0..<Int(r.header_count) {
            guard let name = SluicePlugins.bytes(r.headers[i].name), let value = SluicePlugins.bytes(r.headers[i].value),
                Syntax.isToken(name),
                Syntax.isFieldValue(value), !EditRules.isHostOwned(name)
            else { return nil }
            add(name)
            add(ByteView(": "))
            add(value)
            add(ByteView("\r\n"))
        }
        let hasBody = !body.isEmpty || verb.equals(ByteView("POST")) || verb.equals(ByteView("PUT")) || verb.equals(ByteView("PATCH"))
        if hasBody { out.append(contentsOf: "Content-Length: \(body.count)\r\n".utf8) }
        add(ByteView("\r\n"))
        add(body)
        place = target.place
        key = target.key
        bytes = out
        isHead = verb.equals(ByteView("HEAD"))
        isIdempotent = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"].contains(verb.string)
        timeoutMs = r.timeout_ms
        bodyMax = r.body_max == 0 ? Limits.clientBodyBytes : Int(r.body_max)
    }
}

/// "http://host[:port]/path?query" or "http://unix:/socket:/path?query".
private struct URLParts {
    var place: HTTPRequestText.Place
    /// For the Host field.
    var host: ByteView
    var path: ByteView
    var key: String

    init?(_ url: ByteView) {
        let scheme = ByteView("http://")
        guard url.count > scheme.count, url.prefix(scheme.count).equalsIgnoringCase(scheme) else { return nil }
        let rest = url.dropFirst(scheme.count), unix = ByteView("unix:")
        if rest.count > unix.count, rest.prefix(unix.count).equals(unix) {
            let afterPrefix = rest.dropFirst(unix.count), colon = afterPrefix.firstIndex(of: UInt8(ascii: ":"))
            let socket = colon < 0 ? afterPrefix : afterPrefix.prefix(colon)
            guard let a = SocketAddress(unixPath: socket) else { return nil }
            (place, host, path) = (.address(a), ByteView("localhost"), colon < 0 ? .empty : afterPrefix.dropFirst(colon + 1))
            key = "unix:" + socket.string
        } else {
            var end = 0
            while end < rest.count, rest[end] != UInt8(ascii: "/"), rest[end] != UInt8(ascii: "?") { end += 1 }
            let authority = rest.prefix(end)
            guard EditRules.isHost(authority), case .tcp(let name, let port)? = HostAndPort(authority, defaultPort: 80) else { return nil }
            place = SocketAddress(literal: name, port: port).map { .address($0) } ?? .name(name.string, port: port)
            (host, path) = (authority, rest.dropFirst(end))
            key = authority.string
        }
        for i in 0..<path.count where path[i] <= 0x20 || path[i] >= 0x7f || path[i] == UInt8(ascii: "#") { return nil }
    }
}
