// The one check of an image: header, sections, records. `ImageCheck+Routing.swift` checks the routing structures. Everything
// that later code reads without looking must be refused here when it is wrong; nothing here trusts a byte it has not checked.
import SluiceBytes
import SluiceModel

struct ImageCheck {
    let view: ImageView
    var base: UnsafeRawPointer { view.base }
    var header: ImageHeader { view.header.pointee }

    func run() throws(ImageError) {
        try checkHeader()
        try checkSections()
        try checkSettings()
        try checkClusters()
        try checkRoutes()
        try checkExtras()
        try checkPlugins()
        try checkFunctions()
        try checkPolicies()
        try checkRegexes()
        try checkHosts()
        try checkTrees()
    }

    /// Refuses the image unless `ok`; texts are made only then.
    @inline(__always) func need(
        _ ok: Bool, _ section: StaticString, _ index: Int, _ found: @autoclosure () -> String, _ allowed: @autoclosure () -> String
    ) throws(ImageError) {
        if ok { return }
        throw ImageError(path: "image.\(section)" + (index < 0 ? "" : "[\(index)]"), found: found(), allowed: allowed())
    }

    @inline(__always) func need(
        _ ok: Bool, _ section: StaticString, _ found: @autoclosure () -> String, _ allowed: @autoclosure () -> String
    ) throws(ImageError) { try need(ok, section, -1, found(), allowed()) }

    private func checkHeader() throws(ImageError) {
        try checkHead()
        let h = header
        let size = MemoryLayout<ImageHeader>.size
        let digest = ImageHash.hash(base + size, count: view.count - size)
        try need(h.digest == digest, "digest", "0x\(String(digest, radix: 16))", "0x\(String(h.digest, radix: 16)) as the header says")
    }

    /// What the first bytes say; costs the same for every image.
    func checkHead() throws(ImageError) {
        let count = view.count
        let size = MemoryLayout<ImageHeader>.size
        try need(Int(bitPattern: base) & 7 == 0, "base", "an address that is not aligned", "8-byte alignment")
        try need(count >= size, "size", "\(count) bytes", "at least \(size)")
        let h = header
        try need(
            h.magic == ImageHeader.magicValue, "magic", "0x\(String(h.magic, radix: 16))", "0x\(String(ImageHeader.magicValue, radix: 16))")
        try need(
            h.version == ImageHeader.currentVersion, "version", "\(h.version)",
            "\(ImageHeader.currentVersion): both programs from one release")
        try need(Int(h.headerBytes) == size, "headerBytes", "\(h.headerBytes)", "\(size)")
        try need(
            h.totalBytes == UInt64(count) && count <= UInt32.max, "totalBytes", "\(h.totalBytes) in a block of \(count)",
            "the block's size, at most 4 GiB")
    }

    private func checkSections() throws(ImageError) {
        let h = header
        try section(h.strings, 1, "strings")
        try section(h.settings, MemoryLayout<SettingsRecord>.stride, "settings")
        try section(h.listeners, MemoryLayout<ListenerRecord>.stride, "listeners")
        try section(h.clusters, MemoryLayout<ClusterRecord>.stride, "clusters")
        try section(h.targets, MemoryLayout<TargetRecord>.stride, "targets")
        try section(h.routes, MemoryLayout<RouteRecord>.stride, "routes")
        try section(h.plugins, MemoryLayout<PluginRecord>.stride, "plugins")
        try section(h.bindings, MemoryLayout<BindingRecord>.stride, "bindings")
        try section(h.chains, MemoryLayout<UInt32>.stride, "chains")
        try section(h.trustedNetworks, MemoryLayout<NetworkRecord>.stride, "trustedNetworks")
        try section(h.hosts, MemoryLayout<HostSlot>.stride, "hosts", extra: MemoryLayout<HostTableHeader>.stride)
        try section(h.nodes, MemoryLayout<RouteNode>.stride + 1, "nodes")
        try section(h.lists, MemoryLayout<RouteEntry>.stride, "lists")
        try section(h.parameterNames, MemoryLayout<ImageText>.stride, "parameterNames")
        try section(h.extras, MemoryLayout<RouteExtras>.stride, "extras")
        try section(h.branches, MemoryLayout<SplitBranch>.stride, "branches")
        try section(h.templates, MemoryLayout<TemplatePart>.stride, "templates")
        try section(h.functions, MemoryLayout<FunctionRecord>.stride, "functions")
        try section(h.programs, MemoryLayout<ImageRange>.stride, "programs")
        try section(h.ipSets, MemoryLayout<IPSetRecord>.stride, "ipSets")
        try section(h.consumers, MemoryLayout<ConsumerRecord>.stride, "consumers")
        try section(h.consumerIndex, MemoryLayout<UInt32>.stride, "consumerIndex")
        try section(h.consumerLabels, MemoryLayout<ConsumerLabel>.stride, "consumerLabels")
        try section(h.regexTables, MemoryLayout<RegexTable>.stride, "regexTables")
        try section(h.regexEntries, MemoryLayout<RegexEntry>.stride, "regexEntries")
        try section(h.regexSets, MemoryLayout<RegexSetRecord>.stride, "regexSets")
        try need(h.strings.count > 0, "strings", "no bytes", "at least the empty text")
        try need(h.settings.count == 1, "settings", "\(h.settings.count) records", "1")
        try need(h.routes.count <= Limits.routesMax, "routes", "\(h.routes.count)", "at most \(Limits.routesMax)")
    }

    /// A section lies behind the header and at least `padding` bytes before the image's end.
    private func section(_ r: ImageRange, _ stride: Int, _ name: StaticString, extra: Int = 0) throws(ImageError) {
        let end = Int(r.offset) + extra + Int(r.count) * stride
        try need(
            r.offset & 7 == 0 && Int(r.offset) >= MemoryLayout<ImageHeader>.size && end <= view.count - ImageCompiler.padding, name,
            "\(r.count) records at \(r.offset)", "8-byte alignment within \(view.count - ImageCompiler.padding) bytes")
    }

    /// A text lies in the strings section, and a NUL behind it does too.
    @inline(__always) func text(_ t: ImageText, _ section: StaticString, _ i: Int = -1) throws(ImageError) {
        let h = view.header
        let start = Int(h.pointee.strings.offset)
        let end = start + Int(h.pointee.strings.count)
        let from = Int(t.offset)
        let to = from + Int(t.count)
        try need(from >= start && to < end, section, i, "a text of \(t.count) bytes at \(t.offset)", "a place within \(start)..<\(end)")
        try need(
            base.load(fromByteOffset: to, as: UInt8.self) == 0, section, i, "a text without NUL behind it at \(t.offset)", "a NUL at \(to)")
    }

    private func checkSettings() throws(ImageError) {
        let s = view.settings.pointee
        let ms = Limits.timeoutMsRange
        let numbers: [(UInt32, ClosedRange<Int>, StaticString)] = [
            (s.workers, 0...Limits.workersMax, "settings.workers"), (s.connectionsMax, Limits.connectionsRange, "settings.connectionsMax"),
            (s.headBytesMax, Limits.headBytesRange, "settings.headBytesMax"),
            (s.targetBytesMax, Limits.targetBytesMin...max(Int(s.headBytesMax), Limits.targetBytesMin), "settings.targetBytesMax"),
            (s.headerFieldsMax, Limits.headerFieldsRange, "settings.headerFieldsMax"),
            (s.drainTimeoutMs, Limits.drainTimeoutMsRange, "settings.drainTimeoutMs"), (s.headTimeoutMs, ms, "settings.headTimeoutMs"),
            (s.idleTimeoutMs, ms, "settings.idleTimeoutMs"), (s.bodyIdleTimeoutMs, ms, "settings.bodyIdleTimeoutMs"),
            (s.responseTimeoutMs, ms, "settings.responseTimeoutMs"), (s.tunnelIdleTimeoutMs, ms, "settings.tunnelIdleTimeoutMs"),
            (s.bodyRateMin, Limits.bodyRateRange, "settings.bodyRateMin"), (UInt32(s.accessLog), 0...2, "settings.accessLog"),
            (UInt32(s.errorLevel), 0...4, "settings.errorLevel"), (UInt32(s.viaMode), 0...1, "settings.viaMode"),
            (UInt32(s.forwardedMode), 0...3, "settings.forwardedMode"),
        ]
        for (value, range, name) in numbers { try need(range.contains(Int(value)), name, "\(value)", "\(range)") }
        for t in [s.accessLogPath, s.errorLogPath, s.pidPath, s.user, s.group, s.stateDirectory, s.configPath] { try text(t, "settings") }
        for (i, n) in view.trustedNetworks.enumerated() {
            try need(n.prefixBits <= 128, "trustedNetworks", i, "\(n.prefixBits) bits", "0...128")
        }
        for (i, l) in view.listeners.enumerated() {
            try need(l.address.isPlausible, "listeners", i, "a bad socket address", "IPv4, IPv6 or Unix")
            try text(l.label, "listeners", i)
            try need(Limits.backlogRange.contains(Int(l.backlog)), "listeners", i, "backlog \(l.backlog)", "\(Limits.backlogRange)")
        }
    }

    private func checkClusters() throws(ImageError) {
        let targets = view.targets
        for (i, c) in view.clusters.enumerated() {
            try text(c.id, "clusters", i)
            let end = Int(c.firstTarget) + Int(c.targetCount)
            try need(end <= targets.count, "clusters", i, "targets up to \(end)", "at most \(targets.count)")
            var weight: UInt64 = 0
            for j in Int(c.firstTarget)..<end { weight += UInt64(targets[j].weight) }
            try need(weight == UInt64(c.totalWeight), "clusters", i, "weight \(c.totalWeight)", "\(weight), its targets' sum")
            let fine = Limits.upstreamIdleRange.contains(Int(c.idleMax)) && Limits.connectRetriesRange.contains(Int(c.connectRetries))
            let timed = Limits.timeoutMsRange.contains(Int(c.idleTimeoutMs)) && Limits.timeoutMsRange.contains(Int(c.connectTimeoutMs))
            try need(fine && timed, "clusters", i, "a number out of range", "numbers within Limits")
        }
        for (i, t) in targets.enumerated() {
            try need(t.address.isPlausible, "targets", i, "a bad socket address", "IPv4, IPv6 or Unix")
            try text(t.label, "targets", i)
            try need(t.weight > 0, "targets", i, "weight 0", "1 or more")
        }
    }

    private func checkRoutes() throws(ImageError) {
        let routes = view.routes
        for i in 0..<routes.count {
            let r = routes.baseAddress! + i
            try text(r.pointee.id, "routes", i)
            try text(r.pointee.body, "routes", i)
            try text(r.pointee.headerLines, "routes", i)
            try chain(r.pointee.chain, "routes", i)
            try condition(r.pointee.condition, "routes", i)
            try checkAction(r, i)
            let priority = Int(r.pointee.priority)
            try need(
                abs(priority) <= Limits.routePriorityMax, "routes", i, "priority \(priority)",
                "at most \(Limits.routePriorityMax) either way")
            let longest = max(r.pointee.connectTimeoutMs, r.pointee.responseTimeoutMs, r.pointee.idleTimeoutMs)
            try need(longest <= Limits.timeoutMsMax, "routes", i, "a timeout of \(longest) ms", "at most \(Limits.timeoutMsMax)")
        }
    }

    private func checkPlugins() throws(ImageError) {
        for (i, p) in view.plugins.enumerated() {
            try text(p.name, "plugins", i)
            try text(p.version, "plugins", i)
            try text(p.path, "plugins", i)
        }
        for (i, b) in view.bindings.enumerated() {
            try need(b.plugin < header.plugins.count, "bindings", i, "plugin \(b.plugin)", "below \(header.plugins.count)")
            try text(b.config, "bindings", i)
            try condition(b.condition, "bindings", i)
            if b.alternative == .max { continue }
            // One step only: whoever follows an alternative never asks again.
            let isFine = b.alternative < header.bindings.count && view.bindings[Int(b.alternative)].alternative == .max
            try need(isFine, "bindings", i, "alternative \(b.alternative)", "a binding without an alternative, or none")
        }
        let chains: UnsafeBufferPointer<UInt32> = view.records(header.chains)
        for i in 0..<chains.count {
            try need(chains[i] < header.bindings.count, "chains", i, "binding \(chains[i])", "below \(header.bindings.count)")
        }
    }
}
