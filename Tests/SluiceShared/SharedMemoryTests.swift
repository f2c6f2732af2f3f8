// The shared memory's layout as numbers (two releases may meet in it), and the refusal of memory that is not ours.
import SluiceSystem
import Testing

@testable import SluiceShared

@Suite struct SharedMemoryTests {
    @Test func goldenSizes() {
        #expect(MemoryLayout<SharedHeader>.size == 80)
        #expect(MemoryLayout<WorkerHead>.size == 512)
        #expect(MemoryLayout<WorkerHead>.offset(of: \.latency) == 184)
        #expect(MemoryLayout<RouteCounters>.stride == 64)
        #expect(MemoryLayout<TickHistogram>.stride == 264)
        #expect(MemoryLayout<PluginCounters>.stride == 320 + 32 * 264)
        #expect(MemoryLayout<GenerationState>.stride == 192)
        #expect(MemoryLayout<MetricDefinition>.stride == 1_024)
        #expect(MemoryLayout<FaultRecord>.stride == 7_064 && MemoryLayout<CrashEntry>.stride == 7_200)
        #expect(WorkerBlock.byteCount == 3_104_768)
        #expect(WorkerBlock.byteCount % 4096 == 0)
        #expect(SharedMemory.headerBytes == 4096 + 118_784 && SharedMemory.headerBytes % 4096 == 0)
        #expect(SharedMemory.byteCount(workers: 2) == SharedMemory.headerBytes + 3 * WorkerBlock.byteCount, "one block more than workers")
    }

    @Test func twoMappingsSeeTheSame() throws {
        let a = try SharedMemory.create(workers: 2)
        let b = try SharedMemory.map(fd: a.fd)
        defer { a.unmap(); b.unmap(); Descriptor.close(a.fd) }
        #expect(b.workerCount == 2 && b.header.pointee.workerCount == 2 && b.header.pointee.startedAt > 1_700_000_000)
        a.worker(1).head.pointee.requests = 7
        a.worker(1).generations[SharedLimits.generationSlots - 1].references = 9
        #expect(b.worker(1).head.pointee.requests == 7)
        #expect(b.worker(1).generations[SharedLimits.generationSlots - 1].references == 9)
        #expect(b.worker(0).head.pointee.requests == 0)
    }

    @Test func blocksDoNotOverlap() throws {
        let m = try SharedMemory.create(workers: 2)
        defer { m.unmap(); Descriptor.close(m.fd) }
        let w = m.worker(0)
        let end = UnsafeRawPointer(w.generations + SharedLimits.generationSlots)
        #expect(UnsafeRawPointer(w.head + 1) <= UnsafeRawPointer(w.routes))
        #expect(UnsafeRawPointer(w.routes + SharedLimits.routeSlots) <= UnsafeRawPointer(w.plugins))
        #expect(UnsafeRawPointer(w.plugins + SharedLimits.pluginSlots) <= UnsafeRawPointer(w.generations))
        #expect(end <= UnsafeRawPointer(m.worker(1).head))
        #expect(UnsafeRawPointer(m.header + 1) <= UnsafeRawPointer(w.head))
    }

    @Test func itsSizeIsFixed() throws {
        let m = try SharedMemory.create(workers: 1)
        defer { m.unmap(); Descriptor.close(m.fd) }
        #expect(ftruncate(m.fd, 4096) < 0)
    }

    @Test func workerCountsAreBounded() {
        for n in [-1, 0, 257, 1 << 40] {
            #expect(throws: SharedMemoryError.unfit("\(n) workers; 1 to 256 are possible")) { _ = try SharedMemory.create(workers: n) }
        }
    }

    /// Memory of the size for one worker whose header was changed.
    func altered(_ size: Int? = nil, seal: Bool = true, _ change: (inout SharedHeader) -> Void = { _ in }) throws -> Int32 {
        var header = SharedHeader()
        header.workerCount = 1
        header.totalBytes = UInt64(SharedMemory.byteCount(workers: 1))
        change(&header)
        let fd = try MemoryFile.create("altered", size: size ?? SharedMemory.byteCount(workers: 1))
        try withUnsafeBytes(of: header) { try Descriptor.writeAll(fd, $0) }
        if let size { #expect(ftruncate(fd, size) == 0) }
        if seal { try MemoryFile.sealSize(fd) }
        return fd
    }
    func refusal(_ fd: Int32) throws -> String {
        defer { Descriptor.close(fd) }
        do {
            _ = try SharedMemory.map(fd: fd)
            return "accepted"
        } catch { return "\(error)" }
    }

    @Test func foreignMemoryIsRefused() throws {
        #expect(try refusal(altered()) == "accepted")
        #expect(try refusal(altered(seal: false)).contains("not sealed"))
        #expect(try refusal(altered { $0.magic = 1 }).contains("magic number 1"))
        #expect(try refusal(altered { $0.version = 9 }).contains("layout version 9; this release reads \(SharedHeader().version)"))
        #expect(try refusal(altered { $0.workerCount = 0 }).contains("0 workers"))
        #expect(try refusal(altered { $0.workerCount = 2 }).contains("bytes for 2 workers"))
        #expect(try refusal(altered { $0.workerCount = .max }).contains("workers in the header"))
        #expect(try refusal(altered { $0.totalBytes += 1 }).contains("expected"))
        #expect(try refusal(altered(100)).contains("100 bytes"))
        #expect(try refusal(altered(8192)).contains("8192 bytes; the header alone takes"))
        #expect(try refusal(altered(SharedMemory.headerBytes + 4096)).contains("bytes for 1 workers"))
        #expect(try refusal(Descriptor.open("/dev/null", O_RDONLY)).contains("0 bytes"))
    }
}
