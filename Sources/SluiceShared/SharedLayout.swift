// The shared memory that the master creates and every process maps: counters that workers write and the control process
// reads. One writer a word, so plain loads and stores suffice; nothing here locks. Shared dictionaries come with their
// own zones later.
//
//   [SharedHeader][WorkerBlock 0][WorkerBlock 1]…
//   WorkerBlock = [WorkerHead][RouteCounters × routeSlots][PluginCounters × pluginSlots][GenerationState × generationSlots]

@frozen public struct SharedHeader {
    public var magic: UInt64 = 0x3153_4355_4c53  // "SLUCS1"
    public var version: UInt32 = 1
    public var workerCount: UInt32 = 0
    public var totalBytes: UInt64 = 0
    /// Start of the master, Unix seconds.
    public var startedAt: UInt64 = 0
    /// Workers respawned after a crash; control processes respawned. Written by the master.
    public var workerRestarts: UInt64 = 0
    public var controlRestarts: UInt64 = 0
    public var reserved: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    public init() {}
}

/// Where a worker is, for the master's watch and the crash record (completed by the plugin host).
@frozen public struct WorkerHead {
    public var pid: UInt64 = 0
    /// Rises with every turn of the loop.
    public var beat: UInt64 = 0
    public var revision: UInt64 = 0
    /// Plugin stat slot + 1 now running, 0 = none; its generation, phase, and the tick it was entered at.
    public var currentPlugin: UInt64 = 0
    public var currentGeneration: UInt64 = 0
    public var currentPhase: UInt64 = 0
    public var accepted: UInt64 = 0
    public var clientConnections: UInt64 = 0  // gauge
    public var upstreamConnections: UInt64 = 0  // gauge
    public var upstreamIdle: UInt64 = 0  // gauge
    public var upstreamConnects: UInt64 = 0
    public var upstreamConnectFailures: UInt64 = 0
    public var upstreamRetries: UInt64 = 0
    public var requests: UInt64 = 0
    public var requestsActive: UInt64 = 0  // gauge
    public var parseErrors: UInt64 = 0
    public var timeouts: UInt64 = 0
    public var bytesIn: UInt64 = 0
    public var bytesOut: UInt64 = 0
    public var logLinesDropped: UInt64 = 0
    public var latencySumUs: UInt64 = 0
    /// Requests by duration; bucket bounds are `Latency.boundsUs`, the last one is +Inf. Not cumulative.
    public var latency: InlineArray<32, UInt64> = .init(repeating: 0)
    public var reserved: InlineArray<11, UInt64> = .init(repeating: 0)
    public init() {}
}

/// Requests of one route by status class (index 0 = 1xx … 4 = 5xx) and the sum of their durations.
@frozen public struct RouteCounters {
    public var byClass: InlineArray<5, UInt64> = .init(repeating: 0)
    public var durationSumUs: UInt64 = 0
    public var bytesIn: UInt64 = 0
    public var bytesOut: UInt64 = 0
    public init() {}
}

/// Calls and failures of one plugin, per phase (index = phase number of the ABI).
@frozen public struct PluginCounters {
    public var calls: InlineArray<8, UInt64> = .init(repeating: 0)
    public var failures: InlineArray<8, UInt64> = .init(repeating: 0)
    public init() {}
}

/// A plugin generation that this worker has loaded.
@frozen public struct GenerationState {
    /// Plugin stat slot + 1; 0 = free entry.
    public var plugin: UInt64 = 0
    public var generation: UInt64 = 0
    /// `GenerationPhase` raw value.
    public var state: UInt64 = 0
    /// Requests that still use it.
    public var references: UInt64 = 0
    public init() {}
}

public enum GenerationPhase: UInt64, Sendable { case loaded = 1, active = 2, draining = 3, parked = 4 }

public enum SharedLimits {
    public static let routeSlots = 4096  // slot 0: routes past the limit, and requests that matched none
    public static let pluginSlots = 256
    public static let generationSlots = 256
}

public enum Latency {
    /// Upper bounds of the histogram buckets in microseconds, smallest first; 31 bounds, then +Inf.
    public static let boundsUs: [UInt64] = [
        50, 100, 200, 300, 500, 750, 1_000, 1_500, 2_000, 3_000, 5_000, 7_500, 10_000, 15_000, 20_000, 30_000, 50_000, 75_000,
        100_000, 150_000, 200_000, 300_000, 500_000, 750_000, 1_000_000, 2_000_000, 3_000_000, 5_000_000, 10_000_000, 30_000_000,
        60_000_000,
    ]
}
