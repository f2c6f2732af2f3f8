// Names of overloads and attributes: numbers that stand in bytecode, so they are never reused for something else. `Overload` is one row
// of the table of functions; the rows are in Overloads.swift, the numbers in OverloadID+Names.swift.

/// An overload of a function or operator. Numbers come in groups of one function: the first of a group (`Overload.group`) picks among the
/// others by the values it finds when it runs, and stands where a type is known only then. From `firstPlugin` up: functions of plugins,
/// in the order of `CELEnvironment.functions`.
public struct OverloadID: Sendable, Hashable {
    public var rawValue: UInt16
    public init(_ rawValue: UInt16) { self.rawValue = rawValue }
    public static let firstPlugin = OverloadID(0x8000)
    /// Position in `CELEnvironment.functions`; nil: one of the language's own.
    public var pluginIndex: Int? { rawValue >= Self.firstPlugin.rawValue ? Int(rawValue - Self.firstPlugin.rawValue) : nil }
}

/// Something that an expression may ask of the request, response or connection: a row of `Attributes`. From `firstVariable` up: variables
/// of the environment, in the order of `CELEnvironment.variables`.
public struct AttributeID: Sendable, Hashable {
    public var rawValue: UInt16
    public init(_ rawValue: UInt16) { self.rawValue = rawValue }
    public static let firstVariable = AttributeID(0x8000)
    /// Position in `CELEnvironment.variables`; nil: one of the table.
    public var variableIndex: Int? { rawValue >= Self.firstVariable.rawValue ? Int(rawValue - Self.firstVariable.rawValue) : nil }
}

/// How the work of a call grows (CEL's cost model: a call is 1, a byte that is walked over 0.1, a byte of a regular expression 0.25).
public enum CostClass: Sendable {
    /// 1, whatever the operands.
    case constant
    /// Every byte or element of the operands once.
    case walk
    /// The bytes of the shorter operand.
    case compare
    /// The bytes of the last operand.
    case walkLast
    /// Bytes of the first × bytes of the second operand.
    case product
    /// Bytes of the text × a quarter of the bytes of the pattern.
    case regex
    /// Elements of the list, each compared.
    case search
    /// A function of a plugin: nobody knows, so as much as `Limits.expressionPluginCallCost`.
    case plugin
}

/// One row of the table of functions.
public struct Overload: Sendable {
    public var id: OverloadID
    /// Stands in for this one where types are known only at run time.
    public var group: OverloadID
    /// CEL's name: "_+_", "size", "geo.country".
    public var name: String
    /// `x.f(y)`; the target is the first parameter.
    public var isMember: Bool
    public var parameters: [CELType]
    public var result: CELType
    public var cost: CostClass

    /// `string.contains(string) -> bool`, `int + int -> int`.
    public var signature: String { "\(call) -> \(result)" }

    /// The signature without what it gives.
    var call: String {
        let types = parameters.map(\.description)
        let arguments = types.dropFirst(isMember ? 1 : 0).joined(separator: ", ")
        return Overloads.written(name, types) ?? (isMember ? "\(types[0]).\(name)(\(arguments))" : "\(name)(\(arguments))")
    }
}
