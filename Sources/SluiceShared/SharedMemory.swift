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

    /// - Parameter base: at least `WorkerBlock.byteCount` bytes, 64-byte aligned.
    public init(at base: UnsafeMutableRawPointer) {
        head = base.assumingMemoryBound(to: WorkerHead.self)
        routes = (base + WorkerBlock.routesOffset).assumingMemoryBound(to: RouteCounters.self)
        plugins = (base + WorkerBlock.pluginsOffset).assumingMemoryBound(to: PluginCounters.self)
        generations = (base + WorkerBlock.generationsOffset).assumingMemoryBound(to: GenerationState.self)
    }
    static let routesOffset = MemoryLayout<WorkerHead>.stride
    static let pluginsOffset = routesOffset + SharedLimits.routeSlots * MemoryLayout<RouteCounters>.stride
    static let generationsOffset = pluginsOffset + SharedLimits.pluginSlots * MemoryLayout<PluginCounters>.stride
    /// Bytes of one block, whole pages: two workers never share a cache line.
    public static let byteCount = (generationsOffset + SharedLimits.generationSlots * MemoryLayout<GenerationState>.stride + 4095) & ~4095
}

public enum SharedMemoryError: Error, Equatable, CustomStringConvertible {
    /// Not our memory, or of another release; the text says what was found and what is expected.
    case unfit(String)
    case system(SystemError)
    public var description: String {
        switch self {
        case .unfit(let what): "shared memory refused: \(what)"
        case .system(let e): e.description
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
    public static func create(workers: Int) throws(SharedMemoryError) -> SharedMemory {
        guard (1...workersMax).contains(workers) else { throw .unfit("\(workers) workers; 1 to \(workersMax) are possible") }
        do throws(SystemError) {
            let total = byteCount(workers: workers)
            let fd = try MemoryFile.create("sluice-shared", size: total)
            do throws(SystemError) {
                try MemoryFile.sealSize(fd)
                let mapping = try Mapping(fd, count: total, writable: true)
                var header = SharedHeader()
                header.workerCount = UInt32(workers)
                header.totalBytes = UInt64(total)
                header.startedAt = SystemClock.realtimeMs() / 1000
                mapping.base.storeBytes(of: header, as: SharedHeader.self)
                return SharedMemory(fd: fd, mapping: mapping, workerCount: workers)
            } catch {
                Descriptor.close(fd)
                throw error
            }
        } catch { throw .system(error) }
    }

    /// Maps what `create` made, in this or another process. Takes `fd` over only when it succeeds.
    public static func map(fd: Int32) throws(SharedMemoryError) -> SharedMemory {
        do throws(SystemError) {
            let size = try Descriptor.size(fd)
            guard size >= headerBytes else { throw SharedMemoryError.unfit("\(size) bytes; the header alone has \(headerBytes)") }
        } catch let e as SystemError { throw .system(e) } catch let e as SharedMemoryError { throw e }
    }
}
