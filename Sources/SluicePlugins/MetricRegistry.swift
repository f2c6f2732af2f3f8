// The series of this worker: which are defined, where their cells are, which generations hold them. Control operations only; what counts
// on a request is a `MetricHandle`. The layout is in SluiceShared, reading and printing in the control process.
import SluiceModel
import SluiceShared

/// Series outlive their generations, so that a new one goes on counting; what nobody holds makes room when room is needed.
final class MetricRegistry {
    private struct Series {
        var plugin: String
        var request: MetricRequest
        var firstCell: Int
        /// Generations that defined it.
        var holders = 0
    }
    private let block: WorkerBlock
    /// By slot of shared memory.
    private var series: [Series?]

    /// Takes over what the worker's predecessor left: counts go on, gauges begin at 0, for what they measured is gone.
    init(_ block: WorkerBlock) {
        self.block = block
        series = (0..<SharedLimits.metricSlots).map { Self.inherited(block, $0) }
        for s in series { if let s, s.request.kind == .gauge { block.metricCells[s.firstCell] = 0 } }
    }

    private static func inherited(_ block: WorkerBlock, _ slot: Int) -> Series? {
        guard let d = block.series(at: slot)?.definition, let kind = MetricKind(rawValue: d.kind) else { return nil }
        let texts = d.texts
        guard texts.count == 3 + 2 * Int(d.labelCount), Int(d.boundCount) <= MetricDefinition.boundsMax else { return nil }
        let labels = stride(from: 3, to: texts.count, by: 2).map { MetricRequest.Label(name: texts[$0], value: texts[$0 + 1]) }
        let request = try? MetricRequest(
            kind: kind, name: texts[1], help: texts[2], labels: labels, bounds: (0..<Int(d.boundCount)).map { d.bounds[$0] })
        guard let request, request.cellCount == Int(d.cellCount) else { return nil }
        return Series(plugin: texts[0], request: request, firstCell: Int(d.firstCell))
    }

    /// The slot of the series, made when it is new.
    func define(_ request: MetricRequest, plugin: String) throws(PluginFailure) -> Int {
        try checkFamily(request, plugin)
        for (slot, s) in series.enumerated() {
            if let s, s.plugin == plugin, s.request.name == request.name, s.request.labels == request.labels { return slot }
        }
        return try make(request, plugin)
    }

    /// A generation uses the series until `release`.
    func hold(_ slot: Int) { series[slot]?.holders += 1 }
    func release(_ slot: Int) { series[slot]?.holders -= 1 }

    /// All series of a name are of one kind, with the same bounds and label names. Those that nobody holds give way.
    private func checkFamily(_ request: MetricRequest, _ plugin: String) throws(PluginFailure) {
        let family = series.indices.filter { series[$0].map { $0.plugin == plugin && $0.request.name == request.name } ?? false }
        var conflicts: [(Int, String)] = []
        for slot in family {
            let other = series[slot]!.request
            if other.kind != request.kind {
                conflicts.append((slot, "is defined as a \(other.kind) and cannot be a \(request.kind) as well"))
            } else if other.bounds != request.bounds {
                conflicts.append((slot, "is defined with other bounds"))
            } else if other.labels.map(\.name).sorted() != request.labels.map(\.name).sorted() {
                conflicts.append((slot, "is defined with labels (\(other.labels.map(\.name).joined(separator: ", ")))"))
            }
        }
        for (slot, why) in conflicts where series[slot]!.holders > 0 {
            throw PluginFailure("\(request.name) \(why) by a generation that is still loaded; take another name, or unload it first")
        }
        for (slot, _) in conflicts { drop(slot) }
    }

    private func make(_ request: MetricRequest, _ plugin: String) throws(PluginFailure) -> Int {
        while true {
            if let slot = series.firstIndex(where: { $0 == nil }), let cell = freeCells(request.cellCount) {
                for i in cell..<cell + request.cellCount { block.metricCells[i] = 0 }
                series[slot] = Series(plugin: plugin, request: request, firstCell: cell)
                block.publish(request.definition(plugin: plugin, firstCell: cell), at: slot)
                return slot
            }
            guard let unused = series.firstIndex(where: { $0?.holders == 0 }) else {
                throw PluginFailure(
                    limit:
                        "\(request.name): no room; the plugins of a worker have \(SharedLimits.metricSlots) series and "
                        + "\(SharedLimits.metricCells) cells"
                )
            }
            drop(unused)
        }
    }

    private func drop(_ slot: Int) {
        series[slot] = nil
        block.publish(MetricDefinition(), at: slot)
    }

    /// The first run of `n` cells that no series has.
    private func freeCells(_ n: Int) -> Int? {
        let taken = series.compactMap { $0 }.map { $0.firstCell..<$0.firstCell + $0.request.cellCount }.sorted {
            $0.lowerBound < $1.lowerBound
        }
        var at = 0
        for range in taken {
            if range.lowerBound - at >= n { return at }
            at = max(at, range.upperBound)
        }
        return SharedLimits.metricCells - at >= n ? at : nil
    }
}

/// A series as a generation counts in it. Plain data.
struct MetricHandle {
    var kind: MetricKind
    var boundCount: UInt8
    var slot: UInt16
    var cells: UnsafeMutablePointer<Double>
    var definition: UnsafeMutablePointer<MetricDefinition>

    /// Bucket by bucket: at most 16 comparisons.
    @inline(__always) func observe(_ value: Double) {
        var i = 0
        while i < Int(boundCount), value > definition.pointee.bounds[i] { i &+= 1 }
        cells[i] += 1
        cells[Int(boundCount) + 1] += value
    }
}

/// The series that one generation defined, by the number it got.
struct MetricHandles {
    private(set) var all: UnsafeMutablePointer<MetricHandle>?
    private(set) var count = 0

    @inline(__always) subscript(_ number: UInt32) -> MetricHandle? {
        guard let all, Int(number) < count else { return nil }
        return all[Int(number)]
    }

    /// Number of the series; the same when the generation defined it before.
    mutating func define(_ request: MetricRequest, plugin: String, in worker: WorkerServices) throws(PluginFailure) -> Int {
        let slot = try worker.metrics.define(request, plugin: plugin)
        for i in 0..<count where Int(all![i].slot) == slot { return i }
        if count == Limits.metricsPerGenerationMax {
            throw PluginFailure(limit: "\(request.name): this generation has \(Limits.metricsPerGenerationMax) series already")
        }
        worker.metrics.hold(slot)
        if all == nil { all = .allocate(capacity: Limits.metricsPerGenerationMax) }
        let definition = worker.block.metricDefinitions + slot
        (all! + count).initialize(
            to: MetricHandle(
                kind: request.kind, boundCount: UInt8(request.bounds.count), slot: UInt16(slot),
                cells: worker.block.metricCells + Int(definition.pointee.firstCell), definition: definition))
        count += 1
        return count - 1
    }

    mutating func end(_ registry: MetricRegistry) {
        for i in 0..<count { registry.release(Int(all![i].slot)) }
        all?.deallocate()
        all = nil
        count = 0
    }
}
