// Bounds of what one image may hold. The image builder refuses anything past them; the configuration check reports them
// with line and column before that.

extension Limits {
    public static let routesMax = 1_000_000
    /// Host × path combinations of all routes together.
    public static let routeEntriesMax = 4_000_000
    public static let routePriorityMax = 1_000_000  // -1_000_000...1_000_000
    public static let pathPatternBytesMax = 2_048
    public static let pathParametersMax = 8  // `{name}` segments of one pattern
    public static let parameterNameBytesMax = 64
    public static let hostBytesMax = 253  // RFC 1035 section 2.3.4, without the trailing dot
    public static let wildcardLabelsMax = 31  // labels behind "*." of a wildcard host
    public static let idBytesMax = 255
    public static let listenersMax = 256
    public static let clustersMax = 100_000
    public static let pluginsMax = 256
    public static let bindingsPerRouteMax = 64
    public static let bindingConfigBytesMax = 1 << 20
    public static let expressionBytesMax = 16_384
    public static let expressionDepthMax = 250  // operands of operands: a sum of so many; CEL asks for 12 to 32 by construct
    public static let expressionNestingMax = 64  // open brackets, calls, signs: ten calls of the parser each, on stacks of 512 KiB
    public static let expressionNodesMax = 16_384  // after macros
    public static let expressionLocalsMax = 16  // comprehensions inside each other
    public static let expressionCostMax: UInt64 = 1_000_000  // CEL's cost units, bound of one expression
    public static let expressionPluginCallCost: UInt64 = 100
    public static let expressionRegexBytesMax: Int64 = 1 << 20  // memory of one compiled pattern
    public static let problemColumns = 120  // of the line of text that a message shows
    public static let templateBytesMax = 4_096
    public static let patternBytesMax = 2_048
    public static let lintRoutesMax = 20_000  // above, an apply does not wait for the linter
    public static let lintWarningsMax = 100  // in the answer of an apply
    public static let splitBranchesMax = 64
    public static let stickyNameBytesMax = 64
    public static let maintenanceStatusRange = 400...599
    public static let expandedBytesMax = 8_192  // of what a template becomes
    public static let splitWeightRange = 0...65_535
    public static let stickySecondsMax = 31_536_000
    public static let ipSetsMax = 4_096
    public static let ipSetAddressesMax = 1_000_000
    public static let consumersMax = 1_000_000
    public static let credentialsPerConsumerMax = 32
    public static let labelsPerConsumerMax = 64
    public static let certificatesMax = 100_000
    public static let respondBodyBytesMax = 1 << 20
    public static let respondHeaderBytesMax = 8_192
    public static let trustedNetworksMax = 1_024
    public static let unixPathBytesMax = 107  // sun_path without its NUL

    // What numbers of the configuration may be.
    public static let workersRange = 1...workersMax
    public static let connectionsRange = 16...1_048_576
    public static let headBytesRange = 1_024...61_440
    public static let targetBytesMin = 64  // up to headBytesMax as configured
    public static let headerFieldsRange = 8...256
    public static let bodyRateRange = 0...1_000_000_000
    public static let timeoutMsRange = 1...timeoutMsMax
    public static let drainTimeoutMsRange = 0...timeoutMsMax
    public static let backlogRange = 1...65_535
    public static let targetWeightRange = 1...65_535
    public static let connectRetriesRange = 0...16
    public static let upstreamIdleRange = 0...65_535
    public static let respondStatusRange = 200...599
}

// History of the policies.
extension Limits {
    /// Revisions that can be looked at and gone back to.
    public static let revisionsKept = 1_000
    public static let auditKept = 100_000
    /// Of one edit.
    public static let operationsPerEditMax = 10_000
    public static let commentBytesMax = 1_024
    /// Within which a change may have to be confirmed.
    public static let confirmSecondsRange = 1...86_400
    /// Retry after a change that was not confirmed could not be taken back.
    public static let revertRetryMs = 5_000
}
