// What a worker knows about a finished request, for the access log. Views into the request's own buffers: the record is
// made, appended and forgotten before they go.
import SluiceBytes

/// Plain data; nothing is owned. Empty views mean "not known".
public struct AccessRecord {
    /// Address of the client without port: "203.0.113.7".
    public var client = ByteView.empty
    /// As received, without CRLF: "GET /a?b=c HTTP/1.1".
    public var requestLine = ByteView.empty
    public var method = ByteView.empty
    public var target = ByteView.empty
    public var host = ByteView.empty
    public var referer = ByteView.empty
    public var userAgent = ByteView.empty
    /// Ids of the route and cluster, and the label of the target that answered.
    public var route = ByteView.empty
    public var cluster = ByteView.empty
    public var targetLabel = ByteView.empty
    public var requestID = ByteView.empty
    /// Name of the authenticated consumer; the user of the combined form.
    public var consumer = ByteView.empty
    /// Body bytes to and from the client.
    public var bytesSent: UInt64 = 0
    public var bytesReceived: UInt64 = 0
    /// First byte of the head to last byte of the response; the part of it spent waiting for the upstream.
    public var durationUs: UInt64 = 0
    public var upstreamUs: UInt64 = 0
    public var status: UInt16 = 0
    /// How many further targets were tried.
    public var retries: UInt8 = 0
    /// Minor HTTP/1 version, 0 or 1.
    public var protocolMinor: UInt8 = 1
    public init() {}
}
