// Creating and mapping the shared memory, and finding a worker's counters in it. The layout is in `SharedLayout.swift`;
// what the counters mean to whom is in SluiceObserve.
import SluiceSystem

/// One worker's part of the shared memory. Plain pointers, valid until the mapping ends; only that worker writes.
public struct WorkerBlock: @unchecked Sendable {
    public let head: UnsafeMutablePointer<WorkerHead>
    /// `SharedLimits.routeSlots` entries.
    public let routes: UnsafeMutablePointer<RouteCounters>
    /// `SharedLimits.pluginSlots` entries.
    public let plugins: UnsafeMutablePointer<PluginCounters>
    /// `SharedLimits.generationSlots` entries.
    public let generations: UnsafeMutablePointer<GenerationState>
    /// `SharedLimits.metricSlots` entries, and `SharedLimits.metricCells` numbers that they name.
    public let metricDefinitions: UnsafeMutablePointer<MetricDefinition>
    public let metricCells: UnsafeMutablePointer<Double>

    /// - Parameter base: at least `WorkerBlock.byteCount` bytes, 64-byte aligned.
    public init(at base: UnsafeMutableRawPointer) {
        head = base.assumingMemoryBound(to: WorkerHead.self)
        routes = (base + WorkerBlock.routesOffset).assumingMemoryBound(to: RouteCounters.self)
        plugins = (base + WorkerBlock.pluginsOffset).assumingMemoryBound(to: PluginCounters.self)
        generations = (base + WorkerBlock.generationsOffset).assumingMemoryBound(to: GenerationState.self)
        metricDefinitions = (base + WorkerBlock.metricsOffset).assumingMemoryBound(to: MetricDefinition.self)
        metricCells = (base + WorkerBlock.cellsOffset).assumingMemoryBound(to: Double.self)
    }
    static let routesOffset = MemoryLayout<WorkerHead>.stride
    static let pluginsOffset = routesOffset + SharedLimits.routeSlots * MemoryLayout<RouteCounters>.stride
    static let generationsOffset = pluginsOffset + SharedLimits.pluginSlots * MemoryLayout<PluginCounters>.stride
    static let metricsOffset = generationsOffset + SharedLimits.generationSlots * MemoryLayout<GenerationState>.stride
    static let cellsOffset = metricsOffset + SharedLimits.metricSlots * MemoryLayout<MetricDefinition>.stride
    /// Bytes of one block, whole pages: two workers never share a cache line.
    public static let byteCount = (cellsOffset + SharedLimits.metricCells * MemoryLayout<Double>.stride + 4095) & ~4095
}

public enum SharedMemoryError: Error, Equatable, CustomStringConvertible {
    /// Not our memory, or of another release; the text says what was found and what is expected.
    case unfit(String)
    public var description: String {
        switch self {
        case .unfit(let what): "shared memory refused: \(what)"
        }
    }
}

/// The mapped shared memory. Plain data; whoever mapped it calls `unmap` (processes that keep it to their end need not).
public struct SharedMemory: @unchecked Sendable {
    /// The memory file; owned by whoever made this value.
    public let fd: Int32
    let mapping: Mapping
    public let workerCount: Int

    /// New shared memory for `workers` (1...256) workers, all counters zero, its size sealed.
    /// - Throws: `SharedMemoryError.unfit` for a bad count, `SystemError`.
    public static func create(workers: Int) throws -> SharedMemory {
        guard (1...workersMax).contains(workers) else {
            throw SharedMemoryError.unfit("\(workers) workers; 1 to \(workersMax) are possible")
        }
        let total = byteCount(workers: workers)
        let fd = try MemoryFile.create("sluice-shared", size: total)
        do {
            try MemoryFile.sealSize(fd)
            let mapping = try Mapping(fd, count: total, writable: true)
            var header = SharedHeader()
            header.workerCount = UInt32(workers)
            header.totalBytes = UInt64(total)
            header.startedAt = SystemClock.realtimeMs() / 1000
            header.ticksPerUs = TickClock.measureRate()
            mapping.base.storeBytes(of: header, as: SharedHeader.self)
            return SharedMemory(fd: fd, mapping: mapping, workerCount: workers)
        } catch {
            Descriptor.close(fd)
            throw error
        }
    }

    /// Maps what `create` made, in this or another process. `fd` belongs to the result only when this succeeds.
    /// - Throws: `SharedMemoryError.unfit` when it is not our memory or of another layout, `SystemError`.
    public static func map(fd: Int32) throws -> SharedMemory {
        let size = try Descriptor.size(fd)
        guard size >= headerBytes else { throw SharedMemoryError.unfit("\(size) bytes; the header alone takes \(headerBytes)") }
        guard MemoryFile.isSizeSealed(fd) else { throw SharedMemoryError.unfit("its size is not sealed") }
        let mapping = try Mapping(fd, count: size, writable: true)
        do {
            return SharedMemory(fd: fd, mapping: mapping, workerCount: try checked(mapping))
        } catch {
            mapping.unmap()
            throw error
        }
    }

    /// The worker count in a header that fits this release and the mapping's size.
    static func checked(_ mapping: Mapping) throws -> Int {
        let header = mapping.base.load(as: SharedHeader.self)
        let expected = SharedHeader()
        guard header.magic == expected.magic else { throw SharedMemoryError.unfit("wrong magic number \(String(header.magic, radix: 16))") }
        guard header.version == expected.version else {
            throw SharedMemoryError.unfit("layout version \(header.version); this release reads \(expected.version)")
        }
        let workers = Int(header.workerCount)
        guard (1...workersMax).contains(workers) else { throw SharedMemoryError.unfit("\(workers) workers in the header") }
        let total = byteCount(workers: workers)
        guard mapping.count == total, header.totalBytes == UInt64(total) else {
            throw SharedMemoryError.unfit("\(mapping.count) bytes for \(workers) workers; \(total) expected")
        }
        return workers
    }

    public var header: UnsafeMutablePointer<SharedHeader> { mapping.base.assumingMemoryBound(to: SharedHeader.self) }

    /// The block of worker `index`, 0..<workerCount.
    public func worker(_ index: Int) -> WorkerBlock {
        precondition(index >= 0 && index < workerCount, "worker \(index) of \(workerCount)")
        return WorkerBlock(at: mapping.base + SharedMemory.headerBytes + index * WorkerBlock.byteCount)
    }
    /// Ends the mapping; the descriptor stays open.
    public func unmap() { mapping.unmap() }

    /// A page of its own, so that blocks start on pages too.
    static let headerBytes = 4096
    public static let workersMax = 256
    /// Size of the whole memory for `workers` workers.
    public static func byteCount(workers: Int) -> Int { headerBytes + workers * WorkerBlock.byteCount }
}
