// A strict reader of small JSON texts (RFC 8259) for manifests and plugin configurations: valid UTF-8, no duplicate keys,
// bounded nesting, nothing behind the value. Not for request bodies: it builds a tree.

/// One value with the place in the text where it stands.
public struct JSONNode: Sendable {
    public indirect enum Value: Sendable {
        case null
        case bool(Bool)
        /// The number as written.
        case number(String)
        case string(String)
        case array([JSONNode])
        case object([(key: String, node: JSONNode)])
    }
    public let value: Value
    /// Byte range in the text that was read.
    public let range: Range<Int>

    /// "an object", "a string"…, for messages.
    public var kind: String {
        switch value {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

public struct JSONError: Error, Sendable, CustomStringConvertible {
    public let description: String
}

public enum StrictJSON {
    /// Reads `text` whole; nested deeper than `depthMax` it is refused.
    public static func parse(_ text: [UInt8], depthMax: Int) throws(JSONError) -> JSONNode {
        guard String(validating: text, as: UTF8.self) != nil else { throw JSONError(description: "the text is not valid UTF-8") }
        var reader = Reader(text: text, depthMax: depthMax)
        let node = try reader.value(depth: 1)
        reader.skipSpace()
        if reader.at != text.count { throw reader.error("text behind the end of the value") }
        return node
    }

    struct Reader {
        let text: [UInt8]
        let depthMax: Int
        var at = 0

        var next: UInt8? { at < text.count ? text[at] : nil }

        func error(_ what: String) -> JSONError {
            let before = text[..<min(at, text.count)]
            let line = before.count(where: { $0 == 0x0a }) + 1
            let column = before.count - (before.lastIndex(of: 0x0a).map { $0 + 1 } ?? 0) + 1
            return JSONError(description: "line \(line), column \(column): \(what)")
        }

        mutating func skipSpace() {
            while let c = next, c == 0x20 || c == 0x09 || c == 0x0a || c == 0x0d { at += 1 }
        }

        mutating func value(depth: Int) throws(JSONError) -> JSONNode {
            skipSpace()
            let start = at
            if depth > depthMax { throw error("nested deeper than \(depthMax)") }
            let value: JSONNode.Value
            switch next {
            case UInt8(ascii: "{"): value = try object(depth)
            case UInt8(ascii: "["): value = try array(depth)
            case UInt8(ascii: "\""): value = .string(try string())
            case UInt8(ascii: "t"): value = try word("true", .bool(true))
            case UInt8(ascii: "f"): value = try word("false", .bool(false))
            case UInt8(ascii: "n"): value = try word("null", .null)
            case .some(let c) where c == UInt8(ascii: "-") || (0x30...0x39).contains(c): value = try number()
            case .none: throw error("the text ends where a value should be")
            default: throw error("expected a value")
            }
            return JSONNode(value: value, range: start..<at)
        }

        private mutating func word(_ w: StaticString, _ v: JSONNode.Value) throws(JSONError) -> JSONNode.Value {
            let n = w.utf8CodeUnitCount
            guard text.count - at >= n, (0..<n).allSatisfy({ text[at + $0] == w.utf8Start[$0] }) else { throw error("expected \(w)") }
            at += n
            return v
        }

        private mutating func digits() throws(JSONError) {
            guard let c = next, (0x30...0x39).contains(c) else { throw error("expected a digit") }
            while let c = next, (0x30...0x39).contains(c) { at += 1 }
        }

        private mutating func number() throws(JSONError) -> JSONNode.Value {
            let start = at
            if next == UInt8(ascii: "-") { at += 1 }
            if next == UInt8(ascii: "0") { at += 1 } else { try digits() }
            if let c = next, (0x30...0x39).contains(c) { throw error("a number may not start with 0") }
            if next == UInt8(ascii: ".") {
                at += 1
                try digits()
            }
            if let c = next, c | 0x20 == UInt8(ascii: "e") {
                at += 1
                if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { at += 1 }
                try digits()
            }
            return .number(String(decoding: text[start..<at], as: UTF8.self))
        }

        private mutating func array(_ depth: Int) throws(JSONError) -> JSONNode.Value {
            at += 1
            var nodes: [JSONNode] = []
            skipSpace()
            if next == UInt8(ascii: "]") {
                at += 1
                return .array([])
            }
            while true {
                nodes.append(try value(depth: depth + 1))
                skipSpace()
                guard let c = next, c == UInt8(ascii: ",") || c == UInt8(ascii: "]") else { throw error("expected , or ]") }
                at += 1
                if c == UInt8(ascii: "]") { return .array(nodes) }
            }
        }

        private mutating func object(_ depth: Int) throws(JSONError) -> JSONNode.Value {
            at += 1
            var members: [(key: String, node: JSONNode)] = []
            var keys: Set<String> = []
            skipSpace()
            if next == UInt8(ascii: "}") {
                at += 1
                return .object([])
            }
            while true {
                skipSpace()
                guard next == UInt8(ascii: "\"") else { throw error("expected a key in quotes") }
                let key = try string()
                if !keys.insert(key).inserted { throw error("duplicate key \"\(key)\"") }
                skipSpace()
                guard next == UInt8(ascii: ":") else { throw error("expected :") }
                at += 1
                members.append((key, try value(depth: depth + 1)))
                skipSpace()
                guard let c = next, c == UInt8(ascii: ",") || c == UInt8(ascii: "}") else { throw error("expected , or }") }
                at += 1
                if c == UInt8(ascii: "}") { return .object(members) }
            }
        }

        private mutating func hex4() throws(JSONError) -> UInt32 {
            var u: UInt32 = 0
            for _ in 0..<4 {
                guard let c = next, let d = Character(UnicodeScalar(c)).hexDigitValue, c < 0x80 else {
                    throw error("expected four hex digits")
                }
                u = u << 4 | UInt32(d)
                at += 1
            }
            return u
        }

        private mutating func escape(into out: inout [UInt8]) throws(JSONError) {
            at += 1
            guard let c = next else { throw error("the text ends inside a string") }
            at += 1
            switch c {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(c)
            case UInt8(ascii: "b"): out.append(0x08)
            case UInt8(ascii: "f"): out.append(0x0c)
            case UInt8(ascii: "n"): out.append(0x0a)
            case UInt8(ascii: "r"): out.append(0x0d)
            case UInt8(ascii: "t"): out.append(0x09)
            case UInt8(ascii: "u"):
                var u = try hex4()
                if (0xd800..<0xdc00).contains(u) {
                    guard next == UInt8(ascii: "\\"), at + 1 < text.count, text[at + 1] == UInt8(ascii: "u") else {
                        throw error("half a surrogate pair")
                    }
                    at += 2
                    let low = try hex4()
                    guard (0xdc00..<0xe000).contains(low) else { throw error("half a surrogate pair") }
                    u = 0x10000 + (u - 0xd800) << 10 + (low - 0xdc00)
                }
                guard let scalar = UnicodeScalar(u) else { throw error("half a surrogate pair") }
                out.append(contentsOf: UTF8.encode(scalar)!)
            default: throw error("unknown escape")
            }
        }

        private mutating func string() throws(JSONError) -> String {
            at += 1
            var out: [UInt8] = []
            while let c = next {
                if c == UInt8(ascii: "\"") {
                    at += 1
                    return String(decoding: out, as: UTF8.self)
                }
                if c < 0x20 { throw error("a control character inside a string") }
                if c == UInt8(ascii: "\\") {
                    try escape(into: &out)
                } else {
                    out.append(c)
                    at += 1
                }
            }
            throw error("the text ends inside a string")
        }
    }
}
