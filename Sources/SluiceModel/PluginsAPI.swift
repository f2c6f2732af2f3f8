// Whether the admin API may load native code, what it must show for it, and what becomes of it when it misbehaves.

public enum PluginsAPI: String, Sendable, CaseIterable {
    /// It may not: only plugins of the file run.
    case no
    /// From files of this machine, named by absolute path.
    case local
    /// From such files, or from bytes that come with the request.
    case upload

    /// Files of this machine may be loaded.
    public var loadsFiles: Bool { self != .no }
}

/// What becomes of plugins with and without a good signature.
public struct PluginSignatures: Sendable, Equatable {
    public enum Policy: String, Sendable, CaseIterable {
        /// Signatures are not looked at.
        case off
        /// A missing or wrong one is told and logged.
        case warn
        /// Without a good one nothing is loaded.
        case enforce
    }
    public var policy = Policy.off
    /// Ed25519 public keys: each a PEM file, or base64 of the 32 bytes.
    public var keys: [String] = []
    public init() {}
}

/// So many crashes of one generation within so many seconds keep it from running.
public struct PluginQuarantine: Sendable, Equatable {
    public var crashes = Limits.pluginCrashesMax
    public var seconds = Limits.pluginCrashWindowSeconds
    public init() {}
}

/// What a generation that replaced another may do in its first time without being taken back.
public struct PluginProbation: Sendable, Equatable {
    /// 0 = no probation.
    public var seconds = Limits.pluginProbationSeconds
    /// Percent of calls.
    public var errorsMax = Limits.pluginProbationErrorsMax
    /// 99 of 100 calls of every phase stay below, on the processor; nil = whatever it takes.
    public var latencyMaxMs: Int?
    /// Calls before errors and latency are judged.
    public var minCalls = Limits.pluginProbationMinCalls
    public init() {}
}
