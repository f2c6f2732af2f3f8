// The counters of all workers at one moment, summed where a sum makes sense. Plain values, so that metrics and the admin
// answers can be tested without shared memory; `CounterReader` makes one from the mapping.
import SluiceShared
import SluiceSystem

/// A counter slot of a plugin, and the generation that must be in it: a worker that has not loaded it yet, or no more, counts another.
struct PluginSlot: Sendable, Hashable {
    var slot: UInt32
    var generation: UInt64
}

struct CounterSnapshot: Sendable {
    struct Worker: Sendable {
        var index: Int
        var head = WorkerHead()
        var generations: [GenerationState] = []
    }
    var startedAt: UInt64 = 0
    /// Ticks of the histograms a microsecond.
    var ticksPerUs = 0.0
    /// Monotonic clock when it was taken, for ages.
    var takenUs: UInt64 = 0
    var workerRestarts: UInt64 = 0
    var controlRestarts: UInt64 = 0
    var workers: [Worker] = []
    /// Of a worker that was recycled: what it counted is still part of the sums.
    var retired: [WorkerHead] = []
    private var heads: [WorkerHead] { workers.map(\.head) + retired }
    /// By slot; only slots that were asked for.
    var routes: [UInt32: RouteCounters] = [:]
    var plugins: [UInt32: PluginCounters] = [:]
    /// What plugins define themselves.
    var pluginSeries: [PluginSeries] = []

    func sum(_ field: KeyPath<WorkerHead, UInt64>) -> UInt64 { heads.reduce(0) { $0 &+ $1[keyPath: field] } }
    /// Requests by latency bucket, all workers together, not cumulative.
    var latency: [UInt64] { (0..<32).map { bucket in heads.reduce(0) { $0 &+ $1.latency[bucket] } } }
}

/// Where counters come from.
protocol CounterSource: Sendable {
    func snapshot(routeSlots: some Sequence<UInt32>, plugins: some Sequence<PluginSlot>) -> CounterSnapshot
}

/// Reads the shared memory. Words are read one by one while workers write: each is whole, together they are of about one moment.
struct CounterReader: CounterSource {
    let memory: SharedMemory

    func snapshot(routeSlots: some Sequence<UInt32>, plugins: some Sequence<PluginSlot>) -> CounterSnapshot {
        let header = memory.header.pointee
        var out = CounterSnapshot(
            startedAt: header.startedAt, ticksPerUs: header.ticksPerUs, takenUs: SystemClock.monotonicUs(),
            workerRestarts: header.workerRestarts, controlRestarts: header.controlRestarts)
        let blocks = (0..<memory.blockCount).map(memory.worker)
        out.retired = blocks.map(\.head.pointee).filter { $0.occupant == 0 }
        out.workers = blocks.filter { $0.head.pointee.occupant != 0 }.map { block in
            let generations = (0..<SharedLimits.generationSlots).map { block.generations[$0] }.filter { $0.plugin != 0 }
            let head = block.head.pointee
            return CounterSnapshot.Worker(index: Int(clamping: head.occupant) - 1, head: head, generations: generations)
        }.sorted { $0.index < $1.index }
        for slot in Set(routeSlots).union([0]) where slot < SharedLimits.routeSlots {
            var sum = RouteCounters()
            for block in blocks {
                let part = block.routes[Int(slot)]
                for index in 0..<5 { sum.byClass[index] &+= part.byClass[index] }
                sum.durationSumUs &+= part.durationSumUs
                sum.bytesIn &+= part.bytesIn
                sum.bytesOut &+= part.bytesOut
            }
            out.routes[slot] = sum
        }
        for place in Set(plugins) where place.slot > 0 && place.slot < SharedLimits.pluginSlots {
            var sum = PluginCounters()
            for block in blocks where block.plugins[Int(place.slot)].generation == place.generation {
                sum.add(block.plugins[Int(place.slot)])
            }
            sum.generation = place.generation
            out.plugins[place.slot] = sum
        }
        out.pluginSeries = pluginSeries()
        return out
    }
}
