// Why a change that names plugins was refused by this worker. The text goes to the operator as it is.

public struct PluginFailure: Error, Sendable, CustomStringConvertible {
    /// "plugin key-auth@3: configuration refused: keys[0].key: a string is needed"
    public let description: String
    /// A bound was reached; what was asked for is well-formed.
    let isLimit: Bool
    init(_ description: String) { (self.description, isLimit) = (description, false) }
    init(limit description: String) { (self.description, isLimit) = (description, true) }
}
