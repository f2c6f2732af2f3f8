// The shared memory that the master creates and every process maps: counters that workers write and the control process
// reads. One writer a word, so plain loads and stores suffice; nothing here locks. Shared dictionaries come with their
// own zones later.
//
//   [SharedHeader][CrashEntry × crashEntries][WorkerBlock 0][WorkerBlock 1]…
//   WorkerBlock = [WorkerHead][FaultRecord: fault][FaultRecord: sample]
//                 [RouteCounters × routeSlots][PluginCounters × pluginSlots][GenerationState × generationSlots]
//                 [MetricDefinition × metricSlots][Double × metricCells]
//
// There is one block more than workers: where the successor of a worker that is being recycled counts. Crashes are in `CrashRing.swift`.

@frozen public struct SharedHeader {
    public var magic: UInt64 = 0x3153_4355_4c53  // "SLUCS1"
    public var version: UInt32 = 2
    public var workerCount: UInt32 = 0
    public var totalBytes: UInt64 = 0
    /// Start of the master, Unix seconds.
    public var startedAt: UInt64 = 0
    /// Workers respawned after a crash; control processes respawned. Written by the master.
    public var workerRestarts: UInt64 = 0
    public var controlRestarts: UInt64 = 0
    /// Ticks of `TickClock` a microsecond.
    public var ticksPerUs: Double = 0
    /// Crashes written into the ring so far; the newest is entry `crashes - 1` of it.
    public var crashes: UInt64 = 0
    public var reserved: (UInt64, UInt64) = (0, 0)
    public init() {}
}

/// Where a worker is, for the master's watch and the crash record (completed by the plugin host).
@frozen public struct WorkerHead {
    public var pid: UInt64 = 0
    /// Rises with every turn of the loop.
    public var beat: UInt64 = 0
    public var revision: UInt64 = 0
    /// Plugin stat slot + 1 now running, 0 = none; its generation, phase, the address of the request's context in the worker
    /// (0 = no request), and the tick (`TickClock`) it was entered at.
    public var currentPlugin: UInt64 = 0
    public var currentGeneration: UInt64 = 0
    public var currentPhase: UInt64 = 0
    public var currentContext: UInt64 = 0
    public var enteredTick: UInt64 = 0
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
    /// Index + 1 of the worker that writes here, 0 = nobody. Written by the master.
    public var occupant: UInt64 = 0
    /// Conditions of routes and bindings that failed, and so counted as false.
    public var conditionErrors: UInt64 = 0
    public var reserved: InlineArray<7, UInt64> = .init(repeating: 0)
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

/// Calls and failures of one generation of a plugin, per phase (index = phase number of the ABI, 0…15).
@frozen public struct PluginCounters {
    public var calls: InlineArray<16, UInt64> = .init(repeating: 0)
    public var failures: InlineArray<16, UInt64> = .init(repeating: 0)
    /// Whose these are: its generation, and a hash of its name. A worker that loads another one into the slot starts from zero.
    public var generation: UInt64 = 0
    public var owner: UInt64 = 0
    /// Calls of host functions that the phase does not allow.
    public var misuse: UInt64 = 0
    /// Bytes that its instances and state took from the host, not yet given back.
    public var hostBytes: UInt64 = 0
    public var reserved: InlineArray<4, UInt64> = .init(repeating: 0)
    /// Time on the processor per phase, in ticks.
    public var cpu: InlineArray<16, TickHistogram> = .init(repeating: TickHistogram())
    /// Time parked per phase, in ticks: one entry a park.
    public var parked: InlineArray<16, TickHistogram> = .init(repeating: TickHistogram())
    public init() {}

    /// For sums over workers.
    public mutating func add(_ other: PluginCounters) {
        for i in 0..<16 {
            calls[i] &+= other.calls[i]
            failures[i] &+= other.failures[i]
            cpu[i].add(other.cpu[i])
            parked[i].add(other.parked[i])
        }
        misuse &+= other.misuse
        hostBytes &+= other.hostBytes
    }
}

/// Durations in ticks of `TickClock`: two buckets an octave, so a percentile is right within 25 %.
/// Bucket 2k holds 2^k ≤ ticks < 1.5 × 2^k, bucket 2k+1 the rest of the octave; 62 and 63 hold everything from 2^31.
@frozen public struct TickHistogram {
    public var sum: UInt64 = 0
    public var buckets: InlineArray<64, UInt32> = .init(repeating: 0)
    @inlinable public init() {}

    @inlinable @inline(__always) public mutating func add(_ ticks: UInt64) {
        sum &+= ticks
        let t = ticks | 1
        let octave = 63 &- t.leadingZeroBitCount
        let half = Int(truncatingIfNeeded: (t &<< 1) &>> UInt64(octave)) & 1
        buckets[unchecked: min(octave &* 2 &+ half, 63)] &+= 1
    }
    public mutating func add(_ other: TickHistogram) {
        sum &+= other.sum
        for i in 0..<64 { buckets[i] &+= other.buckets[i] }
    }
    public var count: UInt64 {
        var n: UInt64 = 0
        for i in 0..<64 { n &+= UInt64(buckets[i]) }
        return n
    }
    /// Middle of the bucket that holds the fraction `q` (0…1) of all entries, in ticks; 0 when there are none.
    public func quantile(_ q: Double) -> Double {
        let rank = Double(count) * q
        var seen = 0.0
        for i in 0..<64 where buckets[i] > 0 {
            seen += Double(buckets[i])
            if seen >= rank { return Double(UInt64(1) << UInt64(i / 2)) * (i % 2 == 0 ? 1.25 : 1.75) }
        }
        return 0
    }
}

/// A plugin generation that this worker has loaded.
@frozen public struct GenerationState {
    /// Plugin stat slot + 1; 0 = free entry.
    public var plugin: UInt64 = 0
    public var generation: UInt64 = 0
    /// `GenerationPhase` raw value.
    public var state: UInt64 = 0
    /// Tables (snapshots of the configuration) that name it.
    public var references: UInt64 = 0
    /// What keeps it, by `ReferenceKind`: how many, and the monotonic microsecond at which the count last rose from 0.
    public var held: InlineArray<8, UInt64> = .init(repeating: 0)
    public var heldSinceUs: InlineArray<8, UInt64> = .init(repeating: 0)
    /// Memory that stays mapped when it is parked.
    public var mappedBytes: UInt64 = 0
    public var stateSinceUs: UInt64 = 0
    public var reserved: (UInt64, UInt64) = (0, 0)
    public init() {}
}

public enum GenerationPhase: UInt64, Sendable { case loaded = 1, active = 2, draining = 3, parked = 4 }

/// What can keep a generation from being let go; index of `GenerationState.held`. `request`: in flight with a configuration that names it,
/// shown once that was replaced; `fiber`: hooks that wait, on a fiber or with a token.
public enum ReferenceKind: Int, Sendable, CaseIterable {
    case request = 0, fiber, timer, socket, job, buffer, background
    public var name: String { "\(self)" }
}

public enum SharedLimits {
    public static let routeSlots = 4096  // slot 0: routes past the limit, and requests that matched none
    public static let pluginSlots = 256
    public static let generationSlots = 256
    public static let crashEntries = 16
}

public enum Latency {
    /// Upper bounds of the histogram buckets in microseconds, smallest first; 31 bounds, then +Inf.
    public static let boundsUs: [UInt64] = [
        50, 100, 200, 300, 500, 750, 1_000, 1_500, 2_000, 3_000, 5_000, 7_500, 10_000, 15_000, 20_000, 30_000, 50_000, 75_000,
        100_000, 150_000, 200_000, 300_000, 500_000, 750_000, 1_000_000, 2_000_000, 3_000_000, 5_000_000, 10_000_000, 30_000_000,
        60_000_000,
    ]
}
