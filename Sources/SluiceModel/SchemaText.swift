// The forms that texts of the configuration must have: ids, addresses, networks, host and path patterns, header names…
// Each form knows its rule in words and says what is wrong with a text. Pure functions; nothing is looked up.

/// A form of text.
public enum SchemaText: Sendable, CaseIterable {
    case id, pluginName, account, filePath, listenAddress, adminAddress, localAddress, targetAddress, network
    case hostPattern, pathPattern, method, headerName, headerValue, location, body
    case expression, template, locationTemplate, pattern, cookieName, pem, privateKey, secret
    case symbol, functionName, functionSignature

    /// The rule, for messages and the reference.
    public var allowed: String {
        switch self {
        case .id: "1 to 64 of A-Z a-z 0-9 . _ -, a letter or digit first"
        case .pluginName: "1 to 64 of a-z 0-9 -"
        case .account: "a user or group name"
        case .filePath: "a path of 1 to 4095 bytes"
        case .listenAddress: "ADDRESS:PORT such as 127.0.0.1:8080, [::1]:8080, *:8080, or unix:/path; port 1 to 65535"
        case .adminAddress: "off, unix:/path, or ADDRESS:PORT such as 127.0.0.1:8082 or [::1]:8082"
        case .localAddress: "off, unix:/path, or a loopback address such as 127.0.0.1:8082 or [::1]:8082"
        case .targetAddress: "ADDRESS:PORT, NAME:PORT or unix:/path; port 1 to 65535"
        case .network: "ADDRESS/BITS such as 10.0.0.0/8 or fd00::/8, or one address"
        case .hostPattern: "a host name or address without port, or *.NAME"
        case .pathPattern: "/exact, /prefix/*, /with/{name}/segments, =/literal, or ~REGEX in RE2 syntax such as ~^/v[0-9]+/"
        case .method: Self.methods.joined(separator: " ")
        case .headerName: "a header name: letters, digits and !#$%&'*+-.^_`|~"
        case .headerValue: "a header value of at most 8192 bytes without control characters, no white space around it"
        case .location: "an absolute or relative reference (RFC 3986) of at most 4096 bytes without spaces"
        case .body: "a text of at most 1 MiB"
        case .expression: "an expression (docs/rules.md) of at most \(Limits.expressionBytesMax) bytes"
        case .template:
            "a text of at most \(Limits.templateBytesMax) bytes; {NAME} stands for a value (docs/configuration.md), {{ for a brace"
        case .locationTemplate: "a reference (RFC 3986) of at most 4096 bytes without spaces; {NAME} stands for a value, {{ for a brace"
        case .pattern: "a regular expression in RE2 syntax of at most \(Limits.patternBytesMax) bytes"
        case .cookieName: "a cookie name: letters, digits and !#$%&'*+-.^_`|~"
        case .pem: "PEM text of at most 64 KiB"
        case .privateKey: "PEM text of at most 64 KiB, or what this node sealed"
        case .secret: "a text of 1 to 4096 bytes"
        case .symbol: "the name of a C function"
        case .functionName: "SPACE.NAME, each 1 to 64 of a-z 0-9 _, a letter first"
        case .functionSignature: "RESULT(ARGUMENT, …) of bool int double string bytes ip, at most 8 arguments"
        }
    }

    /// Request methods that a route may name, as `Method` of SluiceHTTP knows them.
    public static let methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]

    /// nil when `text` has this form, else what is wrong with it: found, and what is allowed.
    public func problem(_ text: String) -> String? {
        if accepts(text) { return nil }
        switch self {
        case .method:
            let upper =
                Self.methods.contains(text.uppercased())
                ? "; did you mean \(quote(text.uppercased()))?" : Suggestion.clause(for: text, in: Self.methods)
            return "unknown method \(quote(text)); known: \(allowed)\(upper)"
        case .headerName where Self.framing.contains(text.lowercased()):
            return "header \(quote(text)) belongs to the gateway; allowed: any but \(Self.framing.joined(separator: ", "))"
        case .functionName, .functionSignature: return FunctionSource.problem(text, self)
        default: return "found \(quote(text)); allowed: \(allowed)"
        }
    }

    /// Fields that frame a message; a fixed answer must not carry them.
    public static let framing = [
        "connection", "content-length", "date", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    ]

    func accepts(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        switch self {
        case .id: return (1...64).contains(bytes.count) && isAlnum(bytes[0]) && bytes.allSatisfy { isAlnum($0) || ".-_".utf8.contains($0) }
        case .pluginName:
            return (1...64).contains(bytes.count) && bytes.allSatisfy { isLower($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
        case .account:
            return (1...32).contains(bytes.count) && bytes.allSatisfy { isAlnum($0) || "-_.$".utf8.contains($0) }
                && bytes[0] != UInt8(ascii: "-")
        case .filePath: return (1...4095).contains(bytes.count) && !bytes.contains(0)
        case .listenAddress: return Address(checking: text).map { !$0.isName } ?? false
        case .adminAddress: return text == "off" || (Address(checking: text).map { !$0.isName || $0.isLoopback } ?? false)
        case .localAddress: return text == "off" || (Address(checking: text).map { $0.isUnix || $0.isLoopback } ?? false)
        case .targetAddress: return Address(checking: text).map { $0.host != .any } ?? false
        case .network: return IPNetwork(text) != nil
        case .hostPattern: return HostText.isPattern(text)
        case .pathPattern: return PathText.isPattern(bytes)
        case .method: return Self.methods.contains(text)
        case .headerName: return isToken(bytes) && bytes.count <= 256 && !Self.framing.contains(text.lowercased())
        case .headerValue:
            return bytes.count <= Limits.respondHeaderBytesMax && !isSpace(bytes.first) && !isSpace(bytes.last)
                && bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 9 }
        case .location:
            return (1...4096).contains(bytes.count) && bytes.allSatisfy { $0 > 0x20 && $0 < 0x7f && !"\"<>\\^`{|}".utf8.contains($0) }
        case .body: return bytes.count <= Limits.respondBodyBytesMax
        case .expression: return (1...Limits.expressionBytesMax).contains(bytes.count) && !bytes.contains(0)
        case .template: return bytes.count <= Limits.templateBytesMax && bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7f }
        case .locationTemplate:
            return (1...4096).contains(bytes.count) && bytes.allSatisfy { $0 > 0x20 && $0 < 0x7f && !"\"<>\\^`|".utf8.contains($0) }
        case .pattern: return (1...Limits.patternBytesMax).contains(bytes.count)
        case .cookieName: return isToken(bytes) && bytes.count <= 64
        case .privateKey:
            return (1...131_072).contains(bytes.count) && (text.contains("-----BEGIN ") || text.hasPrefix("sealed:") || text == "***")
        case .pem: return (1...65_536).contains(bytes.count) && text.contains("-----BEGIN ")
        case .secret: return (1...4096).contains(bytes.count)
        case .symbol:
            return (1...255).contains(bytes.count) && !isDigit(bytes[0]) && bytes.allSatisfy { isAlnum($0) || $0 == UInt8(ascii: "_") }
        case .functionName, .functionSignature: return FunctionSource.problem(text, self) == nil
        }
    }
}

func isDigit(_ b: UInt8) -> Bool { (0x30...0x39).contains(b) }
func isLower(_ b: UInt8) -> Bool { (0x61...0x7a).contains(b) }
func isAlnum(_ b: UInt8) -> Bool { isDigit(b) || isLower(b) || (0x41...0x5a).contains(b) }
func isSpace(_ b: UInt8?) -> Bool { b == 0x20 || b == 9 }
/// RFC 9110 5.6.2
func isToken(_ bytes: [UInt8]) -> Bool { !bytes.isEmpty && bytes.allSatisfy { isAlnum($0) || "!#$%&'*+-.^_`|~".utf8.contains($0) } }
