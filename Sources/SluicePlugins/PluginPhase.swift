// The phases that hooks run in, with the numbers of the contract (SLUICE_PHASE_… in base.h). They index PluginCounters.

public enum PluginPhase: UInt8, Sendable, CaseIterable {
    case rewrite = 0, access = 1, headerFilter = 2, bodyFilter = 3, log = 4

    @inlinable public var bit: UInt8 { 1 << rawValue }

    /// As manifests and metrics call it.
    public var name: String {
        switch self {
        case .rewrite: "rewrite"
        case .access: "access"
        case .headerFilter: "header_filter"
        case .bodyFilter: "body_filter"
        case .log: "log"
        }
    }

    /// `MessageContext.phase` outside every hook: no call of the host's tables but reads is allowed.
    @inlinable public static var none: UInt8 { 255 }
    /// Index of `PluginCounters.failures` that counts calls refused with SLUICE_EPHASE.
    @inlinable public static var misuse: Int { 7 }
}
