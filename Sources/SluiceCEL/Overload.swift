// Names of overloads and attributes: numbers that stand in bytecode, so they are never reused for something else.

/// An overload of a function or operator: one row of the table in `Overloads.swift`.
public struct OverloadID: Sendable, Hashable {
    public var rawValue: UInt16
    public init(_ rawValue: UInt16) { self.rawValue = rawValue }
}

/// Something that an expression may ask of the request, response or connection.
public struct AttributeID: Sendable, Hashable {
    public var rawValue: UInt16
    public init(_ rawValue: UInt16) { self.rawValue = rawValue }
}
