// The plugin's sluice.filter/1, read field by field: a field is there when it lies within the table's size and is not NULL.
import CSluiceABI

struct FilterTable {
    var configure:
        (
            @convention(c) (
                UnsafeMutableRawPointer?, sluice_view, UnsafeMutablePointer<UnsafeMutableRawPointer?>?, UnsafeMutablePointer<sluice_error>?
            ) -> Int32
        )?
    var release: (@convention(c) (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?) -> Void)?
    var hooks: InlineArray<8, BoundPlugin.Hook?> = .init(repeating: nil)

    init() {}

    init(reading raw: UnsafeRawPointer) throws(PluginFailure) {
        var whole = sluice_filter_v1()  // all fields NULL
        try Self.read(raw, SLUICE_FILTER_1, &whole)
        configure = whole.configure
        release = whole.release
        hooks[0] = whole.rewrite
        hooks[1] = whole.access
        hooks[2] = whole.header_filter
        hooks[3] = whole.body_filter
        hooks[4] = whole.log
        hooks[5] = whole.content
        hooks[6] = whole.balancer
    }

    /// Bits of `PluginPhase` for the hooks that are there.
    var phases: UInt8 {
        var mask: UInt8 = 0
        for phase in PluginPhase.ofRequests where hooks[Int(phase.rawValue)] != nil { mask |= phase.bit }
        return mask
    }

    /// Refuses a manifest that names other phases than there are hooks.
    func check(phases named: [String]) throws(PluginFailure) {
        for phase in PluginPhase.ofRequests {
            let has = phases & phase.bit != 0
            if has == named.contains(phase.name) { continue }
            throw PluginFailure(
                "the manifest lies: it \(has ? "does not name" : "names") phase \(phase.name), for which there is \(has ? "a" : "no") hook")
        }
    }

    /// The plugin's sluice.routing/1.
    mutating func add(routing raw: UnsafeRawPointer) throws(PluginFailure) {
        var whole = sluice_routing_v1()
        try Self.read(raw, SLUICE_ROUTING_1, &whole)
        hooks[Int(PluginPhase.routing.rawValue)] = whole.choose
    }

    /// As much of a table as both sides know; the rest of `whole` stays NULL.
    static func read<T>(_ raw: UnsafeRawPointer, _ id: String, _ whole: inout T) throws(PluginFailure) {
        guard Int(bitPattern: raw) % MemoryLayout<T>.alignment == 0 else { throw PluginFailure("its \(id) is not aligned") }
        let size = raw.load(as: UInt32.self)
        guard size >= 8, size <= 4_096, size % 8 == 0 else {
            throw PluginFailure("its \(id) says it has \(size) bytes; this host knows \(MemoryLayout<T>.size)")
        }
        withUnsafeMutableBytes(of: &whole) { $0.copyMemory(from: UnsafeRawBufferPointer(start: raw, count: min(Int(size), $0.count))) }
    }
}
