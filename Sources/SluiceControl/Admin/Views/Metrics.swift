// Counters as text for Prometheus (exposition format 0.0.4): HELP and TYPE, escaped labels, cumulative buckets. A pure
// function of a snapshot and the names of its slots.
import SluiceShared

struct MetricsNames: Sendable {
    var routes: [String: UInt32] = [:]
    /// Every generation that takes requests.
    struct Plugin: Sendable {
        var name: String
        var place: PluginSlot
    }
    var plugins: [Plugin] = []
    var revision: UInt64 = 0
    var version = ""
}

struct MetricsText {
    private var out = ""
    var text: String { out }

    static func render(_ counters: CounterSnapshot, _ names: MetricsNames) -> String {
        var text = MetricsText()
        text.process(counters, names)
        text.routes(counters, names)
        text.latency(counters)
        text.connections(counters)
        text.plugins(counters, names)
        text.pluginSeries(counters.pluginSeries)
        return text.out
    }

    private mutating func process(_ counters: CounterSnapshot, _ names: MetricsNames) {
        family("sluice_build_info", "gauge", "Always 1; the release is in the label.")
        sample("sluice_build_info", [("version", names.version)], "1")
        family("sluice_start_time_seconds", "gauge", "Start of the master, Unix time.")
        sample("sluice_start_time_seconds", [], "\(counters.startedAt)")
        family("sluice_revision", "gauge", "Revision of the configuration that was published last.")
        sample("sluice_revision", [], "\(names.revision)")
        family("sluice_worker_revision", "gauge", "Revision that each worker runs.")
        for worker in counters.workers { sample("sluice_worker_revision", [("worker", "\(worker.index)")], "\(worker.head.revision)") }
        family("sluice_restarts_total", "counter", "Processes started again after they died.")
        sample("sluice_restarts_total", [("process", "worker")], "\(counters.workerRestarts)")
        sample("sluice_restarts_total", [("process", "control")], "\(counters.controlRestarts)")
    }

    private mutating func routes(_ counters: CounterSnapshot, _ names: MetricsNames) {
        // Slot 0 holds what matched no route, and routes past the number of slots.
        let rows = names.routes.filter { $0.value != 0 }.sorted { $0.key < $1.key } + [("", 0)]
        family("sluice_requests_total", "counter", "Requests answered, by route (empty: none matched) and class of the status.")
        for (route, slot) in rows {
            guard let counted = counters.routes[slot] else { continue }
            for index in 0..<5 {
                sample("sluice_requests_total", [("route", route), ("class", "\(index + 1)xx")], "\(counted.byClass[index])")
            }
        }
        family("sluice_route_duration_seconds_total", "counter", "Time that requests of the route took, summed.")
        for (route, slot) in rows {
            if let counted = counters.routes[slot] {
                sample("sluice_route_duration_seconds_total", [("route", route)], seconds(counted.durationSumUs))
            }
        }
        family("sluice_route_bytes_total", "counter", "Bytes received from and sent to clients of the route.")
        for (route, slot) in rows {
            guard let counted = counters.routes[slot] else { continue }
            sample("sluice_route_bytes_total", [("route", route), ("direction", "in")], "\(counted.bytesIn)")
            sample("sluice_route_bytes_total", [("route", route), ("direction", "out")], "\(counted.bytesOut)")
        }
    }

    private mutating func latency(_ counters: CounterSnapshot) {
        family("sluice_request_duration_seconds", "histogram", "From the first byte of the request to the last of the response.")
        var total: UInt64 = 0
        let buckets = counters.latency
        for (index, bound) in Latency.boundsUs.enumerated() {
            total &+= buckets[index]
            sample("sluice_request_duration_seconds_bucket", [("le", seconds(bound))], "\(total)")
        }
        total &+= buckets[Latency.boundsUs.count]
        sample("sluice_request_duration_seconds_bucket", [("le", "+Inf")], "\(total)")
        sample("sluice_request_duration_seconds_sum", [], seconds(counters.sum(\.latencySumUs)))
        sample("sluice_request_duration_seconds_count", [], "\(total)")
    }

    private mutating func connections(_ counters: CounterSnapshot) {
        let rows: [(String, String, String, KeyPath<WorkerHead, UInt64>)] = [
            ("sluice_client_connections", "gauge", "Open connections of clients.", \.clientConnections),
            ("sluice_client_connections_total", "counter", "Connections accepted.", \.accepted),
            ("sluice_requests_active", "gauge", "Requests in flight.", \.requestsActive),
            ("sluice_upstream_connections", "gauge", "Open connections to upstreams, idle ones included.", \.upstreamConnections),
            ("sluice_upstream_idle_connections", "gauge", "Idle connections to upstreams.", \.upstreamIdle),
            ("sluice_upstream_connects_total", "counter", "Connections opened to upstreams.", \.upstreamConnects),
            (
                "sluice_upstream_connect_failures_total", "counter", "Connections to upstreams that failed to open.",
                \.upstreamConnectFailures
            ),
            ("sluice_upstream_retries_total", "counter", "Requests sent to an upstream once more.", \.upstreamRetries),
            ("sluice_condition_errors_total", "counter", "Conditions that failed, and so counted as false.", \.conditionErrors),
            ("sluice_parse_errors_total", "counter", "Requests refused because they are no valid HTTP.", \.parseErrors),
            ("sluice_timeouts_total", "counter", "Timeouts of clients and upstreams.", \.timeouts),
            ("sluice_received_bytes_total", "counter", "Bytes received from clients.", \.bytesIn),
            ("sluice_sent_bytes_total", "counter", "Bytes sent to clients.", \.bytesOut),
            ("sluice_log_lines_dropped_total", "counter", "Lines of the access log that could not be written.", \.logLinesDropped),
        ]
        for (name, type, help, field) in rows {
            family(name, type, help)
            sample(name, [], "\(counters.sum(field))")
        }
    }

    private mutating func plugins(_ counters: CounterSnapshot, _ names: MetricsNames) {
        let rows = names.plugins.filter { $0.place.slot != 0 }.sorted { ($0.name, $0.place.generation) < ($1.name, $1.place.generation) }
        func perPhase(_ name: String, _ type: String, _ help: String, _ value: (PluginCounters, Int) -> String?) {
            family(name, type, help)
            for row in rows {
                guard let counted = counters.plugins[row.place.slot] else { continue }
                for (index, phase) in PhaseNames.all.enumerated() where counted.calls[index] > 0 || index < PhaseNames.always {
                    guard let value = value(counted, index) else { continue }
                    sample(name, [("plugin", row.name), ("generation", "\(row.place.generation)"), ("phase", phase)], value)
                }
            }
        }
        let ticks = counters.ticksPerUs
        perPhase("sluice_plugin_calls_total", "counter", "Calls of a plugin's hooks.") { "\($0.calls[$1])" }
        perPhase("sluice_plugin_errors_total", "counter", "Calls of a plugin's hooks that failed.") { "\($0.failures[$1])" }
        perPhase("sluice_plugin_cpu_seconds_total", "counter", "Time that hooks spent on the processor.") {
            decimal(Double($0.cpu[$1].sum), ticks)
        }
        perPhase("sluice_plugin_parked_seconds_total", "counter", "Time that hooks spent parked.") {
            decimal(Double($0.parked[$1].sum), ticks)
        }
        for (label, q) in [("p50", 0.5), ("p99", 0.99)] {
            perPhase(
                "sluice_plugin_cpu_seconds_\(label)", "gauge", "Time of one call on the processor, \(label) since the generation came."
            ) {
                $0.cpu[$1].count == 0 ? nil : decimal($0.cpu[$1].quantile(q), ticks)
            }
            perPhase("sluice_plugin_parked_seconds_\(label)", "gauge", "Time of one wait of a hook, \(label) since the generation came.") {
                $0.parked[$1].count == 0 ? nil : decimal($0.parked[$1].quantile(q), ticks)
            }
        }
        for (name, type, help, field) in [
            ("sluice_plugin_misuse_total", "counter", "Calls of host functions that the phase does not allow.", \PluginCounters.misuse),
            (
                "sluice_plugin_host_bytes", "gauge", "Bytes that a plugin took from the host and has not given back.",
                \PluginCounters.hostBytes
            ),
        ] {
            family(name, type, help)
            for row in rows {
                guard let counted = counters.plugins[row.place.slot] else { continue }
                sample(name, [("plugin", row.name), ("generation", "\(row.place.generation)")], "\(counted[keyPath: field])")
            }
        }
    }

    /// Ticks as seconds, to the nanosecond.
    private func decimal(_ ticks: Double, _ ticksPerUs: Double) -> String {
        guard ticksPerUs > 0 else { return "0" }
        let ns = UInt64(ticks / ticksPerUs * 1000)
        let fraction = String(ns % 1_000_000_000)
        let digits = String(repeating: "0", count: 9 - fraction.count) + fraction
        let trimmed = String(digits.reversed().drop { $0 == "0" }.reversed())
        return "\(ns / 1_000_000_000)" + (trimmed.isEmpty ? "" : "." + trimmed)
    }

    // The format

    mutating func family(_ name: String, _ type: String, _ help: String) {
        out += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    mutating func sample(_ name: String, _ labels: [(String, String)], _ value: String) {
        out += name
        if !labels.isEmpty { out += "{" + labels.map { "\($0.0)=\"\(Self.escape($0.1))\"" }.joined(separator: ",") + "}" }
        out += " \(value)\n"
    }

    static func escape(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": out += "\\\\"
            case "\"": out += "\\\""
            case "\n": out += "\\n"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    /// Microseconds as seconds, exactly.
    private func seconds(_ us: UInt64) -> String {
        let fraction = String(us % 1_000_000)
        let digits = String(repeating: "0", count: 6 - fraction.count) + fraction
        let trimmed = digits.reversed().drop { $0 == "0" }.reversed()
        return trimmed.isEmpty ? "\(us / 1_000_000)" : "\(us / 1_000_000)." + String(trimmed)
    }
}

/// Names of the phases, by their number in the plugin ABI.
enum PhaseNames {
    static let all = [
        "rewrite", "access", "header_filter", "body_filter", "log", "content", "balancer", "routing", "timer", "background", "init",
        "worker_init", "exit_worker", "configure", "ssl_client_hello", "ssl_certificate",
    ]
    /// The first so many are shown even when they were never called.
    static let always = 5
}
