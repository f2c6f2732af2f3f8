// What plugins may write into a request or response: the checks behind SLUICE_EINVAL, as pure functions on bytes.
import SluiceBytes
import SluiceModel

enum EditRules {
    /// Room that one header edit may need beyond its bytes (padding, a grown table): tells "no room" from "not allowed".
    static let editBytes = 8 * 1_024

    /// Fields that frame or route the message or belong to one connection: the host writes them (RFC 9110 section 7.6.1).
    static func isHostOwned(_ name: ByteView) -> Bool {
        switch name.count {
        case 2: name.equalsIgnoringCase("te")
        case 4: name.equalsIgnoringCase("host")
        case 6: name.equalsIgnoringCase("expect")
        case 7: name.equalsIgnoringCase("trailer") || name.equalsIgnoringCase("upgrade")
        case 10: name.equalsIgnoringCase("connection") || name.equalsIgnoringCase("keep-alive")
        case 14: name.equalsIgnoringCase("content-length")
        case 16: name.equalsIgnoringCase("proxy-connection")
        case 17: name.equalsIgnoringCase("transfer-encoding")
        default: false
        }
    }

    /// Path and query in origin form.
    static func isPath(_ v: ByteView) -> Bool {
        guard v.count > 0, v.count <= Limits.pluginPathBytesMax, v[0] == UInt8(ascii: "/") else { return false }
        return all(v) { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "#") }
    }

    /// A token (RFC 9110 section 5.6.2); CONNECT would change what the connection is.
    static func isMethod(_ v: ByteView) -> Bool {
        guard v.count > 0, v.count <= Limits.pluginMethodBytesMax, !v.equals("CONNECT") else { return false }
        return all(v) { isLetterOrDigit($0) || ByteView("!#$%&'*+-.^_`|~").firstIndex(of: $0) >= 0 }
    }

    /// reg-name, IPv4 or bracketed IPv6 literal (RFC 3986 section 3.2.2), optional port.
    static func isHost(_ v: ByteView) -> Bool {
        guard v.count > 0, v.count <= Limits.pluginHostBytesMax else { return false }
        var end = 0
        if v[0] == UInt8(ascii: "[") {
            end = v.firstIndex(of: UInt8(ascii: "]")) + 1
            if end < 4 { return false }
            for i in 1..<end - 1 where !isHex(v[i]) && v[i] != UInt8(ascii: ":") && v[i] != UInt8(ascii: ".") { return false }
        } else {
            let colon = v.firstIndex(of: UInt8(ascii: ":"))
            end = colon < 0 ? v.count : colon
            if end == 0 { return false }
            for i in 0..<end where !isLetterOrDigit(v[i]) && ByteView("-._~!$&'()*+,;=%").firstIndex(of: v[i]) < 0 { return false }
        }
        if end == v.count { return true }
        let port = v.dropFirst(end + 1)
        return v[end] == UInt8(ascii: ":") && port.count > 0 && port.count <= 5 && all(port, ASCII.isDigit)
    }

    static func isRequestID(_ v: ByteView) -> Bool {
        v.count > 0 && v.count <= Limits.pluginNameBytesMax && all(v) { $0 > 0x20 && $0 < 0x7f }
    }
    static func isConsumer(_ v: ByteView) -> Bool {
        v.count > 0 && v.count <= Limits.pluginNameBytesMax && all(v) { $0 >= 0x20 && $0 != 0x7f }
    }

    /// Statuses that end an exchange: what a plugin may answer or set.
    static func isFinalStatus(_ status: UInt32) -> Bool { status >= 200 && status <= 599 }
    static func hasNoBody(_ status: UInt32) -> Bool { status < 200 || status == 204 || status == 304 }

    @inline(__always) private static func all(_ v: ByteView, _ test: (UInt8) -> Bool) -> Bool {
        for i in 0..<v.count where !test(v[i]) { return false }
        return true
    }
    @inline(__always) private static func isLetterOrDigit(_ c: UInt8) -> Bool { ASCII.isDigit(c) || (c | 0x20) &- 0x61 < 26 }
    @inline(__always) private static func isHex(_ c: UInt8) -> Bool { ASCII.isDigit(c) || (c | 0x20) &- 0x61 < 6 }
}

extension ByteView {
    @inline(__always) fileprivate func equalsIgnoringCase(_ s: StaticString) -> Bool { equalsIgnoringCase(ByteView(s)) }
    @inline(__always) fileprivate func equals(_ s: StaticString) -> Bool { equals(ByteView(s)) }
}
