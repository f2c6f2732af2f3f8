// The shape of the configuration file as data: every key with its type, range, default and one line of explanation. The
// check (`SchemaCheck.swift`), the JSON Schema for editors and the tables of docs/configuration.md are all made from it.
// The grammar itself is in `SchemaGrammar.swift`, the forms of texts in `SchemaText.swift`.

/// A key of a map.
public struct SchemaKey: Sendable {
    public var name: String
    public var kind: SchemaKind
    public var required: Bool
    /// The default as a person would write it; nil = absent.
    public var defaultText: String?
    /// One line for the reference and for editors.
    public var doc: String
    public init(_ name: String, _ kind: SchemaKind, required: Bool = false, default defaultText: String? = nil, _ doc: String) {
        self.name = name
        self.kind = kind
        self.required = required
        self.defaultText = defaultText
        self.doc = doc
    }
}

/// What a value may be.
public indirect enum SchemaKind: Sendable {
    case map([SchemaKey])
    /// At most `max` items.
    case list(SchemaKind, max: Int)
    /// Names that the writer chooses, each with a text.
    case table(name: SchemaText, value: SchemaText, max: Int)
    /// Anything that JSON can say; handed on to a plugin.
    case json
    case text(SchemaText)
    case whole(ClosedRange<UInt64>)
    /// A whole number or one word.
    case wholeOr(String, ClosedRange<UInt64>)
    case flag
    /// Milliseconds.
    case duration(ClosedRange<Int>)
    /// Bytes; `unlimited` allows that word.
    case size(ClosedRange<UInt64>, unlimited: Bool)
    case choice([String])
    /// Exactly one of these keys.
    case oneOf([SchemaKey])
}

public enum SchemaLimits {
    /// Levels of nesting in a file.
    public static let depthMax = 32
    public static let fileBytesMax = 16 << 20
    /// Values in a file, keys included.
    public static let nodesMax = 4_000_000
    public static let hostsMax = 4096
    public static let pathsMax = 4096
    public static let headersMax = 64
    public static let textBytesMax = 1 << 20
    public static let problemsMax = 200
}

/// Durations and sizes as people write them.
public enum Quantity {
    /// "500ms", "10s", "5m", "1h" → milliseconds; nil = not a duration, or past `Int`.
    public static func duration(_ text: String) -> Int? {
        let (digits, unit) = split(text)
        guard let number = Int(digits), !digits.isEmpty else { return nil }
        let factor =
            switch unit {
            case "ms": 1;
            case "s": 1_000;
            case "m": 60_000;
            case "h": 3_600_000;
            default: 0
            }
        guard factor > 0 else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : product
    }

    /// "0", "512", "16KiB", "64MiB", "1GiB" (and B, KB, MB, GB in thousands) → bytes.
    public static func size(_ text: String) -> UInt64? {
        let (digits, unit) = split(text)
        guard let number = UInt64(digits), !digits.isEmpty else { return nil }
        let factor: UInt64 =
            switch unit {
            case "", "B": 1
            case "KiB": 1 << 10
            case "MiB": 1 << 20
            case "GiB": 1 << 30
            case "TiB": 1 << 40
            case "KB", "kB": 1_000
            case "MB": 1_000_000
            case "GB": 1_000_000_000
            default: 0
            }
        guard factor > 0 else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : product
    }

    /// The shortest exact writing of a number of milliseconds.
    public static func text(ms: Int) -> String {
        for (unit, factor) in [("h", 3_600_000), ("m", 60_000), ("s", 1_000)] where ms != 0 && ms % factor == 0 {
            return "\(ms / factor)\(unit)"
        }
        return "\(ms)ms"
    }

    public static func text(bytes: UInt64) -> String {
        for (unit, shift) in [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)] as [(String, UInt64)]
        where bytes != 0 && bytes % (1 << shift) == 0 { return "\(bytes >> shift)\(unit)" }
        return "\(bytes)"
    }

    private static func split(_ text: String) -> (Substring, Substring) {
        let end = text.firstIndex { !("0"..."9").contains($0) } ?? text.endIndex
        return (text[..<end], text[end...])
    }
}
