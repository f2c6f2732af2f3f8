// Header lines of fixed answers: checked here once, sent as they are.
import SluiceModel

enum HeaderLines {
    /// Names that the gateway itself decides on.
    static let reserved: Set<String> = [
        "connection", "content-length", "date", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    ]

    /// "Name: value\r\n" for each header.
    static func text(_ headers: [HeaderLine], at path: String) throws(ImageError) -> String {
        var lines = ""
        for h in headers {
            let place = path + "." + (isToken(h.name) ? h.name : "\"\(h.name)\"")
            if !isToken(h.name) {
                throw ImageError(
                    path: place, found: "not a header name", allowed: "letters, digits and !#$%&'*+-.^_`|~ (RFC 9110 section 5.6.2)")
            }
            if reserved.contains(h.name.lowercased()) {
                throw ImageError(
                    path: place, found: "a header that the gateway sets itself",
                    allowed: "any but \(reserved.sorted().joined(separator: ", "))")
            }
            if !isValue(h.value) {
                throw ImageError(
                    path: place, found: "a control character, or white space around the value",
                    allowed: "a field value of RFC 9110 section 5.5")
            }
            lines += "\(h.name): \(h.value)\r\n"
        }
        if lines.utf8.count > Limits.respondHeaderBytesMax {
            throw ImageError(
                path: path, found: "\(lines.utf8.count) bytes of headers", allowed: "at most \(Limits.respondHeaderBytesMax) bytes")
        }
        return lines
    }

    /// The Location line of a redirect.
    static func location(_ target: String, at path: String) throws(ImageError) -> String {
        if target.isEmpty || !target.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) || target.utf8.count > 4096 {
            throw ImageError(
                path: path, found: "\"\(target)\" is not a URI reference",
                allowed: "1...4096 bytes of visible ASCII; other bytes percent-encoded")
        }
        return "Location: \(target)\r\n"
    }

    static func isToken(_ s: String) -> Bool {
        !s.isEmpty
            && s.utf8.allSatisfy { c in
                switch c {
                case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
                case 0x21, 0x23...0x27, 0x2a, 0x2b, 0x2d, 0x2e, 0x5e...0x60, 0x7c, 0x7e: true
                default: false
                }
            }
    }

    static func isValue(_ s: String) -> Bool {
        let edge = { (c: UInt8?) in c == 0x20 || c == 0x09 }
        return !edge(s.utf8.first) && !edge(s.utf8.last) && s.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }
    }
}
