// Creating and mapping the shared memory, and finding a worker's counters in it. The layout is in `SharedLayout.swift`;
// what the counters mean to whom is in SluiceObserve.
import SluiceSystem

/// One worker's part of the shared memory. Plain pointers, valid until the mapping ends; only that worker writes.
public struct WorkerBlock: @unchecked Sendable {
    public let head: UnsafeMutablePointer<WorkerHead>
    /// What it died of, and what it was doing when the master asked.
    public let fault: UnsafeMutablePointer<FaultRecord>
    public let sample: UnsafeMutablePointer<FaultRecord>
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
        fault = (base + WorkerBlock.faultOffset).assumingMemoryBound(to: FaultRecord.self)
        sample = fault + 1
        routes = (base + WorkerBlock.routesOffset).assumingMemoryBound(to: RouteCounters.self)
        plugins = (base + WorkerBlock.pluginsOffset).assumingMemoryBound(to: PluginCounters.self)
        generations = (base + WorkerBlock.generationsOffset).assumingMemoryBound(to: GenerationState.self)
        metricDefinitions = (base + WorkerBlock.metricsOffset).assumingMemoryBound(to: MetricDefinition.self)
        metricCells = (base + WorkerBlock.cellsOffset).assumingMemoryBound(to: Double.self)
    }
    /// Nobody writes here any more: what it counted stays, nothing is open. [master]
    public func vacate() {
        head.pointee.occupant = 0
        head.pointee.currentPlugin = 0
        head.pointee.clientConnections = 0
        head.pointee.upstreamConnections = 0
        head.pointee.upstreamIdle = 0
        head.pointee.requestsActive = 0
        for i in 0..<SharedLimits.generationSlots { generations[i] = GenerationState() }
    }
    static let faultOffset = MemoryLayout<WorkerHead>.stride
    static let routesOffset = (faultOffset + 2 * MemoryLayout<FaultRecord>.stride + 63) & ~63
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
    /// One more than workers.
    public var blockCount: Int { workerCount + 1 }

    /// New shared memory for `workers` (1...256) workers, all counters zero, its size sealed.
    /// - Parameter ticksPerUs: known already (a probe); nil = measured now.
    /// - Throws: `SharedMemoryError.unfit` for a bad count, `SystemError`.
    public static func create(workers: Int, ticksPerUs: Double? = nil) throws -> SharedMemory {
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
            header.ticksPerUs = ticksPerUs ?? TickClock.measureRate()
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

    /// Block `index`, 0..<blockCount. Worker i starts in block i; a recycled one in the block that is free then.
    public func worker(_ index: Int) -> WorkerBlock {
        precondition(index >= 0 && index < blockCount, "block \(index) of \(blockCount)")
        return WorkerBlock(at: mapping.base + SharedMemory.headerBytes + index * WorkerBlock.byteCount)
    }
    /// The last crashes; the master writes, the control process reads.
    public var crashes: CrashRing {
        CrashRing(
            header: header, entries: (mapping.base + SharedMemory.crashesOffset).assumingMemoryBound(to: CrashEntry.self))
    }
    /// Ends the mapping; the descriptor stays open.
    public func unmap() { mapping.unmap() }

    /// The header has a page of its own, and blocks start on pages too.
    static let crashesOffset = 4096
    static let headerBytes = crashesOffset + (SharedLimits.crashEntries * MemoryLayout<CrashEntry>.stride + 4095) & ~4095
    public static let workersMax = 256
    /// Size of the whole memory for `workers` workers.
    public static func byteCount(workers: Int) -> Int { headerBytes + (workers + 1) * WorkerBlock.byteCount }
}
