// The tree that a configuration file becomes before anything is known about its meaning: scalars, lists and maps with the
// place each of them stands at. No YAML, no bytes, no types in here; `SchemaCheck.swift` gives the tree its types.

/// A place in a file. Both numbers start at 1; a column counts characters.
public struct SourcePosition: Sendable, Hashable, Comparable {
    public var line: Int
    public var column: Int
    public init(line: Int, column: Int) { self.line = line; self.column = column }
    public static func < (a: SourcePosition, b: SourcePosition) -> Bool { (a.line, a.column) < (b.line, b.column) }
}

/// One value of the file, with its place.
public struct ConfigNode: Sendable, Equatable {
    public enum Content: Sendable, Equatable {
        /// Text as written, after variables were put in. `quoted`: it was in quotes or a block, so it is always a text.
        case scalar(String, quoted: Bool)
        case list([ConfigNode])
        case map([ConfigEntry])
    }
    public var content: Content
    public var position: SourcePosition
    public init(_ content: Content, at position: SourcePosition) { self.content = content; self.position = position }

    /// The value under `key`; nil when this is no map or has no such key.
    public subscript(key: String) -> ConfigNode? { entries.first { $0.key == key }?.value }
    public var entries: [ConfigEntry] { if case .map(let entries) = content { entries } else { [] } }
    public var items: [ConfigNode] { if case .list(let items) = content { items } else { [] } }
    public var scalar: String? { if case .scalar(let text, _) = content { text } else { nil } }
    /// Where the value at `path` ("routes[3].match.methods[1]") stands, or the nearest thing around it that is there.
    public func locate(_ path: String) -> SourcePosition {
        var node = self
        for part in path.split(separator: ".") {
            let pieces = part.split(separator: "[")
            guard let key = pieces.first, let value = node[String(key)] else { break }
            node = value
            for piece in pieces.dropFirst() {
                guard let index = Int(piece.dropLast()), node.items.indices.contains(index) else { return node.position }
                node = node.items[index]
            }
        }
        return node.position
    }
    /// `key:` with nothing behind it, or `~`.
    public var isEmpty: Bool {
        if case .scalar(let text, quoted: false) = content { return text.isEmpty || text == "~" || text == "null" }
        return false
    }
    /// What stands here, for messages.
    public var found: String {
        switch content {
        case .scalar(let text, _): isEmpty ? "nothing" : quote(text)
        case .list(let items): "a list of \(items.count)"
        case .map(let entries): "a map of \(entries.count)"
        }
    }
}

/// One `key: value` of a map.
public struct ConfigEntry: Sendable, Equatable {
    public var key: String
    public var keyPosition: SourcePosition
    public var value: ConfigNode
    public init(key: String, keyPosition: SourcePosition, value: ConfigNode) {
        self.key = key
        self.keyPosition = keyPosition
        self.value = value
    }
}

/// Something in a file that is not allowed: where, what was found, what is allowed.
public struct ConfigProblem: Sendable, Equatable {
    public var position: SourcePosition
    /// "routes[3].match.methods[1]"; empty = the file as a whole.
    public var path: String
    /// "unknown method "GTE"; known: GET HEAD POST"
    public var message: String
    public init(at position: SourcePosition, path: String, _ message: String) {
        self.position = position
        self.path = path
        self.message = message
    }
    /// `file:line:column: path: message`
    public func line(file: String) -> String {
        "\(file):\(position.line):\(position.column): " + (path.isEmpty ? "" : path + ": ") + message
    }
}

/// `text` in double quotes for a message: control characters escaped, at most 80 characters shown.
public func quote(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars.prefix(80) {
        switch scalar {
        case "\"": out += "\\\""
        case "\\": out += "\\\\"
        case "\n": out += "\\n"
        case "\r": out += "\\r"
        case "\t": out += "\\t"
        default:
            if scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) {
                out += "\\u{" + String(scalar.value, radix: 16) + "}"
            } else {
                out.unicodeScalars.append(scalar)
            }
        }
    }
    return out + (text.unicodeScalars.count > 80 ? "…\"" : "\"")
}
