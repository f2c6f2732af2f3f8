// The table of attributes: what an expression may ask of the request, response and connection, under Envoy's names where Envoy has one.
// Values come from whoever runs the expression; here are only names, types, where they may be used, and how large they can be.
import SluiceModel

/// Where an expression runs; says which attributes exist there.
public struct CELUse: OptionSet, Sendable, Hashable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// `match.when`: while the route is still to be found.
    public static let route = CELUse(rawValue: 1)
    /// `when` of bindings and actions: the route is known, nothing has been answered.
    public static let request = CELUse(rawValue: 2)
    /// When the head of the response is there.
    public static let response = CELUse(rawValue: 4)
    static let always: CELUse = [.route, .request, .response]
}

public struct Attribute: Sendable {
    public var id: AttributeID
    /// With dots: "request.url_path".
    public var name: String
    public var type: CELType
    /// Where it may be asked for.
    public var uses: CELUse
    /// Largest size in bytes (strings) or entries (maps), for the cost.
    public var sizeMax: Int
    /// Keys of this map are found whatever their case (names of header fields).
    public var ignoresCase: Bool
    /// One line for people.
    public var meaning: String
}

extension AttributeID {
    public static let requestPath = AttributeID(1)
    public static let requestURLPath = AttributeID(2)
    public static let requestHost = AttributeID(3)
    public static let requestMethod = AttributeID(4)
    public static let requestHeaders = AttributeID(5)
    public static let requestQuery = AttributeID(6)
    public static let requestScheme = AttributeID(7)
    public static let requestProtocol = AttributeID(8)
    public static let requestID = AttributeID(9)
    public static let requestTime = AttributeID(10)
    public static let requestSize = AttributeID(11)
    public static let requestReferer = AttributeID(12)
    public static let requestUserAgent = AttributeID(13)
    public static let requestCookies = AttributeID(14)
    public static let requestArgs = AttributeID(15)
    public static let requestParams = AttributeID(16)
    public static let sourceAddress = AttributeID(32)
    public static let sourcePort = AttributeID(33)
    public static let destinationAddress = AttributeID(34)
    public static let destinationPort = AttributeID(35)
    public static let connectionTLSVersion = AttributeID(48)
    public static let connectionServerName = AttributeID(49)
    public static let connectionMTLS = AttributeID(50)
    public static let connectionPeerSubject = AttributeID(51)
    public static let responseCode = AttributeID(64)
    public static let responseHeaders = AttributeID(65)
    public static let responseSize = AttributeID(66)
    public static let consumerName = AttributeID(80)
    public static let consumerLabels = AttributeID(81)
    public static let vars = AttributeID(96)
}

public enum Attributes {
    /// Every attribute.
    public static let all: [Attribute] = [
        row(.requestPath, "request.path", .string, size: head, "path and query as the client sent them"),
        row(.requestURLPath, "request.url_path", .string, size: head, "path without the query"),
        row(.requestHost, "request.host", .string, size: 255, "host, in lower case, without the port"),
        row(.requestMethod, "request.method", .string, size: head, "method: \"GET\""),
        row(
            .requestHeaders, "request.headers", strings, size: fields, ignoresCase: true,
            "header fields; several of one name are joined by \",\""),
        row(.requestQuery, "request.query", .string, size: head, "query without \"?\", not decoded"),
        row(.requestScheme, "request.scheme", .string, size: 8, "\"http\" or \"https\""),
        row(.requestProtocol, "request.protocol", .string, size: 8, "\"HTTP/1.0\", \"HTTP/1.1\" or \"HTTP/2\""),
        row(.requestID, "request.id", .string, size: 128, "number of the request"),
        row(.requestTime, "request.time", .timestamp, "when the head had arrived"),
        row(.requestSize, "request.size", .int, "bytes of the body that the head announces; -1: not announced"),
        row(.requestReferer, "request.referer", .string, size: head, "the field Referer; \"\": none"),
        row(.requestUserAgent, "request.useragent", .string, size: head, "the field User-Agent; \"\": none"),
        row(.requestCookies, "request.cookies", strings, size: fields, "cookies by name; the first of a name"),
        row(.requestArgs, "request.args", strings, size: 1_024, "query arguments by name, decoded; the first of a name"),
        row(.requestParams, "request.params", strings, uses: [.request, .response], size: 8, "named segments of the route's path"),
        row(.sourceAddress, "source.address", .ip, "address of the client (behind trusted proxies: as they say)"),
        row(.sourcePort, "source.port", .int, "port of the client"),
        row(.destinationAddress, "destination.address", .ip, "address that the client connected to"),
        row(.destinationPort, "destination.port", .int, "port that the client connected to"),
        row(.connectionTLSVersion, "connection.tls_version", .string, size: 16, "\"TLSv1.3\"; \"\": no TLS"),
        row(.connectionServerName, "connection.requested_server_name", .string, size: 255, "name that the client asked for (SNI)"),
        row(.connectionMTLS, "connection.mtls", .bool, "the client has proved a certificate"),
        row(.connectionPeerSubject, "connection.subject_peer_certificate", .string, size: 4_096, "subject of the client's certificate"),
        row(.responseCode, "response.code", .int, uses: .response, "status"),
        row(
            .responseHeaders, "response.headers", strings, uses: .response, size: fields, ignoresCase: true, "header fields of the response"
        ),
        row(.responseSize, "response.size", .int, uses: .response, "bytes of the body that the head announces; -1: not announced"),
        row(.consumerName, "consumer.name", .string, size: 255, "who calls, once a plugin has found out; \"\": nobody known"),
        row(.consumerLabels, "consumer.labels", strings, size: 64, "labels of the consumer"),
        row(.vars, "vars", strings, size: 64, "variables that plugins have set: vars.NAME"),
    ]

    private static let named = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
    private static let numbered = Dictionary(uniqueKeysWithValues: all.map { ($0.id, $0) })
    public static func row(_ name: String) -> Attribute? { named[name] }
    public static func row(_ id: AttributeID) -> Attribute? { numbered[id] }

    private static let strings = CELType.map(.string, .string)
    /// Bytes of a request head, as much as fits unless more is configured (then the evaluator's own bound stops what costs too much), and
    /// fields in it.
    static let head = Limits.headBytesMax, fields = 256

    private static func row(
        _ id: AttributeID, _ name: String, _ type: CELType, uses: CELUse = .always, size: Int = 1, ignoresCase: Bool = false,
        _ meaning: String
    ) -> Attribute {
        Attribute(id: id, name: name, type: type, uses: uses, sizeMax: size, ignoresCase: ignoresCase, meaning: meaning)
    }
}
