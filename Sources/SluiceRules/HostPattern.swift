// Host patterns as the configuration writes them, parsed to the key of the image's host table.
import SluiceModel

/// An exact host, or "*.example.org", which matches one or more labels in front of ".example.org".
struct HostPattern: Equatable {
    /// Lower case, without a trailing dot; a wildcard keeps its leading dot (".example.org").
    let key: String
    let isWildcard: Bool
    /// Labels behind the star of a wildcard.
    let labels: Int

    static let forms = "a host name, an IP address ([…] for IPv6) or *.example.org, without port; no hosts at all for any host"

    init(_ text: String, at path: @autoclosure () -> String) throws(ImageError) {
        var name = text.lowercased()
        if name.hasSuffix(".") && name.utf8.count > 1 { name.removeLast() }
        isWildcard = name.hasPrefix("*.")
        if isWildcard { name.removeFirst(2) }
        let isIPv6 = name.hasPrefix("[") && name.hasSuffix("]") && IPAddress(name.dropFirst().dropLast()).map { !$0.isIPv4 } == true
        guard isIPv6 && !isWildcard || Address.isName(name), !name.hasSuffix(".") else {
            throw ImageError(path: path(), found: "\"\(text)\" is not a host", allowed: HostPattern.forms)
        }
        labels = name.utf8.reduce(1) { $0 + ($1 == UInt8(ascii: ".") ? 1 : 0) }
        if isWildcard && labels > Limits.wildcardLabelsMax {
            throw ImageError(
                path: path(), found: "\"\(text)\" has \(labels) labels behind the star", allowed: "at most \(Limits.wildcardLabelsMax)")
        }
        key = isWildcard ? "." + name : name
        if key.utf8.count > Limits.hostBytesMax {
            throw ImageError(path: path(), found: "a host of \(key.utf8.count) bytes", allowed: "at most \(Limits.hostBytesMax) bytes")
        }
    }
}
