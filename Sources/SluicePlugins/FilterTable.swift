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
    var rewrite: BoundPlugin.Hook?
    var access: BoundPlugin.Hook?
    var headerFilter: BoundPlugin.Hook?
    var bodyFilter: BoundPlugin.Hook?
    var log: BoundPlugin.Hook?

    init() {}

    init(reading raw: UnsafeRawPointer) throws(PluginFailure) {
        guard Int(bitPattern: raw) % MemoryLayout<sluice_filter_v1>.alignment == 0 else {
            throw PluginFailure("its \(SLUICE_FILTER_1) is not aligned")
        }
        let size = raw.load(as: UInt32.self)
        guard size >= 8, size <= 4_096, size % 8 == 0 else {
            throw PluginFailure(
                "its \(SLUICE_FILTER_1) says it has \(size) bytes; sizeof(sluice_filter_v1) is \(MemoryLayout<sluice_filter_v1>.size)")
        }
        var whole = sluice_filter_v1()  // all fields NULL
        withUnsafeMutableBytes(of: &whole) { $0.copyMemory(from: UnsafeRawBufferPointer(start: raw, count: min(Int(size), $0.count))) }
        configure = whole.configure
        release = whole.release
        rewrite = whole.rewrite
        access = whole.access
        headerFilter = whole.header_filter
        bodyFilter = whole.body_filter
        log = whole.log
    }

    /// Bits of `PluginPhase` for the hooks that are there.
    var phases: UInt8 {
        var mask: UInt8 = 0
        if rewrite != nil { mask |= PluginPhase.rewrite.bit }
        if access != nil { mask |= PluginPhase.access.bit }
        if headerFilter != nil { mask |= PluginPhase.headerFilter.bit }
        if bodyFilter != nil { mask |= PluginPhase.bodyFilter.bit }
        if log != nil { mask |= PluginPhase.log.bit }
        return mask
    }

    /// Refuses a manifest that names other phases than there are hooks.
    func check(phases named: [String]) throws(PluginFailure) {
        for phase in PluginPhase.allCases {
            let has = phases & phase.bit != 0
            if has == named.contains(phase.name) { continue }
            throw PluginFailure(
                "the manifest lies: it \(has ? "does not name" : "names") phase \(phase.name), for which there is \(has ? "a" : "no") hook")
        }
    }
}
