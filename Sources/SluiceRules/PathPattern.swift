// Path patterns as the configuration writes them, parsed to the bytes that the route tree is built of. What a pattern
// matches is said once, here; the walk over many of them at once is SluiceRouter.
import SluiceModel

/// One pattern:
///
/// | written | matches |
/// |---|---|
/// | `/about` | exactly that path |
/// | `=/a{b}*` | exactly those bytes, whatever they are |
/// | `/users/{id}/posts` | one non-empty segment for each `{name}` |
/// | `/static/*` | every path that begins with `/static/`; also the bare `/static/`, not `/static` (list that as well) |
/// | `~^/v[0-9]+/` | paths in which the regular expression matches: anywhere, unless `^` and `$` hold it |
///
/// Bytes are compared as they are: no case folding, no percent-decoding, `/a` and `/a/` differ. Among patterns that match
/// one path an exact one is better than a regular expression, and that is better than a prefix; of two expressions the one
/// that begins with more literal bytes behind a `^` is better; two others of a kind are compared from the left, and where they differ a literal
/// byte is better than `{name}`, and anything is better than the end of a prefix, so a longer prefix wins.
struct PathPattern: Equatable {
    /// Stands for a `{name}` segment in `bytes`; no literal byte of a pattern has this value.
    static let brace: UInt8 = 0xff
    /// The pattern without `=` and `*`, or the expression without `~`.
    var bytes: [UInt8] = []
    var isPrefix = false
    var isRegex = false
    var names: [String] = []

    static let forms = "/path, /users/{id}, /prefix/*, =/literal or ~REGEX"
    static let any = PathPattern(bytes: [], isPrefix: true, names: [])

    init(bytes: [UInt8], isPrefix: Bool, names: [String]) {
        self.bytes = bytes
        self.isPrefix = isPrefix
        self.names = names
    }

    init(_ text: String, at path: @autoclosure () -> String) throws(ImageError) {
        var s = Array(text.utf8)
        if s.count > Limits.pathPatternBytesMax {
            throw ImageError(path: path(), found: "a pattern of \(s.count) bytes", allowed: "at most \(Limits.pathPatternBytesMax) bytes")
        }
        if s.first == UInt8(ascii: "~") {
            s.removeFirst()
            try parseRegex(s, text, path)
            return
        }
        let literal = s.first == UInt8(ascii: "=")
        if literal { s.removeFirst() }
        if s.first != UInt8(ascii: "/") {
            throw ImageError(path: path(), found: "\"\(text)\" does not begin with a slash", allowed: PathPattern.forms)
        }
        if let bad = s.first(where: { $0 <= 0x20 || $0 >= 0x7f || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") }) {
            throw ImageError(
                path: path(), found: "\"\(text)\" contains \(PathPattern.describe(bad)), which no request path contains",
                allowed: "visible ASCII without ? and #; write other bytes percent-encoded, as %C3%BC for ü")
        }
        if !literal && s.last == UInt8(ascii: "*") {
            isPrefix = true
            s.removeLast()
        }
        if literal { bytes = s } else { try parseSegments(s, text, path) }
    }

    /// RE2 decides what users may write; that the set's engine takes it as well shows when the sets are compiled.
    private mutating func parseRegex(_ s: [UInt8], _ text: String, _ path: () -> String) throws(ImageError) {
        if let bad = s.first(where: { $0 <= 0x20 || $0 >= 0x7f }) {
            throw ImageError(
                path: path(), found: "\"\(text)\" contains \(PathPattern.describe(bad))",
                allowed: "visible ASCII; write other bytes percent-encoded, as %C3%BC for ü")
        }
        if s.isEmpty || s[0] == UInt8(ascii: "*") {
            throw ImageError(path: path(), found: "\"\(text)\"", allowed: "~ and a regular expression; (?i) in front ignores case")
        }
        if let problem = RegexSearch.problem(String(decoding: s, as: UTF8.self)) {
            throw ImageError(path: path(), found: "\"\(text)\": \(problem)", allowed: "RE2 syntax")
        }
        bytes = s
        isRegex = true
    }

    /// Literal bytes that a match must begin with: the longer, the better.
    static func literalLength(regex s: [UInt8]) -> Int {
        let special = Set("\\^$.|?*+()[]{}".utf8)
        if s.first != UInt8(ascii: "^") || s.contains(UInt8(ascii: "|")) { return 0 }
        var n = 1
        while n < s.count, !special.contains(s[n]) { n += 1 }
        let isOptional = n < s.count && "?*{".utf8.contains(s[n])
        return max(0, n - 1 - (isOptional ? 1 : 0))
    }

    /// Replaces `{name}` segments by the brace byte.
    private mutating func parseSegments(_ s: [UInt8], _ text: String, _ path: () -> String) throws(ImageError) {
        func refuse(_ why: String, _ allowed: String) -> ImageError {
            ImageError(path: path(), found: "\"\(text)\" \(why)", allowed: allowed)
        }
        if s.contains(UInt8(ascii: "*")) { throw refuse("has a * that is not its end", PathPattern.forms) }
        if !s.contains(where: { $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: "}") }) {
            bytes = s
            return
        }
        let segments = s.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        for (i, segment) in segments.enumerated() {
            if i > 0 { bytes.append(UInt8(ascii: "/")) }
            if segment.contains(where: { $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: "}") }) {
                guard segment.first == UInt8(ascii: "{"), segment.last == UInt8(ascii: "}"), !(isPrefix && i == segments.count - 1) else {
                    throw refuse("has braces that are not one whole segment", "{name} between slashes, or = in front for literal braces")
                }
                let name = segment.dropFirst().dropLast()
                guard PathPattern.isName(name) else {
                    throw refuse(
                        "has a bad segment name", "1...\(Limits.parameterNameBytesMax) letters, digits or _, not beginning with a digit")
                }
                let word = String(decoding: name, as: UTF8.self)
                if names.contains(word) { throw refuse("names {\(word)} twice", "different names within one pattern") }
                names.append(word)
                if names.count > Limits.pathParametersMax {
                    throw refuse("has more than \(Limits.pathParametersMax) named segments", "at most \(Limits.pathParametersMax)")
                }
                bytes.append(PathPattern.brace)
            } else {
                bytes += segment
            }
        }
    }

    private static func isName(_ s: ArraySlice<UInt8>) -> Bool {
        guard let first = s.first, !(0x30...0x39).contains(first), s.count <= Limits.parameterNameBytesMax else { return false }
        return s.allSatisfy { c in (0x30...0x39).contains(c) || (0x41...0x5a).contains(c) || (0x61...0x7a).contains(c) || c == 0x5f }
    }

    private static func describe(_ byte: UInt8) -> String {
        switch byte {
        case 0x20: "a space"
        case 0x21..<0x7f: "\"\(Character(UnicodeScalar(byte)))\""
        default: "byte 0x\(String(byte, radix: 16))"
        }
    }
}
