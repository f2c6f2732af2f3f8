// The metrics text, parsed as Prometheus would: every sample has a family, values are numbers, buckets only grow.
import SluiceShared
import Testing

@testable import SluiceControl

@Suite struct MetricsTests {
    static func counters() -> CounterSnapshot {
        var out = CounterSnapshot(startedAt: 1_700_000_000, workerRestarts: 3, controlRestarts: 1)
        for index in 0..<2 {
            var head = WorkerHead()
            head.revision = 9
            head.accepted = 10
            head.clientConnections = UInt64(index + 1)
            head.latencySumUs = 1_500_001
            head.latency[0] = 4
            head.latency[3] = 2
            head.latency[31] = 1
            out.workers.append(.init(index: index, head: head))
        }
        var none = RouteCounters()
        none.byClass[3] = 7
        var users = RouteCounters()
        users.byClass[1] = 5
        users.byClass[4] = 1
        users.durationSumUs = 2_500_000
        out.routes = [0: none, 2: users]
        var plugin = PluginCounters()
        plugin.calls[1] = 6
        plugin.failures[1] = 1
        plugin.cpu[1].add(6_000)
        plugin.misuse = 2
        out.ticksPerUs = 2000
        out.plugins = [1: plugin]
        return out
    }
    static let names = MetricsNames(
        routes: ["us\"er\\s\n": 2, "late": 0], plugins: [.init(name: "key-auth", place: .init(slot: 1, generation: 3))], revision: 9,
        version: "0.1.0")
    let text = MetricsText.render(counters(), names)

    @Test func everyLineIsWellFormed() throws {
        var families: [String: String] = [:]
        var seen = Set<String>()
        #expect(text.hasSuffix("\n"))
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            if line.hasPrefix("# TYPE ") {
                let words = line.split(separator: " ")
                #expect(families.updateValue(String(words[3]), forKey: String(words[2])) == nil, "family twice: \(line)")
                #expect(["counter", "gauge", "histogram"].contains(String(words[3])))
            } else if !line.hasPrefix("# HELP ") {
                let sample = try #require(
                    try Regex(#"^([a-z0-9_]+)(\{([a-z_]+="([^"\\\n]|\\["\\n])*",?)+\})? [0-9]+(\.[0-9]+)?$"#).wholeMatch(in: String(line)),
                    "not a sample: \(line)")
                let name = String(sample[1].substring!)
                let family = families[name] != nil ? name : name.replacing(/_(bucket|sum|count)$/, with: "")
                #expect(families[family] != nil, "no family for \(line)")
                #expect(seen.insert(String(line.split(separator: " ").dropLast().joined(separator: " "))).inserted, "sample twice: \(line)")
            }
        }
        #expect(families.count >= 20)
    }

    @Test func valuesAreThere() {
        for line in [
            #"sluice_requests_total{route="us\"er\\s\n",class="2xx"} 5"#, #"sluice_requests_total{route="us\"er\\s\n",class="5xx"} 1"#,
            #"sluice_requests_total{route="",class="4xx"} 7"#,
            #"sluice_route_duration_seconds_total{route="us\"er\\s\n"} 2.5"#, "sluice_request_duration_seconds_sum 3.000002",
            "sluice_request_duration_seconds_count 14",
            #"sluice_request_duration_seconds_bucket{le="0.00005"} 8"#, #"sluice_request_duration_seconds_bucket{le="0.0003"} 12"#,
            #"sluice_request_duration_seconds_bucket{le="60"} 12"#,
            #"sluice_request_duration_seconds_bucket{le="+Inf"} 14"#, "sluice_client_connections 3", "sluice_client_connections_total 20",
            #"sluice_restarts_total{process="worker"} 3"#,
            #"sluice_plugin_calls_total{plugin="key-auth",generation="3",phase="access"} 6"#,
            #"sluice_plugin_errors_total{plugin="key-auth",generation="3",phase="access"} 1"#,
            #"sluice_plugin_cpu_seconds_total{plugin="key-auth",generation="3",phase="access"} 0.000003"#,
            #"sluice_plugin_cpu_seconds_p99{plugin="key-auth",generation="3",phase="access"} 0.00000256"#,
            #"sluice_plugin_misuse_total{plugin="key-auth",generation="3"} 2"#, "sluice_revision 9",
            #"sluice_worker_revision{worker="1"} 9"#, #"sluice_build_info{version="0.1.0"} 1"#,
        ] { #expect(text.contains("\n" + line + "\n"), "\(line)") }
        #expect(!text.contains(#"route="late""#))  // a route past the slots is counted with those that matched none
    }

    @Test func bucketsOnlyGrow() {
        let values = text.split(separator: "\n").filter { $0.hasPrefix("sluice_request_duration_seconds_bucket") }.map {
            UInt64($0.split(separator: " ").last!)!
        }
        #expect(values.count == 32)
        #expect(zip(values, values.dropFirst()).allSatisfy { $0 <= $1 })
    }

    @Test func countersAreSummedOverWorkers() throws {
        let memory = try SharedMemory.create(workers: 3)
        defer { memory.unmap() }
        for index in 0..<3 {
            let block = memory.worker(index)
            block.head.pointee.occupant = UInt64(index + 1)
            block.head.pointee.requests = 5
            block.routes[7].byClass[1] = UInt64(index + 1)
            block.plugins[2].failures[4] = 2
            block.plugins[2].generation = index == 2 ? 8 : 9  // one worker has not loaded it yet
            block.generations[index] = GenerationState(plugin: 3, generation: 4, state: GenerationPhase.active.rawValue, references: 1)
        }
        let out = CounterReader(memory: memory).snapshot(routeSlots: [7, 99_999], plugins: [.init(slot: 2, generation: 9)])
        #expect(out.sum(\.requests) == 15)
        #expect(out.routes[7]?.byClass[1] == 6 && out.routes[0] != nil && out.routes[99_999] == nil)
        #expect(out.plugins[2]?.failures[4] == 4)
        #expect(out.workers.map(\.generations.count) == [1, 1, 1])
    }
}

extension GenerationState {
    init(plugin: UInt64, generation: UInt64, state: UInt64, references: UInt64) {
        self.init()
        (self.plugin, self.generation, self.state, self.references) = (plugin, generation, state, references)
    }
}
