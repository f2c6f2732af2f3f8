// The table of functions and operators: what each overload takes and gives, and how its cost grows. Operators under CEL's names. Sources:
// CEL language definition ("List of Standard Definitions"); the strings extension of cel-go; the network extension as Kubernetes documents
// it. `format` of the strings extension is not here: the size of its result cannot be bounded by the cost model before it runs, and `+`
// with string() does the same. Long because the table is one piece.

public enum Overloads {
    /// Every overload of the language.
    public static let all: [Overload] = operators + relations + standard + conversions + times + strings + network

    /// Rows by CEL's name of the function.
    public static let named: [String: [Overload]] = Dictionary(grouping: all, by: \.name)
    private static let numbered = Dictionary(all.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })

    /// The row of an overload; nil for numbers of groups that have no row of their own and of plugins.
    public static func row(_ id: OverloadID) -> Overload? { numbered[id] }

    /// The row of a signature such as "string.(string) -> bool" (member) or "int, int -> int".
    private static func row(
        _ id: OverloadID, _ name: String, _ signature: String, _ cost: CostClass = .constant, group: OverloadID? = nil
    ) -> Overload {
        var text = TypeText(signature)
        var parameters: [CELType] = []
        let isMember = signature.contains(".(")
        while !text.take("->") { if !text.takeSeparator() { parameters.append(text.type()) } }
        return Overload(
            id: id, group: group ?? id, name: name, isMember: isMember, parameters: parameters, result: text.type(), cost: cost)
    }
    /// Overloads of one function; the numbers follow the group's, in order.
    private static func group(_ id: OverloadID, _ name: String, _ cost: CostClass, _ signatures: String...) -> [Overload] {
        signatures.enumerated().map { row(OverloadID(id.rawValue + UInt16($0) + 1), name, $1, cost, group: id) }
    }

    static let operators: [Overload] =
        [
            row(.and, "_&&_", "bool, bool -> bool"),
            row(.or, "_||_", "bool, bool -> bool"),
            row(.not, "!_", "bool -> bool"),
            row(.conditional, "_?_:_", "bool, A, A -> A"),
            row(.notStrictlyFalse, "@not_strictly_false", "bool -> bool"),
        ]
        + group(.add, "_+_", .constant, "int, int -> int", "uint, uint -> uint", "double, double -> double")
        + [
            row(.addString, "_+_", "string, string -> string", .walk, group: .add),
            row(.addBytes, "_+_", "bytes, bytes -> bytes", .walk, group: .add),
            row(.addList, "_+_", "list(A), list(A) -> list(A)", .walk, group: .add),
            row(.addTimestampDuration, "_+_", "timestamp, duration -> timestamp", group: .add),
            row(.addDurationTimestamp, "_+_", "duration, timestamp -> timestamp", group: .add),
            row(.addDuration, "_+_", "duration, duration -> duration", group: .add),
        ]
        + group(
            .subtract, "_-_", .constant, "int, int -> int", "uint, uint -> uint", "double, double -> double",
            "timestamp, timestamp -> duration", "timestamp, duration -> timestamp", "duration, duration -> duration")
        + group(.multiply, "_*_", .constant, "int, int -> int", "uint, uint -> uint", "double, double -> double")
        + group(.divide, "_/_", .constant, "int, int -> int", "uint, uint -> uint", "double, double -> double")
        + group(.modulo, "_%_", .constant, "int, int -> int", "uint, uint -> uint")
        + group(.negate, "-_", .constant, "int -> int", "double -> double")
        + group(.index, "_[_]", .constant, "list(A), int -> A", "map(A, B), A -> B")
        + [
            row(.inList, "@in", "A, list(A) -> bool", .search, group: .isIn),
            row(.inMap, "@in", "A, map(A, B) -> bool", group: .isIn),
            row(.inAddressSet, "@in", "ip, ipset -> bool", group: .isIn),
        ]

    static let relations: [Overload] =
        equality(.equals, "_==_") + equality(.notEquals, "_!=_") + order(.less, "_<_") + order(.lessEquals, "_<=_")
        + order(.greater, "_>_") + order(.greaterEquals, "_>=_")

    private static func equality(_ id: OverloadID, _ name: String) -> [Overload] {
        let types = ["bool", "int", "uint", "double", "string", "bytes", "ip"]
        return types.enumerated().map {
            row(OverloadID(id.rawValue + UInt16($0) + 1), name, "\($1), \($1) -> bool", .compare, group: id)
        } + [row(id, name, "A, A -> bool", .compare)]
    }
    private static func order(_ id: OverloadID, _ name: String) -> [Overload] {
        let types = ["bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration"]
        let mixed = [("int", "uint"), ("int", "double"), ("uint", "int"), ("uint", "double"), ("double", "int"), ("double", "uint")]
        return types.enumerated().map {
            row(OverloadID(id.rawValue + UInt16($0) + 1), name, "\($1), \($1) -> bool", .compare, group: id)
        } + mixed.map { row(id, name, "\($0), \($1) -> bool") }
    }

    static let standard: [Overload] =
        group(.size, "size", .constant, "string -> int", "bytes -> int", "list(A) -> int", "map(A, B) -> int")
        + group(.size, "size", .constant, "string.() -> int", "bytes.() -> int", "list(A).() -> int", "map(A, B).() -> int")
        + [
            row(.contains, "contains", "string.(string) -> bool", .product),
            row(.startsWith, "startsWith", "string.(string) -> bool", .walkLast),
            row(.endsWith, "endsWith", "string.(string) -> bool", .walkLast),
            row(.matches, "matches", "string.(string) -> bool", .regex),
            row(.matches, "matches", "string, string -> bool", .regex),
            row(.dyn, "dyn", "A -> dyn"),
            row(.type, "type", "A -> type"),
            row(.ipset, "ipset", "string -> ipset"),
            row(.dict, "dict", "string, string -> dyn"),
        ]

    static let conversions: [Overload] =
        group(.toInt, "int", .walk, "int -> int", "uint -> int", "double -> int", "string -> int", "timestamp -> int")
        + group(.toUint, "uint", .walk, "uint -> uint", "int -> uint", "double -> uint", "string -> uint")
        + group(.toDouble, "double", .walk, "double -> double", "int -> double", "uint -> double", "string -> double")
        + group(
            .toString, "string", .walk, "string -> string", "int -> string", "uint -> string", "double -> string", "bool -> string",
            "bytes -> string", "timestamp -> string", "duration -> string", "ip -> string", "cidr -> string")
        + group(.toBytes, "bytes", .walk, "bytes -> bytes", "string -> bytes")
        + group(.toBool, "bool", .walk, "bool -> bool", "string -> bool")
        + group(.toTimestamp, "timestamp", .walk, "timestamp -> timestamp", "string -> timestamp", "int -> timestamp")
        + group(.toDuration, "duration", .walk, "duration -> duration", "string -> duration")

    static let times: [Overload] = [
        (OverloadID.getFullYear, "getFullYear", false), (.getMonth, "getMonth", false), (.getDate, "getDate", false),
        (.getDayOfMonth, "getDayOfMonth", false), (.getDayOfWeek, "getDayOfWeek", false), (.getDayOfYear, "getDayOfYear", false),
        (.getHours, "getHours", true), (.getMinutes, "getMinutes", true), (.getSeconds, "getSeconds", true),
        (.getMilliseconds, "getMilliseconds", true),
    ].flatMap { id, name, ofDuration in
        let ofTime = group(id, name, .constant, "timestamp.() -> int", "timestamp.(string) -> int")
        let third = OverloadID(id.rawValue + 3)
        return ofDuration ? ofTime + [row(third, name, "duration.() -> int", group: id)] : ofTime
    }

    static let strings: [Overload] = [
        row(.charAt, "charAt", "string.(int) -> string", .walk),
        row(.indexOf, "indexOf", "string.(string) -> int", .product),
        row(.indexOfFrom, "indexOf", "string.(string, int) -> int", .product),
        row(.lastIndexOf, "lastIndexOf", "string.(string) -> int", .product),
        row(.lastIndexOfFrom, "lastIndexOf", "string.(string, int) -> int", .product),
        row(.join, "join", "list(string).() -> string", .walk),
        row(.joinWith, "join", "list(string).(string) -> string", .walk),
        row(.lowerAscii, "lowerAscii", "string.() -> string", .walk),
        row(.upperAscii, "upperAscii", "string.() -> string", .walk),
        row(.trim, "trim", "string.() -> string", .walk),
        row(.reverse, "reverse", "string.() -> string", .walk),
        row(.quote, "strings.quote", "string -> string", .walk),
        row(.replace, "replace", "string.(string, string) -> string", .product),
        row(.replaceCount, "replace", "string.(string, string, int) -> string", .product),
        row(.split, "split", "string.(string) -> list(string)", .product),
        row(.splitCount, "split", "string.(string, int) -> list(string)", .product),
        row(.substring, "substring", "string.(int) -> string", .walk),
        row(.substringTo, "substring", "string.(int, int) -> string", .walk),
    ]

    static let network: [Overload] =
        [
            row(.ip, "ip", "string -> ip", .walk),
            row(.isIP, "isIP", "string -> bool", .walk),
            row(.ipIsCanonical, "ip.isCanonical", "string -> bool", .walk),
            row(.family, "family", "ip.() -> int"),
            row(.isUnspecified, "isUnspecified", "ip.() -> bool"),
            row(.isLoopback, "isLoopback", "ip.() -> bool"),
            row(.isLinkLocalMulticast, "isLinkLocalMulticast", "ip.() -> bool"),
            row(.isLinkLocalUnicast, "isLinkLocalUnicast", "ip.() -> bool"),
            row(.isGlobalUnicast, "isGlobalUnicast", "ip.() -> bool"),
            row(.cidr, "cidr", "string -> cidr", .walk),
            row(.isCIDR, "isCIDR", "string -> bool", .walk),
            row(.cidrIP, "ip", "cidr.() -> ip"),
            row(.prefixLength, "prefixLength", "cidr.() -> int"),
            row(.masked, "masked", "cidr.() -> cidr"),
        ]
        + group(.containsIP, "containsIP", .walk, "cidr.(ip) -> bool", "cidr.(string) -> bool")
        + group(.containsCIDR, "containsCIDR", .walk, "cidr.(cidr) -> bool", "cidr.(string) -> bool")

    /// How an operator is written with these operands; nil: it is no operator.
    static func written(_ name: String, _ operands: [String]) -> String? {
        switch (name, operands.count) {
        case ("@in", 2): "\(operands[0]) in \(operands[1])"
        case ("_[_]", 2): "\(operands[0])[\(operands[1])]"
        case ("_?_:_", 3): "\(operands[0]) ? \(operands[1]) : \(operands[2])"
        case ("!_", 1), ("-_", 1): "\(name.dropLast())\(operands[0])"
        case (_, 2) where name.hasPrefix("_") && name.hasSuffix("_"): "\(operands[0]) \(name.dropFirst().dropLast()) \(operands[1])"
        default: nil
        }
    }
}
