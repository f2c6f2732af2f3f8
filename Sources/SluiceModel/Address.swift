// Where to listen or connect, as written in the configuration: an IP address, every address, a name, or a Unix socket.
// Only text becomes a value here; sockaddr bytes are made in SluiceRules, names are resolved by the control process.

/// A listener's or target's address, checked when it is made.
///
/// For example:
///
///     try Address("10.0.0.1:8080").host   // .ip(10.0.0.1), port 8080
///     try Address("unix:/run/app.sock")   // .unix("/run/app.sock"), port 0
public struct Address: Sendable, Hashable, CustomStringConvertible {
    public enum Host: Sendable, Hashable {
        case ip(IPAddress)
        /// "*": every IPv4 address of the machine (0.0.0.0); "[::]" says every IPv6 address.
        case any
        /// A DNS name; needs resolving before it is of use to a socket.
        case name(String)
        /// A path in the file system, 1...107 bytes.
        case unix(String)
    }

    public let host: Host
    /// 1...65535; 0 for a Unix socket.
    public let port: UInt16
    /// The text it was made from.
    public let description: String

    public static let forms = "IPV4:PORT, [IPV6]:PORT, *:PORT, NAME:PORT or unix:PATH, with a port from 1 to 65535"

    public init(_ text: String) throws(AddressError) {
        description = text
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            if path.isEmpty { throw AddressError(found: text, reason: "the path of the Unix socket is empty") }
            if path.utf8.count > Limits.unixPathBytesMax {
                throw AddressError(
                    found: text, reason: "the path of a Unix socket has at most \(Limits.unixPathBytesMax) bytes, found \(path.utf8.count)")
            }
            if path.utf8.contains(0) { throw AddressError(found: text, reason: "the path contains a NUL byte") }
            host = .unix(path)
            port = 0
            return
        }
        guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")), !text.hasSuffix("]") else {
            throw AddressError(found: text, reason: "no port")
        }
        let digits = Array(text.utf8[text.utf8.index(after: colon)...])
        guard let number = IPAddress.decimal(digits[...], max: 65_535), number > 0 else {
            throw AddressError(found: text, reason: "the port is not a number from 1 to 65535")
        }
        port = UInt16(number)
        host = try Address.parseHost(String(text[..<colon]), of: text)
    }

    private static func parseHost(_ s: String, of text: String) throws(AddressError) -> Host {
        if s == "*" { return .any }
        if s.hasPrefix("[") && s.hasSuffix("]") {
            guard let ip = IPAddress(s.dropFirst().dropLast()), !ip.isIPv4 else {
                throw AddressError(found: text, reason: "no IPv6 address between the brackets")
            }
            return .ip(ip)
        }
        if s.utf8.contains(UInt8(ascii: ":")) { throw AddressError(found: text, reason: "an IPv6 address needs brackets: [::1]:80") }
        if let ip = IPAddress(s) { return .ip(ip) }
        if !s.utf8.isEmpty && s.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2e }) {
            throw AddressError(found: text, reason: "not an IPv4 address")
        }
        guard isName(s) else { throw AddressError(found: text, reason: "neither an address nor a host name") }
        return .name(s)
    }

    /// Labels of 1...63 letters, digits, `-` or `_`, at most 253 bytes together; one trailing dot is allowed.
    public static func isName(_ s: String) -> Bool {
        let name = s.hasSuffix(".") ? s.dropLast() : s[...]
        if name.isEmpty || name.utf8.count > Limits.hostBytesMax { return false }
        return name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
            (1...63).contains(label.count)
                && label.allSatisfy { c in
                    (0x30...0x39).contains(c) || (0x61...0x7a).contains(c | 0x20) && c < 0x80 || c == 0x2d || c == 0x5f
                }
        }
    }
}

/// Why a text is not an `Address`.
public struct AddressError: Error, Equatable, CustomStringConvertible {
    public let found: String
    public let reason: String
    public var description: String { "\"\(found)\" is not an address: \(reason); allowed: \(Address.forms)" }
}
