// What an expression may refer to: attributes by where it runs, variables, functions of plugins, ip sets. A value made by whoever compiles
// a condition; the checker only reads it.
import SluiceModel

public struct CELEnvironment: Sendable {
    /// A variable beside the attributes: `AttributeID.firstVariable` + its position in the list.
    public struct Variable: Sendable, Equatable {
        /// As written in expressions, with dots if it is qualified.
        public var name: String
        public var type: CELType
        public init(name: String, type: CELType) { self.name = name; self.type = type }
    }
    /// A typed function that a plugin exports, under the name SPACE.NAME: `OverloadID.firstPlugin` + its position in the list.
    public struct Function: Sendable, Equatable {
        public var name: String
        public var signature: FunctionSignature
        public init(name: String, signature: FunctionSignature) { self.name = name; self.signature = signature }
    }

    /// Attributes that exist in all of these places are known; empty: no attributes at all.
    public var uses: CELUse
    public var variables: [Variable] = []
    public var functions: [Function] = []
    /// Names that `ipset("…")` may say; nil: any (for a check without a configuration at hand).
    public var addressSets: Set<String>?
    /// Whether there are shared dictionaries for dict(zone, key).
    public var hasDictionaries = false
    /// false: types are not checked, unknown names and functions stay in the tree and are errors when they are reached.
    public var isChecked = true
    /// Refuses what may cost more.
    public var costMax = Limits.expressionCostMax

    public init(uses: CELUse) { self.uses = uses }

    /// `match.when`: while the route is still to be found.
    public static let route = CELEnvironment(uses: .route)
    /// `when` of bindings, splits and other actions on a request.
    public static let request = CELEnvironment(uses: .request)
    /// When the head of the response is there.
    public static let response = CELEnvironment(uses: .response)
    /// No attributes: constants and the variables that are declared.
    public static let free = CELEnvironment(uses: [])
}
