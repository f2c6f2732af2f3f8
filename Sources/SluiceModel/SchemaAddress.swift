// Forms of addresses in the configuration: IP texts, networks, host names and "address:port". Only the form is checked;
// turning a text into a socket address is the image builder's work, finding a name's addresses the control process's.

/// IPv4 and IPv6 in text form (RFC 4291 2.2, RFC 5952; no zone).
public enum IPText {
    /// 4 bytes; each number 0 to 255 without leading zeros.
    public static func v4(_ text: some StringProtocol) -> [UInt8]? {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var out: [UInt8] = []
        for part in parts {
            guard (1...3).contains(part.count), part.allSatisfy(isDigit), part.count == 1 || part.first != UInt8(ascii: "0") else { return nil }
            let value = part.reduce(0) { $0 * 10 + Int($1 - 0x30) }
            guard value <= 255 else { return nil }
            out.append(UInt8(value))
        }
        return out
    }

    /// 16 bytes.
    public static func v6(_ text: some StringProtocol) -> [UInt8]? {
        let whole = String(text)
        guard whole.utf8.count <= 45, whole.utf8.contains(UInt8(ascii: ":")) else { return nil }
        guard let gap = doubleColon(whole) else { return groups(whole[...]).flatMap { $0.count == 16 ? $0 : nil } }
        let left = whole[..<gap], right = whole[whole.index(gap, offsetBy: 2)...]
        guard let head = left.isEmpty ? [] : groups(left), let tail = right.isEmpty ? [] : groups(right), head.count + tail.count <= 14 else { return nil }
        return head + Array(repeating: 0, count: 16 - head.count - tail.count) + tail
    }

    private static func doubleColon(_ text: String) -> String.Index? {
        var index = text.startIndex
        while index < text.endIndex {
            let next = text.index(after: index)
            if text[index] == ":", next < text.endIndex, text[next] == ":" { return index }
            index = next
        }
        return nil
    }

    private static func groups(_ text: Substring) -> [UInt8]? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        var out: [UInt8] = []
        for (index, part) in parts.enumerated() {
            if index == parts.count - 1, part.utf8.contains(UInt8(ascii: ".")) {
                guard let four = v4(part) else { return nil }
                out += four
            } else {
                guard (1...4).contains(part.utf8.count), part.utf8.allSatisfy({ isDigit($0) || (0x61...0x66).contains($0 | 0x20) }), let value = UInt16(part, radix: 16)
                else { return nil }
                out += [UInt8(value >> 8), UInt8(value & 255)]
            }
        }
        return out.count <= 16 ? out : nil
    }

    /// "10.0.0.0/8" → address bytes and prefix; nil when a bit behind the prefix is set.
    public static func network(_ text: String) -> (bytes: [UInt8], bits: Int)? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let bytes = v4(parts[0]) ?? v6(parts[0]), (1...3).contains(parts[1].utf8.count), parts[1].utf8.allSatisfy(isDigit),
            let bits = Int(parts[1]), bits <= bytes.count * 8
        else { return nil }
        for bit in bits..<max(bits, bytes.count * 8) where bytes[bit / 8] & (0x80 >> UInt8(bit % 8)) != 0 { return nil }
        return (bytes, bits)
    }
}

/// Host names and host patterns of routes.
public enum HostText {
    /// Letters, digits, `-` and `_` in labels of 1 to 63; 253 in all; a last label of digits only is no name.
    public static func isName(_ text: some StringProtocol) -> Bool {
        let bytes = Array(text.utf8)
        guard (1...253).contains(bytes.count) else { return false }
        let labels = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let dash = UInt8(ascii: "-")
        return labels.allSatisfy { label in
            (1...63).contains(label.count) && label.first != dash && label.last != dash && label.allSatisfy { isAlnum($0) || $0 == dash || $0 == UInt8(ascii: "_") }
        } && !labels.last!.allSatisfy(isDigit)
    }

    static func isPattern(_ text: String) -> Bool {
        if text.hasPrefix("*.") { return isName(text.dropFirst(2)) }
        if text.hasPrefix("["), text.hasSuffix("]") { return IPText.v6(text.dropFirst().dropLast()) != nil }
        return isName(text) || IPText.v4(text) != nil
    }
}

/// "address:port" or "unix:/path", taken apart.
public struct SocketText: Sendable, Equatable {
    public enum Kind: Sendable { case v4, v6, name, any, unix }
    public var kind: Kind
    /// Address or name without brackets, or the path.
    public var host: String
    /// 1...65535; 0 for unix.
    public var port: Int
    /// 4 or 16 bytes of `v4` and `v6`.
    public var bytes: [UInt8] = []

    /// Longest path of a Unix socket: sun_path less its NUL.
    public static let unixPathBytesMax = 107

    public init?(_ text: String) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            guard path.hasPrefix("/"), path.utf8.count <= Self.unixPathBytesMax, !path.utf8.contains(0) else { return nil }
            (kind, host, port) = (.unix, path, 0)
            return
        }
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let host = text[..<colon], digits = text[text.index(after: colon)...]
        guard (1...5).contains(digits.utf8.count), digits.utf8.allSatisfy(isDigit), digits.utf8.first != UInt8(ascii: "0"), let port = Int(digits), port <= 65535
        else { return nil }
        self.port = port
        self.host = String(host)
        if host == "*" {
            kind = .any
        } else if let four = IPText.v4(host) {
            (kind, bytes) = (.v4, four)
        } else if host.hasPrefix("["), host.hasSuffix("]"), let sixteen = IPText.v6(host.dropFirst().dropLast()) {
            (kind, bytes) = (.v6, sixteen)
            self.host = String(host.dropFirst().dropLast())
        } else if HostText.isName(host) {
            kind = .name
        } else {
            return nil
        }
    }

    /// 127.0.0.0/8, ::1, or the name localhost.
    public var isLoopback: Bool {
        switch kind {
        case .v4: bytes[0] == 127
        case .v6: bytes == Array(repeating: 0, count: 15) + [1]
        case .name: host.lowercased() == "localhost"
        case .any, .unix: false
        }
    }

    /// Two of these cannot be listened on at once.
    public func overlaps(_ other: SocketText) -> Bool {
        if kind == .unix || other.kind == .unix { return kind == other.kind && host == other.host }
        guard port == other.port else { return false }
        if covers(other) || other.covers(self) { return true }
        if kind == .name || other.kind == .name { return host.lowercased() == other.host.lowercased() || (isLoopback && other.isLoopback) }
        return bytes == other.bytes
    }
    /// `*` and `::` (which takes IPv4 too) cover every address, 0.0.0.0 every IPv4 one.
    private func covers(_ other: SocketText) -> Bool {
        if kind == .any { return true }
        guard !bytes.isEmpty, bytes.allSatisfy({ $0 == 0 }) else { return false }
        return kind == .v6 || other.kind != .v6
    }
}
