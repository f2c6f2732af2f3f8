// What each hook of a plugin costs, measured with the host's own code in a process of its own (`sluiced --bench-plugin`): CPU time of rounds
// of calls on one request, less that of making the request fresh again. What people type is `sluice plugin bench`.
import Glibc
import SluiceBytes
import SluiceInspect
import SluiceModel
import SluiceShared

public enum PluginBench {
    /// Odd, so that the median is one of them.
    static let rounds = 11
    public static let requestsMax = 100_000_000

    public struct Row: Sendable {
        public var phase: String
        /// Nanoseconds a call; all zero when it was not measured.
        public var lowest = 0.0, median = 0.0, highest = 0.0
        /// What the hook did: "goes on", "answers 401", "fails (-8)", "waits; not measured", …
        public var note: String
    }

    /// Loads `path`, configures it with the JSON object `config`, and measures every phase it has. `requests` calls a round at most.
    public static func run(path: String, config: String, shape: PluginBenchShape, requests: Int) throws(PluginFailure) -> [Row] {
        let facts: PluginInspection
        do { facts = try PluginInspector.inspect(path: path) } catch { throw PluginFailure(error.description) }
        let memory = UnsafeMutableRawPointer.allocate(byteCount: WorkerBlock.byteCount, alignment: 4096)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: WorkerBlock.byteCount)
        let host = PluginHost(shared: WorkerBlock(at: memory), log: { level, text in if level >= 3 { complain(text) } })
        let spec = PluginSpec(name: facts.name, path: path, generation: 1, digest: 0, statSlot: 0, failOpen: false)
        let table = try host.prepare(plugins: [spec], bindings: [.init(plugin: 0, config: config, key: 1)])
        var rows: [Row] = []
        for phase in PluginPhase.allCases.prefix(8) where facts.phases.contains(phase.name) {
            rows.append(try measure(table.bound, phase, shape, max(1, requests / rounds)))
        }
        return rows
    }

    private static func measure(_ bound: UnsafeMutablePointer<BoundPlugin>, _ phase: PluginPhase, _ shape: PluginBenchShape, _ count: Int)
        throws(PluginFailure) -> Row
    {
        if phase == .content || phase == .balancer { return Row(phase: phase.name, note: "not measured: it needs a connection") }
        let request = try PluginBenchRequest(shape)
        request.restore(phase)
        let result = bound.pointee.run(phase, request.context)
        let note: String
        switch result {
        case 0: note = "goes on"
        case 1: note = "answers \(request.context.pointee.answerStatus)"
        case BoundPlugin.parked: return Row(phase: phase.name, note: "waits; not measured")
        default: note = "fails (\(result))"
        }
        var values: [Double] = []
        for round in 0...rounds {
            let bare = nanoseconds(count) { request.restore(phase) }
            let whole = nanoseconds(count) {
                request.restore(phase)
                _ = bound.pointee.run(phase, request.context)
            }
            if round > 0 { values.append(max(0, whole - bare)) }  // the first warms up
        }
        values.sort()
        return Row(phase: phase.name, lowest: values[0], median: values[values.count / 2], highest: values[values.count - 1], note: note)
    }

    @inline(__always) private static func nanoseconds(_ count: Int, _ body: () -> Void) -> Double {
        let start = cpuNs()
        for _ in 0..<count { body() }
        return Double(cpuNs() - start) / Double(count)
    }

    /// CPU time of this thread, so that a busy machine stretches it less.
    private static func cpuNs() -> UInt64 {
        var t = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t)
        return UInt64(t.tv_sec) * 1_000_000_000 + UInt64(t.tv_nsec)
    }

    private static func complain(_ text: String) {
        var line = text + "\n"
        line.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
    }
}
