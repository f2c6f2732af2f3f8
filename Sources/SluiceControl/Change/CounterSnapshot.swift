// The counters of all workers at one moment, summed where a sum makes sense. Plain values, so that metrics and the admin
// answers can be tested without shared memory; `CounterReader` makes one from the mapping.
import SluiceShared

struct CounterSnapshot: Sendable {
    struct Worker: Sendable {
        var index: Int
        var head = WorkerHead()
        var generations: [GenerationState] = []
    }
    var startedAt: UInt64 = 0
    var workerRestarts: UInt64 = 0
    var controlRestarts: UInt64 = 0
    var workers: [Worker] = []
    /// By slot; only slots that were asked for.
    var routes: [UInt32: RouteCounters] = [:]
    var plugins: [UInt32: PluginCounters] = [:]
    /// What plugins define themselves.
    var pluginSeries: [PluginSeries] = []

    func sum(_ field: KeyPath<WorkerHead, UInt64>) -> UInt64 { workers.reduce(0) { $0 &+ $1.head[keyPath: field] } }
    /// Requests by latency bucket, all workers together, not cumulative.
    var latency: [UInt64] { (0..<32).map { bucket in workers.reduce(0) { $0 &+ $1.head.latency[bucket] } } }
}

/// Where counters come from.
protocol CounterSource: Sendable {
    func snapshot(routeSlots: some Sequence<UInt32>, pluginSlots: some Sequence<UInt32>) -> CounterSnapshot
}

/// Reads the shared memory. Words are read one by one while workers write: each is whole, together they are of about one moment.
struct CounterReader: CounterSource {
    let memory: SharedMemory

    func snapshot(routeSlots: some Sequence<UInt32>, pluginSlots: some Sequence<UInt32>) -> CounterSnapshot {
        let header = memory.header.pointee
        var out = CounterSnapshot(
            startedAt: header.startedAt, workerRestarts: header.workerRestarts, controlRestarts: header.controlRestarts)
        let blocks = (0..<memory.workerCount).map(memory.worker)
        out.workers = blocks.enumerated().map { index, block in
            let generations = (0..<SharedLimits.generationSlots).map { block.generations[$0] }.filter { $0.plugin != 0 }
            return CounterSnapshot.Worker(index: index, head: block.head.pointee, generations: generations)
        }
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
        for slot in Set(pluginSlots) where slot < SharedLimits.pluginSlots {
            var sum = PluginCounters()
            for block in blocks { sum.add(block.plugins[Int(slot)]) }
            out.plugins[slot] = sum
        }
        out.pluginSeries = pluginSeries()
        return out
    }
}
