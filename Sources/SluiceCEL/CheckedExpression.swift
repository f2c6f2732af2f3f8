// What the front end gives: an expression whose names, types and overloads are certain, with its bound on cost. The compiler reads it.

public struct CheckedExpression: Sendable {
    public var expression: Expression
    /// Of the whole expression.
    public var type: CELType
    /// What it may cost at most, in units of CEL's cost model.
    public var cost: UInt64
    /// Attributes that it asks for, in the order of their first use.
    public var attributesUsed: [AttributeID]
}
