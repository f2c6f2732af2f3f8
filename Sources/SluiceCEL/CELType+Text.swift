// Types as people write and read them: `list(string)`, `map(string, int)`. Used by messages, by the tables and by the printed reference.

extension CELType: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unknown: "unknown"
        case .dyn: "dyn"
        case .null: "null"
        case .bool: "bool"
        case .int: "int"
        case .uint: "uint"
        case .double: "double"
        case .string: "string"
        case .bytes: "bytes"
        case .timestamp: "timestamp"
        case .duration: "duration"
        case .type: "type"
        case .ip: "ip"
        case .cidr: "cidr"
        case .addressSet: "ipset"
        case .list(let element): "list(\(element))"
        case .map(let key, let value): "map(\(key), \(value))"
        case .parameter(let name): name
        }
    }

    static let simple: [CELType] = [
        .dyn, .null, .bool, .int, .uint, .double, .string, .bytes, .timestamp, .duration, .type, .ip, .cidr, .addressSet,
    ]

    /// What `type(x)` is called in the language (CEL specification, "Abstract types"); nil: such values do not exist at run time.
    public var runtimeName: String? {
        switch self {
        case .unknown, .dyn, .parameter: nil
        case .null: "null_type"
        case .timestamp: "google.protobuf.Timestamp"
        case .duration: "google.protobuf.Duration"
        case .ip: "net.IP"
        case .cidr: "net.CIDR"
        case .list: "list"
        case .map: "map"
        default: description
        }
    }

    /// Names that mean a type in an expression, `type(x) == int`.
    static let runtimeNames: Set<String> = Set(
        (simple + [.list(.dyn), .map(.dyn, .dyn)]).filter { $0 != .addressSet }.compactMap(\.runtimeName))
}

/// Reads the types of the tables; a mistake there is a mistake of the program, so it stops.
struct TypeText {
    private var rest: Substring
    init(_ text: String) { rest = Substring(text) }

    mutating func take(_ word: String) -> Bool {
        while rest.first == " " { rest.removeFirst() }
        guard rest.hasPrefix(word) else { return false }
        rest.removeFirst(word.utf8.count)
        return true
    }

    /// What stands between parameters.
    mutating func takeSeparator() -> Bool { take(".(") || take(",") || take(")") }

    mutating func type() -> CELType {
        if take("list(") {
            let element = type()
            precondition(take(")"), "list type in \(rest)")
            return .list(element)
        }
        if take("map(") {
            let key = type()
            precondition(take(","), "map type in \(rest)")
            let value = type()
            precondition(take(")"), "map type in \(rest)")
            return .map(key, value)
        }
        let word = rest.drop { $0 == " " }.prefix { $0.isLetter }
        precondition(take(String(word)) && !word.isEmpty, "type in \(rest)")
        if let known = CELType.simple.first(where: { $0.description == word }) { return known }
        precondition(word.count == 1, "unknown type \(word)")
        return .parameter(String(word))
    }
}
