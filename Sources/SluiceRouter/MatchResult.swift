// What a lookup says beside the route itself. Plain data that the caller keeps and lends to each lookup.
import SluiceRules

/// A `{name}` segment that a path matched.
@frozen public struct PathParameter {
    /// Its name, in the image.
    public var name = ImageText()
    /// The segment's place in the path that was looked up.
    public var offset: UInt32 = 0
    public var count: UInt32 = 0
    public init() {}
}

@frozen public struct MatchResult {
    /// Without a match: bits of the methods that routes of this host and path would take; 0 = there is no such route.
    /// 405 with `Allow` when it is not 0, 404 otherwise (RFC 9110 section 15.5.6). Unspecified after a match.
    public var allowedMethods: UInt16 = 0
    /// How many of `parameters` are set.
    public var parameterCount: UInt8 = 0
    public var parameters: InlineArray<8, PathParameter> = .init(repeating: PathParameter())
    public init() {}
}
