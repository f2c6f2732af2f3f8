// What the pipeline decides about a head that goes out: plain values that HeadWriter turns into lines.
import SluiceBytes

/// How a request goes to an upstream. Views must stay valid during the call; overrides must have been checked
/// (`Syntax.isToken`, `Syntax.isOriginTarget`, `Syntax.authority`).
@frozen public struct RequestHeadOptions {
    /// Text of the client's IP address, without brackets or port.
    public var clientAddress: ByteView = .empty
    /// The client is a proxy of ours: forwarding fields it sent are extended instead of replaced.
    public var clientIsTrusted = false
    /// "http" or "https", as the client connected, and the local port as text.
    public var scheme = ByteView("http")
    public var localPort: ByteView = .empty
    /// Write X-Forwarded-For, -Proto, -Host and -Port; write Forwarded (RFC 7239); write Via.
    public var xForwarded = false
    public var standard = false
    public var via = false
    /// Instead of what was received: method, path and query, Host value.
    public var method: ByteView?
    public var path: ByteView?
    public var host: ByteView?
    /// Pass Upgrade on when the request asked for it; pass `Expect: 100-continue` on; send no body, hence no framing fields.
    public var keepUpgrade = false
    public var keepExpect = false
    public var dropBody = false
    /// 0…: the body has this length whatever was received; -1: framing goes on as received.
    public var contentLength: Int64 = -1
    @inlinable public init() {}
}

/// How a response body is framed towards the client.
@frozen public enum BodyFraming: UInt8, Sendable {
    /// Content-Length or Transfer-Encoding lines go out as they came.
    case asReceived
    /// `Transfer-Encoding: chunked`; falls back to `close` for an HTTP/1.0 client.
    case chunked
    /// `Content-Length` from the options.
    case length
    /// Neither: 1xx, 204, 2xx to CONNECT.
    case none
    /// Neither, the end of the connection is the end of the body.
    case close
}

/// How a response goes to a client.
@frozen public struct ResponseHeadOptions {
    public var clientMinorVersion: UInt8 = 1
    /// False adds `Connection: close`.
    public var keepAlive = true
    public var framing = BodyFraming.asReceived
    /// For `.length`: 0...
    public var contentLength: Int64 = 0
    public var via = false
    /// Pass Upgrade on: for a 101, or a 426 that names what it wants.
    public var keepUpgrade = false
    /// Another status than received (100...599), with its registered phrase; 0: as received.
    public var status: UInt16 = 0
    /// IMF-fixdate to add when a final response has no Date (RFC 9110 section 6.6.1); empty: add none.
    public var date: ByteView = .empty
    /// Server value instead of the received one; nil: as received.
    public var server: ByteView?
    @inlinable public init() {}
}
