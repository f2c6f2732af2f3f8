// The tree of an expression, before and after the check. The parser makes it, macros are already expanded in it, `Checker` fills in types
// and overloads, the compiler turns it into bytecode. A table with indices, so that a deep expression is not a deep stack of objects.

/// Where something stands in the text of an expression: bytes from its start.
public struct SourceRange: Sendable, Equatable {
    public var offset: Int32
    public var count: Int32
    public init(offset: Int32, count: Int32) { self.offset = offset; self.count = count }
}

public struct ExpressionID: Sendable, Hashable {
    public var index: Int32
    public init(_ index: Int32) { self.index = index }
}

/// An expression: nodes, of which `root` is the outermost. Operands come before their users.
public struct Expression: Sendable {
    public var text: String
    public var nodes: [Node] = []
    public var root = ExpressionID(-1)
    /// Where the name of a field, function or operator stands, for messages; `Node.range` is all of it with its operands.
    public var nameRanges: [ExpressionID: SourceRange] = [:]
    public init(text: String) { self.text = text }
    public subscript(_ id: ExpressionID) -> Node {
        get { nodes[Int(id.index)] }
        set { nodes[Int(id.index)] = newValue }
    }
}

public struct Node: Sendable {
    public var kind: NodeKind
    public var range: SourceRange
    /// `.unknown` until checked.
    public var type = CELType.unknown
    public init(_ kind: NodeKind, _ range: SourceRange) { self.kind = kind; self.range = range }
}

public enum NodeKind: Sendable {
    case literal(Literal)
    /// As written, with dots for a qualified name; only before the check.
    case name(String)
    /// A variable of a comprehension; the number counts the open comprehensions from the outermost: 2n its element, 2n + 1 its result.
    case local(Int)
    /// Something of the request, response or connection (`Attributes`).
    case attribute(AttributeID)
    /// `operand.field`, or `has(operand.field)`. On maps, and on JSON-like values.
    case select(ExpressionID, field: String, isTest: Bool)
    /// Before the check: by name (operators by CEL's names, "_+_", "_[_]", "_?_:_", "@in"); `target` for `x.f(y)`.
    case call(String, target: ExpressionID?, arguments: [ExpressionID])
    /// After the check: which overload, or the group of one function where that depends on values (`OverloadID`). A target is the first
    /// argument. A `.name` or `.call` that is left after an unchecked resolution is an error when it is reached.
    case checkedCall(OverloadID, arguments: [ExpressionID])
    case list([ExpressionID])
    case map([(key: ExpressionID, value: ExpressionID)])
    /// What all, exists, exists_one, map and filter become: fold over a list or over the keys of a map (CEL specification, "Macros").
    case comprehension(Comprehension)
}

public struct Comprehension: Sendable {
    /// Names before the check; after it `NodeKind.local`.
    public var element: String
    public var result: String
    public var range: ExpressionID
    public var initial: ExpressionID
    /// Goes on while true.
    public var condition: ExpressionID
    public var step: ExpressionID
    public var final: ExpressionID
    public init(
        element: String, result: String, range: ExpressionID, initial: ExpressionID, condition: ExpressionID, step: ExpressionID,
        final: ExpressionID
    ) {
        self.element = element
        self.result = result
        self.range = range
        self.initial = initial
        self.condition = condition
        self.step = step
        self.final = final
    }
}

public enum Literal: Sendable, Equatable {
    case null
    case bool(Bool)
    case int(Int64)
    case uint(UInt64)
    case double(Double)
    case string(String)
    case bytes([UInt8])
    /// A type as a value, by its name: `int`, `google.protobuf.Timestamp`.
    case type(String)
}

/// Types of values. `dyn` is known only when it runs.
public indirect enum CELType: Sendable, Hashable {
    case unknown, dyn, null, bool, int, uint, double, string, bytes, timestamp, duration, type
    /// Of the network extension.
    case ip, cidr
    /// What `ipset(name)` gives.
    case addressSet
    case list(CELType)
    case map(CELType, CELType)
    /// A type parameter in declarations of overloads.
    case parameter(String)
}
