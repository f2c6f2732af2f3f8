// "sluice.memory/1": the request's arena, for plugins.
import CSluiceABI
import SluiceBytes

extension HostTables {
    nonisolated(unsafe) static let memory = make(
        sluice_memory_v1(
            size: UInt32(MemoryLayout<sluice_memory_v1>.size), reserved: 0,
            allocate: { handle, count in
                guard let ctx = reading(handle), count <= UInt64(Arena.bytesMax) else { return nil }
                return ctx.pointee.arena.pointee.allocate(Int(count)).map { UnsafeMutableRawPointer($0) }
            },
            duplicate: { handle, view, out in
                guard let ctx = reading(handle), let view = bytes(view), let out else { return Status.invalid }
                guard let copy = ctx.pointee.arena.pointee.copy(view) else { return Status.noMemory }
                out.pointee = sluice_request_view(data: copy.start, size: UInt64(copy.count))
                return Status.ok
            }))
}
