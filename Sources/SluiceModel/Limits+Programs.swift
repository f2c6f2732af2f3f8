// Bounds of compiled expressions and of running them. The compiler refuses what is larger, the check of a mapped image again.

extension Limits {
    public static let programBytesMax = 1 << 18
    public static let programInstructionsMax = 16_384
    public static let programConstantsMax = 16_384
    /// Values on the stack of one program at once.
    public static let programStackMax = 1_024
    /// Variables of open comprehensions: two each.
    public static let programLocalsMax = 64
    public static let programIteratorsMax = 32
    /// Steps of one run: one an instruction, one a ten bytes of text or element that a function walks over.
    public static let programCostMax = 100_000
    /// Memory that lists, maps and texts made by one run may take (of the request's arena).
    public static let programMemoryBytesMax = 256 << 10
    public static let programTraceStepsMax = 256
    /// Compiled patterns that one worker keeps.
    public static let regexCacheMax = 2_048  // a power of two
    /// Networks of one address set, each family, after touching ones are merged.
    public static let addressSetNetworksMax = 1 << 20
}
