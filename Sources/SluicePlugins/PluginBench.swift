// What each hook of a plugin costs, measured with the host's own code in a process of its own (`sluiced --bench-plugin`): CPU time of rounds
// of calls on one request, less that of making the request fresh again. What people type is `sluice plugin bench`. How a hook that waits
// comes to its end is in `PluginBenchCall.swift`.
import Glibc
import SluiceBytes
import SluiceInspect
import SluiceLoop
import SluiceModel
import SluiceShared

public enum PluginBench {
    /// Odd, so that the median is one of them.
    static let rounds = 11
    public static let requestsMax = 100_000_000
    /// Hooks that wait are measured for about so long a round, however many calls that are.
    static let waitingRoundUs: UInt64 = 250_000
    /// A hook that has not ended by then is not measured.
    static let waitMsMax: UInt64 = 5_000

    public struct Row: Sendable {
        public var phase: String
        /// Nanoseconds of CPU a call, from its start to its end; all zero when it was not measured.
        public var lowest = 0.0, median = 0.0, highest = 0.0
        /// Milliseconds from start to end of a call that waits (median of the rounds); 0: it does not wait.
        public var waitedMs = 0.0
        /// What the hook did: "goes on", "answers 401", "chooses target 2 of 3", "fails (-8)", …
        public var note: String
    }

    /// Loads `path`, configures it with the JSON object `config`, and measures every phase it has. `requests` calls a round at most.
    /// - Parameter started: gets the host before the plugin is loaded, so that Tasks of it run on the host's loop.
    public static func run(
        path: String, config: String, shape: PluginBenchShape, requests: Int, started: (PluginHost) -> Void = { _ in }
    ) throws(PluginFailure) -> [Row] {
        let facts: PluginInspection
        do { facts = try PluginInspector.inspect(path: path) } catch { throw PluginFailure(error.description) }
        let memory = UnsafeMutableRawPointer.allocate(byteCount: WorkerBlock.byteCount, alignment: 4096)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: WorkerBlock.byteCount)
        let host = PluginHost(shared: WorkerBlock(at: memory), log: { level, text in if level >= 3 { complain(text) } })
        started(host)
        let spec = PluginSpec(name: facts.name, path: path, generation: 1, digest: 0, statSlot: 0, failOpen: false)
        let table = try host.prepare(plugins: [spec], bindings: [.init(plugin: 0, config: config, key: 1)])
        var rows: [Row] = []
        for phase in PluginPhase.ofRequests where facts.phases.contains(phase.name) {
            let call = PluginBenchCall(host: host, bound: table.bound, phase: phase, request: try PluginBenchRequest(shape))
            rows.append(measure(call, max(1, requests / rounds)))
        }
        return rows
    }

    private static func measure(_ call: PluginBenchCall, _ most: Int) -> Row {
        let start = LoopClock.readUs()
        guard let result = call.run() else { return Row(phase: call.phase.name, note: "waits for more than \(waitMsMax) ms; not measured") }
        let note = call.describe(result), waits = call.hasWaited
        let firstUs = max(1, LoopClock.readUs() - start)
        let count = waits ? min(most, max(1, Int(waitingRoundUs / firstUs))) : most
        // A call of seconds is not made dozens of times.
        let rounds = waits && firstUs > 1_000_000 ? 1 : rounds
        var values: [Double] = [], waited: [Double] = []
        for round in 0...rounds {
            let bare = time(count) { call.restore() }
            let whole = time(count) { _ = call.run() }
            call.settle()
            if round > 0 || rounds == 1 {  // the first warms up
                values.append(max(0, whole.cpuNs - bare.cpuNs))
                waited.append(whole.ms)
            }
        }
        values.sort()
        waited.sort()
        return Row(
            phase: call.phase.name, lowest: values[0], median: values[values.count / 2], highest: values[values.count - 1],
            waitedMs: waits ? waited[waited.count / 2] : 0, note: note)
    }

    /// Of one of `count` runs.
    @inline(__always) private static func time(_ count: Int, _ body: () -> Void) -> (cpuNs: Double, ms: Double) {
        let start = LoopClock.readUs(), cpu = cpuNs()
        for _ in 0..<count { body() }
        let spent = cpuNs() - cpu
        return (Double(spent) / Double(count), Double(LoopClock.readUs() - start) / 1000 / Double(count))
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
