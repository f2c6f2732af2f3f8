// Why a head was refused, and the status that says so. One case for every rule, so that a log line can name the rule
// without showing a byte of what the client sent.

/// `MessageHead.problem` holds the raw value.
@frozen public enum HeadProblem: UInt8, CaseIterable, Sendable {
    case none
    case method, connect, target, targetTooLong, targetForm, userinfo
    case version, versionUnsupported, statusLine
    case bareCR, bareLF, control
    case fieldName, spaceBeforeColon, obsFold, tooManyFields, headTooLarge
    case hostMissing, hostRepeated, host
    case contentLength, contentLengthRepeated, transferEncoding, transferEncodingRepeated, codingUnknown
    case transferEncodingIn10, lengthAndEncoding
    case expectation, connectionOption, connectionProtected, connectionOptionsTooMany

    /// The status a server answers; a response with the same fault is always a 502.
    public var status: Int {
        switch self {
        case .none: 200
        case .targetTooLong: 414
        case .expectation: 417
        case .tooManyFields, .headTooLarge: 431
        case .connect, .codingUnknown: 501
        case .versionUnsupported: 505
        default: 400
        }
    }

    /// What is wrong and what is allowed, for error lines; the rule's source in brackets.
    public var text: StaticString {
        switch self {
        case .none: "no problem"
        case .method: "method is not a token followed by one space [RFC 9112 3]"
        case .connect: "CONNECT is not served here [RFC 9110 9.3.6]"
        case .target: "request-target is empty or has a space, control, '#' or byte above 0x7E [RFC 9112 3.2]"
        case .targetTooLong: "request-target is longer than limits.target_bytes"
        case .targetForm: "request-target is neither /path, http(s)://host/path nor * for OPTIONS [RFC 9112 3.2]"
        case .userinfo: "request-target has userinfo before the host [RFC 9110 4.2.4]"
        case .version: "start line does not end in HTTP/digit.digit and CRLF [RFC 9112 2.3]"
        case .versionUnsupported: "version is neither HTTP/1.0 nor HTTP/1.1 [RFC 9110 15.6.6]"
        case .statusLine: "status line is not HTTP/1.x, three digits from 100 to 599 and a reason [RFC 9112 4]"
        case .bareCR: "CR without LF [RFC 9112 2.2]"
        case .bareLF: "LF without CR [RFC 9112 2.2]"
        case .control: "control character in a field value or reason [RFC 9110 5.5]"
        case .fieldName: "field name is empty, no token, or has no colon [RFC 9112 5.1]"
        case .spaceBeforeColon: "white space before the colon of a field [RFC 9112 5.1]"
        case .obsFold: "line begins with white space, folding is obsolete [RFC 9112 5.2]"
        case .tooManyFields: "more fields than limits.header_fields"
        case .headTooLarge: "head is longer than limits.head_bytes"
        case .hostMissing: "HTTP/1.1 request without Host [RFC 9112 3.2]"
        case .hostRepeated: "more than one Host [RFC 9112 3.2]"
        case .host: "host is no name, IPv4 or [IPv6] with an optional port [RFC 9110 7.2]"
        case .contentLength: "Content-Length is not digits below 2^63 [RFC 9110 8.6]"
        case .contentLengthRepeated: "more than one Content-Length [RFC 9112 6.3]"
        case .transferEncoding: "Transfer-Encoding is malformed or does not end in chunked [RFC 9112 6.1]"
        case .transferEncodingRepeated: "more than one Transfer-Encoding, or chunked twice [RFC 9112 6.1]"
        case .codingUnknown: "transfer coding other than chunked [RFC 9112 6.1]"
        case .transferEncodingIn10: "Transfer-Encoding in an HTTP/1.0 message [RFC 9112 6.1]"
        case .lengthAndEncoding: "both Content-Length and Transfer-Encoding [RFC 9112 6.1]"
        case .expectation: "expectation other than 100-continue [RFC 9110 10.1.1]"
        case .connectionOption: "Connection option is no token [RFC 9110 7.6.1]"
        case .connectionProtected: "Connection names Host, Content-Length or Transfer-Encoding [RFC 9110 7.6.1]"
        case .connectionOptionsTooMany: "more Connection options than the bound of 32"
        }
    }
}
