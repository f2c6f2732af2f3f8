// Signatures of typed functions as people write them, "string(ip, int)", and names as rules say them, "geo.country". Pure text: what a
// signature means in C is in `TypedFunction.swift`, the contract in SDK's rule_functions.h.
/// A type that a rule and a C function agree on.
public enum FunctionType: UInt8, Sendable, CaseIterable {
    case bool = 1, int, double, string, bytes, ip
    public var name: String { "\(self)" }
}

/// Why a function was refused: what, and what is allowed.
public struct FunctionError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}

/// For example `try FunctionSignature("bool(string, int)")`.
public struct FunctionSignature: Sendable, Equatable, CustomStringConvertible {
    public let result: FunctionType
    /// At most `Limits.functionArgumentsMax`.
    public let arguments: [FunctionType]

    public init(result: FunctionType, arguments: [FunctionType]) { (self.result, self.arguments) = (result, arguments) }

    /// RESULT(ARGUMENT, …); blanks between words are fine.
    public init(_ text: String) throws(FunctionError) {
        let shown = "signature \"\(text.prefix(Limits.functionSignatureBytesMax))\""
        guard text.utf8.count <= Limits.functionSignatureBytesMax else {
            throw FunctionError("\(shown) …: \(text.utf8.count) bytes; at most \(Limits.functionSignatureBytesMax)")
        }
        guard let open = text.firstIndex(of: "("), text.last == ")", text.firstIndex(of: ")") == text.index(before: text.endIndex),
            text.lastIndex(of: "(") == open
        else { throw FunctionError("\(shown): not of the form RESULT(ARGUMENT, …), for example string(ip, int)") }
        result = try Self.type(text[..<open], "the result", shown)
        let inside = text[text.index(after: open)...].dropLast()
        if inside.allSatisfy({ $0 == " " }) {
            arguments = []
            return
        }
        let words = inside.split(separator: ",", omittingEmptySubsequences: false)
        guard words.count <= Limits.functionArgumentsMax else {
            throw FunctionError("\(shown): \(words.count) arguments; at most \(Limits.functionArgumentsMax)")
        }
        var types: [FunctionType] = []
        for (i, word) in words.enumerated() { types.append(try Self.type(word, "argument \(i + 1)", shown)) }
        arguments = types
    }

    private static func type(_ word: Substring, _ what: String, _ shown: String) throws(FunctionError) -> FunctionType {
        var word = word
        while word.first == " " { word.removeFirst() }
        while word.last == " " { word.removeLast() }
        if let known = FunctionType.allCases.first(where: { $0.name == word }) { return known }
        let all = FunctionType.allCases.map(\.name).joined(separator: " ")
        throw FunctionError("\(shown): \(what) has the unknown type \"\(word)\"; known: \(all)")
    }

    public var description: String { "\(result.name)(\(arguments.map(\.name).joined(separator: ", ")))" }

    /// Why arguments of these types cannot be passed; nil: they can. For the check of rules.
    public func mismatch(_ types: [FunctionType]) -> String? {
        if types.count != arguments.count { return "\(types.count) arguments; \(description) takes \(arguments.count)" }
        for (i, (given, wanted)) in zip(types, arguments).enumerated() where given != wanted {
            return "argument \(i + 1) is a \(given.name); \(description) takes a \(wanted.name)"
        }
        return nil
    }
}

/// Names of functions: SPACE.NAME, each [a-z][a-z0-9_]{0,63}.
public enum FunctionName {
    /// What rules call other things.
    public static let reserved: Set<String> = [
        "request", "response", "source", "route", "cluster", "upstream", "consumer", "variable", "true", "false", "null", "in",
    ]

    public static func isWord(_ word: some StringProtocol) -> Bool {
        guard let first = word.utf8.first, first &- 0x61 < 26, word.utf8.count <= Limits.functionNameBytesMax else { return false }
        return word.utf8.allSatisfy { $0 &- 0x61 < 26 || $0 &- 0x30 < 10 || $0 == 0x5f }
    }

    /// Refuses what is not SPACE.NAME.
    public static func check(_ name: String) throws(FunctionError) {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy(isWord) else {
            throw FunctionError(
                "name \"\(name)\": SPACE.NAME is needed, each 1 to \(Limits.functionNameBytesMax) of a–z, 0–9 and _, beginning with a letter"
            )
        }
        if reserved.contains(String(parts[0])) {
            throw FunctionError(
                "name \"\(name)\": the space \"\(parts[0])\" is the gateway's own; reserved: \(reserved.sorted().joined(separator: " "))")
        }
    }
}
