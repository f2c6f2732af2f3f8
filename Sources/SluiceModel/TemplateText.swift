// Texts with values of a request in them: where a redirect leads, what a rewrite makes of path, host and query. They are parsed and checked
// here, when the configuration is read; workers only put bytes together. What may stand where, and how a value is encoded there, is decided
// here once, so that no value of a client can end a line, open another argument or lead a redirect to another host. The configuration's
// documentation is docs/routing.md; expansion is `Pipeline+Expand.swift`.

public struct TemplateText: Sendable, Equatable {
    /// What the text is for; decides which values it may name.
    public enum Use: Sendable { case path, replacement, host, query, location }

    /// The numbers stand in images.
    public enum Value: UInt8, Sendable, CaseIterable {
        case literal = 0, scheme, host, path, query, method, client, uri
        /// A named segment of the route's path.
        case parameter
        /// What a group of `rewrite.pattern` took.
        case group
    }

    /// How the bytes of a value are spelled where it stands. The numbers stand in images.
    public enum Encoding: UInt8, Sendable {
        /// As they are; the whole is checked afterwards (host names).
        case none = 0
        /// In a path: what a path may hold stays, slashes too.
        case path
        /// Inside one segment of a path: slashes are escaped.
        case segment
        /// One value in a query: what separates arguments is escaped.
        case argument
        /// A whole query.
        case query
    }

    public struct Part: Sendable, Equatable {
        public var value: Value
        public var encoding: Encoding
        /// Literal text as it is sent, or the name of a parameter.
        public var text: String
        /// 0...9
        public var group: Int
    }
    public struct Problem: Error, Sendable, Equatable {
        public var found: String
        public var allowed: String
    }

    public private(set) var parts: [Part] = []
    /// The text itself, when no value stands in it.
    public var constant: String? {
        if parts.isEmpty { return "" }
        return parts.count == 1 && parts[0].value == .literal ? parts[0].text : nil
    }

    /// - Parameters:
    ///   - parameters: names of path segments that may stand in braces.
    ///   - groups: how many groups the pattern has, for `.replacement`.
    public init(_ text: String, for use: Use, parameters: [String] = [], groups: Int = 0) throws(Problem) {
        if text.utf8.count > Limits.templateBytesMax {
            throw Problem(found: "\(text.utf8.count) bytes", allowed: "at most \(Limits.templateBytesMax) bytes")
        }
        var place = Place(use)
        for token in try Self.tokens(text, hasGroups: use == .replacement) {
            switch token {
            case .text(let bytes): add(literal: try place.pass(bytes, isFirst: parts.isEmpty))
            case .name(let name):
                let value = try Self.value(name, use, parameters)
                let encoding = try place.pass(value, name, isFirst: parts.isEmpty)
                parts.append(Part(value: value, encoding: encoding, text: value == .parameter ? name : "", group: 0))
            case .group(let n):
                if n > groups {
                    throw Problem(
                        found: "\\\(n)", allowed: groups == 0 ? "\\0: the pattern has no groups" : "\\0 to \\\(groups), its groups")
                }
                parts.append(Part(value: .group, encoding: .path, text: "", group: n))
            }
        }
        try place.end(isEmpty: parts.isEmpty)
    }

    private mutating func add(literal text: String) {
        if text.isEmpty { return }
        if parts.last?.value == .literal {
            parts[parts.count - 1].text += text
        } else {
            parts.append(Part(value: .literal, encoding: .none, text: text, group: 0))
        }
    }

    /// The value that a name in braces stands for.
    private static func value(_ name: String, _ use: Use, _ parameters: [String]) throws(Problem) -> Value {
        let known = use.values
        if let value = known.first(where: { "\($0)" == name }) { return value }
        if parameters.contains(name) { return .parameter }
        let names = known.map { "{\($0)}" } + parameters.map { "{\($0)}" }
        let near = Suggestion.clause(for: name, in: known.map { "\($0)" } + parameters)
        throw Problem(found: "{\(name)}", allowed: names.joined(separator: " ") + ", {{ for a brace" + near)
    }
}

extension TemplateText.Use {
    /// What it may name, besides segments.
    var values: [TemplateText.Value] {
        switch self {
        case .path, .replacement: [.scheme, .host, .path, .query, .method, .client]
        case .host: [.host]
        case .query: [.scheme, .host, .path, .query, .method, .client, .uri]
        case .location: [.scheme, .host, .path, .query, .method, .client, .uri]
        }
    }
}

// Splitting

extension TemplateText {
    enum Token { case text([UInt8]), name(String), group(Int) }

    static func tokens(_ text: String, hasGroups: Bool) throws(Problem) -> [Token] {
        var out: [Token] = []
        var run: [UInt8] = []
        func end() {
            if !run.isEmpty { out.append(.text(run)) }
            run = []
        }
        let bytes = Array(text.utf8)
        var i = 0
        while i < bytes.count {
            let c = bytes[i], next = i + 1 < bytes.count ? bytes[i + 1] : 0
            i += 1
            if (c == 0x7b || c == 0x7d) && next == c {  // {{ and }}
                run.append(c)
                i += 1
            } else if c == 0x7b {
                guard let close = bytes[i...].firstIndex(of: 0x7d) else {
                    throw Problem(found: "a brace that is not closed", allowed: "{NAME}, or {{ for a brace")
                }
                end()
                out.append(.name(String(decoding: bytes[i..<close], as: UTF8.self)))
                i = close + 1
            } else if hasGroups && c == 0x5c {  // backslash
                i += 1
                if next == 0x5c {
                    run.append(next)
                } else if isDigit(next) {
                    end()
                    out.append(.group(Int(next) - 0x30))
                } else {
                    throw Problem(found: "a backslash before something else", allowed: "\\0 to \\9, or \\\\ for a backslash")
                }
            } else {
                run.append(c)
            }
        }
        end()
        return out
    }
}

// Where in the result a text has come to

extension TemplateText {
    /// Follows a template through the parts of a reference (RFC 3986 section 3), so that each value gets the spelling of its place.
    struct Place {
        let use: Use
        enum Area { case start, authority, path, query }
        var area: Area
        /// `{scheme}` came, "://" must follow.
        var needsAuthority = false

        init(_ use: Use) {
            self.use = use
            area =
                switch use {
                case .path, .location: .start
                case .replacement: .path
                case .host: .authority
                case .query: .query
                }
        }

        // A literal

        mutating func pass(_ bytes: [UInt8], isFirst: Bool) throws(Problem) -> String {
            var rest = bytes[...]
            if use == .location { try begin(&rest, isFirst) }
            if use == .path && isFirst {
                if bytes.first != UInt8(ascii: "/") { throw Problem(found: "a path that does not begin with a slash", allowed: Self.paths) }
                area = .path
            }
            for c in rest { try step(c) }
            return try Self.spelled(bytes, inHost: use == .host)
        }

        /// Scheme and the slashes of an authority at the beginning of a location.
        private mutating func begin(_ rest: inout ArraySlice<UInt8>, _ isFirst: Bool) throws(Problem) {
            if needsAuthority {
                guard rest.starts(with: "://".utf8) else { throw Problem(found: "{scheme} without ://", allowed: Self.locations) }
                needsAuthority = false
                rest = rest.dropFirst(3)
                area = .authority
            } else if isFirst {
                area = .path
                let scheme = rest.prefix { isAlnum($0) || "+-.".utf8.contains($0) }
                let behind = rest.dropFirst(scheme.count)
                if !scheme.isEmpty && behind.first == UInt8(ascii: ":") { rest = behind.dropFirst() }
                if rest.starts(with: "//".utf8) {
                    rest = rest.dropFirst(2)
                    area = .authority
                }
            }
        }

        private mutating func step(_ c: UInt8) throws(Problem) {
            if c <= 0x1f || c == 0x7f { throw Problem(found: "a control character", allowed: "a text without them") }
            switch c {
            case UInt8(ascii: "/") where area == .authority && use == .location: area = .path
            case UInt8(ascii: "?") where use == .location: area = .query
            case UInt8(ascii: "#") where use == .location: area = .query
            case UInt8(ascii: "#"): throw Problem(found: "a #", allowed: "%23: what follows # is never sent to a server")
            case UInt8(ascii: "?") where use == .path || use == .replacement:
                throw Problem(found: "a ? in a path", allowed: "%3F, or the query in rewrite.query")
            default: break
            }
        }

        // A value

        mutating func pass(_ value: Value, _ name: String, isFirst: Bool) throws(Problem) -> Encoding {
            if needsAuthority { throw Problem(found: "{scheme} without ://", allowed: Self.locations) }
            if area == .start { try first(value, name) }
            if area == .authority {
                if use == .host || value == .host { return .none }
                if value == .path || value == .uri {
                    area = .path
                } else if value != .scheme {
                    throw Problem(
                        found: "{\(name)} within the host of the location", allowed: "{host}, {path}, {uri}, or a slash in front of it")
                } else {
                    return .none
                }
            }
            if area == .query { return value == .query ? .query : .argument }
            return value == .path || value == .uri || value == .parameter ? .path : .segment
        }

        /// What a text may begin with: the rest of it must not become a scheme or a host by what a client sent.
        private mutating func first(_ value: Value, _ name: String) throws(Problem) {
            if use == .path {
                if value != .path { throw Problem(found: "a path that begins with {\(name)}", allowed: Self.paths) }
                area = .path
                return
            }
            switch value {
            case .path, .uri: area = .path
            case .scheme:
                needsAuthority = true
                area = .authority
            default: throw Problem(found: "a location that begins with {\(name)}", allowed: Self.locations)
            }
        }

        func end(isEmpty: Bool) throws(Problem) {
            if needsAuthority { throw Problem(found: "{scheme} without ://", allowed: Self.locations) }
            if isEmpty && (use == .path || use == .location || use == .host) {
                throw Problem(found: "nothing", allowed: use == .path ? Self.paths : use == .host ? "a host name" : Self.locations)
            }
        }

        static let paths = "a path that begins with / or {path}"
        static let locations = "a location that begins with a slash, SCHEME://HOST, {scheme}://, {path} or {uri}"

        /// Literal bytes as they are sent: those that no URI holds are escaped (RFC 3986 section 2), in a host refused.
        static func spelled(_ bytes: [UInt8], inHost: Bool) throws(Problem) -> String {
            var out: [UInt8] = []
            for (i, c) in bytes.enumerated() {
                let isEscape = c == UInt8(ascii: "%") && i + 2 < bytes.count && isHex(bytes[i + 1]) && isHex(bytes[i + 2])
                if isAlnum(c) || (inHost ? "-._:[]" : "-._~:/?#[]@!$&'()*+,;=").utf8.contains(c) || isEscape && !inHost {
                    out.append(c)
                } else if inHost {
                    throw Problem(found: "a character that no host name has", allowed: "letters, digits, - . and _, a port behind a colon")
                } else {
                    let digits = Array("0123456789ABCDEF".utf8)
                    out += [UInt8(ascii: "%"), digits[Int(c >> 4)], digits[Int(c & 15)]]
                }
            }
            return String(decoding: out, as: UTF8.self)
        }
        private static func isHex(_ c: UInt8) -> Bool { isDigit(c) || (0x61...0x66).contains(c | 0x20) }
    }
}
