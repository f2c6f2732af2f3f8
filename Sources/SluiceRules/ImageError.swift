// Why an image cannot be built or must not be used.

/// For example: `routes[3].action.cluster: unknown cluster "usr"; allowed: users, orders`.
public struct ImageError: Error, Equatable, CustomStringConvertible {
    /// Where: a place in the configuration (`routes[3].match.paths[0]`) or in the image (`image.nodes[7]`).
    public let path: String
    /// What was found there.
    public let found: String
    /// What would be accepted.
    public let allowed: String

    public init(path: String, found: String, allowed: String) {
        self.path = path
        self.found = found
        self.allowed = allowed
    }

    public var description: String { "\(path): \(found); allowed: \(allowed)" }
}
