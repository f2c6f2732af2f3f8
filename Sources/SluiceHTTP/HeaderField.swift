// One parsed header line as offsets into the buffer it was received in, and the small numbers that stand for the field
// names a proxy must understand. Zero-copy: a field is 10 bytes and points nowhere.
import SluiceBytes

/// A header line `name: value` inside a received head. Offsets count from the first byte of the message buffer.
@frozen public struct HeaderField {
    public var nameOffset: UInt16
    public var nameLength: UInt16
    public var valueOffset: UInt16  // optional white space around the value is already cut off
    public var valueLength: UInt16
    public var id: UInt8  // HeaderID, 0 = any other name
    public var flags: UInt8  // HeaderField.removed | .hopByHop

    @inlinable public init(nameOffset: UInt16, nameLength: UInt16, valueOffset: UInt16, valueLength: UInt16, id: UInt8, flags: UInt8 = 0) {
        self.nameOffset = nameOffset
        self.nameLength = nameLength
        self.valueOffset = valueOffset
        self.valueLength = valueLength
        self.id = id
        self.flags = flags
    }

    /// Taken out by an edit: it is neither found nor sent on.
    @inlinable public static var removed: UInt8 { 1 }
    /// Named by `Connection`, or hop-by-hop by definition (RFC 9110 section 7.6.1): never sent on as it came.
    @inlinable public static var hopByHop: UInt8 { 2 }
}

/// Names the proxy acts on. Plain integers: no metadata, no boxing.
public enum HeaderID {
    @inlinable public static var other: UInt8 { 0 }
    @inlinable public static var connection: UInt8 { 1 }
    @inlinable public static var keepAlive: UInt8 { 2 }
    @inlinable public static var contentLength: UInt8 { 3 }
    @inlinable public static var transferEncoding: UInt8 { 4 }
    @inlinable public static var xForwardedFor: UInt8 { 5 }
    @inlinable public static var proxyConnection: UInt8 { 6 }
    @inlinable public static var upgrade: UInt8 { 7 }
    @inlinable public static var trailer: UInt8 { 8 }
    @inlinable public static var te: UInt8 { 9 }
    @inlinable public static var host: UInt8 { 10 }
    @inlinable public static var expect: UInt8 { 11 }
    @inlinable public static var via: UInt8 { 12 }
    @inlinable public static var forwarded: UInt8 { 13 }
    @inlinable public static var xForwardedProto: UInt8 { 14 }
    @inlinable public static var xForwardedHost: UInt8 { 15 }
    @inlinable public static var xForwardedPort: UInt8 { 16 }
    @inlinable public static var userAgent: UInt8 { 17 }
    @inlinable public static var referer: UInt8 { 18 }
    @inlinable public static var server: UInt8 { 19 }
    @inlinable public static var date: UInt8 { 20 }
}

/// What a parsed head says about its message; filled in by `HeadParser`.
@frozen public struct MessageHead {
    /// Length of the whole head in bytes, final CRLF included; 0 before one was parsed.
    public var length: UInt16 = 0
    public var fieldCount: UInt16 = 0
    /// Minor HTTP/1 version: 0 or 1.
    public var minorVersion: UInt8 = 1
    /// `Method.rawValue` (requests).
    public var method: UInt8 = 0
    /// `MessageHead.chunked` and the others below.
    public var flags: UInt16 = 0
    /// Status code, 100...599 (responses).
    public var status: UInt16 = 0
    public var methodLength: UInt16 = 0
    /// The request-target exactly as received (requests; but see slashAdded); the reason phrase (responses).
    public var targetOffset: UInt16 = 0
    public var targetLength: UInt16 = 0
    /// Path and query in origin form, also when the target was absolute ("/" when it had no path). `*` for OPTIONS *.
    public var pathOffset: UInt16 = 0
    public var pathLength: UInt16 = 0
    /// Length of the query behind `?` inside the path range, `?` excluded; `hasQuery` tells "/x?" from "/x".
    public var queryOffset: UInt16 = 0
    public var queryLength: UInt16 = 0
    /// Authority: of an absolute target, otherwise the Host value; without userinfo. hostLength excludes ":port".
    public var authorityOffset: UInt16 = 0
    public var authorityLength: UInt16 = 0
    public var hostLength: UInt16 = 0
    /// `HeadProblem.rawValue` of a refused head; 0 for one that was accepted or is incomplete.
    public var problem: UInt8 = 0
    /// Content-Length, or -1 when the message has none.
    public var contentLength: Int64 = -1

    @inlinable public init() {}

    /// The sender keeps the connection open after this message (RFC 9112 section 9.3).
    @inlinable public var isPersistent: Bool {
        flags & MessageHead.close == 0 && (minorVersion > 0 || flags & MessageHead.keepAlive != 0)
    }

    @inlinable public static var chunked: UInt16 { 1 }
    /// `Connection: close`
    @inlinable public static var close: UInt16 { 2 }
    /// `Connection: keep-alive`
    @inlinable public static var keepAlive: UInt16 { 4 }
    /// `Connection` named an upgrade and an Upgrade field is there.
    @inlinable public static var upgrade: UInt16 { 8 }
    /// `Expect: 100-continue`
    @inlinable public static var expectContinue: UInt16 { 16 }
    @inlinable public static var absoluteTarget: UInt16 { 32 }
    @inlinable public static var hasQuery: UInt16 { 64 }
    /// Any field is marked hopByHop or names what the proxy rewrites: without it all lines can be copied in one run.
    @inlinable public static var hasHopByHop: UInt16 { 128 }
    /// `TE` contains trailers.
    @inlinable public static var teTrailers: UInt16 { 256 }
    @inlinable public static var transferEncodingSeen: UInt16 { 512 }
    /// `Connection` named an upgrade (whether or not Upgrade is there) and fields besides close, keep-alive and upgrade.
    @inlinable public static var upgradeOption: UInt16 { 1024 }
    @inlinable public static var otherOptions: UInt16 { 2048 }
    /// An absolute target without path but with a query: "/" was put before its "?" in the buffer.
    @inlinable public static var slashAdded: UInt16 { 4096 }
}

/// Request methods with a bit of their own, so that a route's methods are one mask.
public enum Method: UInt8, CaseIterable, Sendable {
    case other, get, head, post, put, delete, connect, options, trace, patch

    /// The token as it stands on the wire; `other` has none.
    public var token: String { self == .other ? "" : String(describing: self).uppercased() }
    @inlinable public var bit: UInt16 { 1 << UInt16(rawValue) }
}
