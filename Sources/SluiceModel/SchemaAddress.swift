// Questions that the configuration check asks of addresses, networks and host patterns: may this be listened on, is it of
// this machine only, do two listeners stand in each other's way. Parsing is in `Address.swift` and `IPAddress.swift`.

extension Address {
    /// nil for a text that is no address, or a Unix socket whose path is not absolute.
    public init?(checking text: String) {
        guard let made = try? Address(text) else { return nil }
        if case .unix(let path) = made.host, !path.hasPrefix("/") { return nil }
        self = made
    }

    public var isUnix: Bool { if case .unix = host { true } else { false } }
    public var isName: Bool { if case .name = host { true } else { false } }

    /// 127.0.0.0/8, ::1, or the name localhost.
    public var isLoopback: Bool {
        switch host {
        case .ip(let ip): ip.isIPv4 ? ip.ipv4 >> 24 == 127 : (ip.high == 0 && ip.low == 1)
        case .name(let name): name.lowercased() == "localhost"
        case .any, .unix: false
        }
    }

    /// The two cannot be listened on at once. `*` is every IPv4 address; `[::]` takes IPv4 connections too.
    public func overlaps(_ other: Address) -> Bool {
        if isUnix || other.isUnix { return host == other.host }
        guard port == other.port else { return false }
        if covers(other) || other.covers(self) || host == other.host { return true }
        return (isName || other.isName) && isLoopback && other.isLoopback
    }

    private func covers(_ other: Address) -> Bool {
        let otherIsIPv6 = if case .ip(let ip) = other.host { !ip.isIPv4 } else { false }
        switch host {
        case .any: return !otherIsIPv6
        case .ip(let ip) where ip.isIPv4: return ip.ipv4 == 0 && !otherIsIPv6
        case .ip(let ip): return ip.high == 0 && ip.low == 0
        case .name, .unix: return false
        }
    }
}

/// Host patterns of routes.
public enum HostText {
    static func isPattern(_ text: String) -> Bool {
        if text.hasPrefix("["), text.hasSuffix("]") { return IPAddress(text.dropFirst().dropLast()).map { !$0.isIPv4 } ?? false }
        let isWildcard = text.hasPrefix("*.")
        let name = isWildcard ? String(text.dropFirst(2)) : text
        let labels = name.utf8.count { $0 == UInt8(ascii: ".") } + 1
        return Address.isName(name) && text.utf8.count <= Limits.hostBytesMax && !(isWildcard && labels > Limits.wildcardLabelsMax)
    }
}

/// Path patterns of routes.
public enum PathText {
    static func isPattern(_ bytes: [UInt8]) -> Bool {
        if bytes.first == UInt8(ascii: "~") { return isRegex(bytes) }
        let literal = bytes.first == UInt8(ascii: "=")
        let path = literal ? bytes.dropFirst() : bytes[...]
        guard path.first == UInt8(ascii: "/"), bytes.count <= Limits.pathPatternBytesMax else { return false }
        guard path.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }) else { return false }
        if literal { return true }
        if let star = path.firstIndex(of: UInt8(ascii: "*")), star != path.endIndex - 1 { return false }
        var names = Set<ArraySlice<UInt8>>()
        for segment in path.split(separator: UInt8(ascii: "/"))
        where segment.contains(UInt8(ascii: "{")) || segment.contains(UInt8(ascii: "}")) {
            guard segment.first == UInt8(ascii: "{"), segment.last == UInt8(ascii: "}"), isName(segment.dropFirst().dropLast()),
                names.insert(segment.dropFirst().dropLast()).inserted
            else { return false }
        }
        return names.count <= Limits.pathParametersMax
    }

    /// What can be said without an engine; the image compiler asks both engines.
    private static func isRegex(_ bytes: [UInt8]) -> Bool {
        (2...Limits.pathPatternBytesMax).contains(bytes.count) && bytes[1] != UInt8(ascii: "*")
            && bytes.allSatisfy { $0 > 0x20 && $0 < 0x7f }
    }

    private static func isName(_ name: ArraySlice<UInt8>) -> Bool {
        guard let first = name.first, name.count <= Limits.parameterNameBytesMax else { return false }
        return !isDigit(first) && name.allSatisfy { isAlnum($0) || $0 == UInt8(ascii: "_") }
    }
}
