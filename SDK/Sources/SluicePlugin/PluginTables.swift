// The C tables of one plugin type, made out of the hooks that it has. Their functions find the instance by the pointer that `configure`
// made, and nothing else, so that tables of several types may live beside each other in a test.
import CSluiceABI

@inline(__always) private func call(_ instance: UnsafeMutableRawPointer?, _ body: (AnyInstance) throws -> Verdict) -> Int32 {
    Unmanaged<AnyInstance>.fromOpaque(instance.unsafelyUnwrapped)._withUnsafeGuaranteedRef {
        do { return try body($0).status } catch { return failure(error) }
    }
}
@inline(__always) private func start(_ instance: UnsafeMutableRawPointer?, _ phase: Call.Phase, _ handle: OpaquePointer?) -> Int32 {
    Unmanaged<AnyInstance>.fromOpaque(instance.unsafelyUnwrapped)._withUnsafeGuaranteedRef {
        Call.enter($0, phase, handle.unsafelyUnwrapped)
    }
}

/// Filter, routing and worker table of a type.
struct PluginTables {
    let filter: UnsafeMutablePointer<sluice_filter_v1>
    private(set) var routing: UnsafeMutablePointer<sluice_routing_v1>?
    /// Always there: what runs in the background must be cancelled when the generation goes.
    let worker: UnsafeMutablePointer<sluice_worker_v1>

    init(_ type: PluginType) {
        filter = .allocate(capacity: 1)
        filter.initialize(to: Self.filterTable(type.hooks))
        worker = .allocate(capacity: 1)
        worker.initialize(to: sluice_worker_v1())
        worker.pointee.size = UInt32(MemoryLayout<sluice_worker_v1>.size)
        worker.pointee.worker_init = { _, worker in Registered.workerStarts(Int(worker)) }
        worker.pointee.worker_exit = { _ in Registered.workerEnds() }
        guard type.hooks.plain.contains(.routing) else { return }
        let table = UnsafeMutablePointer<sluice_routing_v1>.allocate(capacity: 1)
        table.initialize(to: sluice_routing_v1())
        table.pointee.size = UInt32(MemoryLayout<sluice_routing_v1>.size)
        table.pointee.choose = { i, h in call(i) { try $0.route(h.unsafelyUnwrapped) } }
        routing = table
    }
    func free() {
        filter.deallocate()
        routing?.deallocate()
        worker.deallocate()
    }

    private static func filterTable(_ hooks: Hooks) -> sluice_filter_v1 {
        var t = sluice_filter_v1()
        t.size = UInt32(MemoryLayout<sluice_filter_v1>.size)
        t.configure = configure
        t.release = { _, instance in
            if let instance { Unmanaged<AnyInstance>.fromOpaque(instance).takeRetainedValue().forsakeAll() }
        }
        let (plain, waiting) = (hooks.plain, hooks.waiting)
        if plain.contains(.rewrite) { t.rewrite = { i, h in call(i) { try $0.rewrite(h.unsafelyUnwrapped) } } }
        if plain.contains(.access) { t.access = { i, h in call(i) { try $0.access(h.unsafelyUnwrapped) } } }
        if plain.contains(.content) { t.content = { i, h in call(i) { try $0.content(h.unsafelyUnwrapped) } } }
        if plain.contains(.balancer) { t.balancer = { i, h in call(i) { try $0.balance(h.unsafelyUnwrapped) } } }
        if plain.contains(.headerFilter) { t.header_filter = { i, h in call(i) { try $0.headerFilter(h.unsafelyUnwrapped) } } }
        if plain.contains(.bodyFilter) { t.body_filter = { i, h in call(i) { try $0.bodyFilter(h.unsafelyUnwrapped) } } }
        if plain.contains(.log) { t.log = { i, h in call(i) { try $0.log(h.unsafelyUnwrapped) } } }
        if waiting.contains(.rewrite) { t.rewrite = { i, h in start(i, .rewrite, h) } }
        if waiting.contains(.access) { t.access = { i, h in start(i, .access, h) } }
        if waiting.contains(.content) { t.content = { i, h in start(i, .content, h) } }
        if waiting.contains(.headerFilter) { t.header_filter = { i, h in start(i, .headerFilter, h) } }
        if waiting.contains(.bodyFilter) { t.body_filter = { i, h in start(i, .bodyFilter, h) } }
        return t
    }
}

private let configure:
    @convention(c) (
        UnsafeMutableRawPointer?, sluice_view, UnsafeMutablePointer<UnsafeMutableRawPointer?>?, UnsafeMutablePointer<sluice_error>?
    ) -> Int32 = { _, config, instance, room in
        do {
            let made = try Registered.type.unsafelyUnwrapped.make(Bytes(config))
            instance?.pointee = Unmanaged.passRetained(made).toOpaque()
            return Int32(SLUICE_OK)
        } catch {
            if let room { String(describing: error).withCString { sluice_error_write(room, $0) } }
            return Int32(SLUICE_EINVAL)
        }
    }

extension Registered {
    static func workerStarts(_ worker: Int) -> Int32 {
        do { try type?.worker?.workerStarts(worker) } catch {
            log(.error, "workerStarts: \(error)")
            return Int32(SLUICE_EFAULT)
        }
        return Int32(SLUICE_OK)
    }
    static func workerEnds() {
        type?.worker?.workerEnds()
        Backgrounds.cancelAll()
    }
}
