// The series that plugins define (sluice.metrics/1), read from all workers' shared memory, summed, and written as families of their own
// names. What a worker says is checked on the way: it holds code of others.
import SluiceShared

/// One series, all workers together.
struct PluginSeries: Sendable, Equatable {
    var plugin: String
    /// As the plugin calls it.
    var name: String
    var help: String
    var kind: MetricKind
    var labels: [Label]
    var bounds: [Double]
    /// As the cells of `MetricDefinition`.
    var cells: [Double]
    struct Label: Sendable, Hashable {
        var name: String
        var value: String
    }
    /// "sluice_plugin_key_auth__refused_total"
    var family: String { "sluice_plugin_\(String(plugin.map { $0 == "-" ? "_" : $0 }))__\(name)" }

    /// nil: not one that a worker could have made.
    init?(_ definition: MetricDefinition, _ cells: [Double]) {
        let texts = definition.texts
        guard let kind = MetricKind(rawValue: definition.kind), texts.count >= 3, texts.count == 3 + 2 * Int(definition.labelCount),
            Int(definition.boundCount) <= MetricDefinition.boundsMax,
            cells.count == (kind == .histogram ? Int(definition.boundCount) + 2 : 1), texts.allSatisfy(Self.isLine),
            Self.isWord(texts[0].utf8.filter { $0 != UInt8(ascii: "-") }), Self.isWord(Array(texts[1].utf8))
        else { return nil }
        (plugin, name, help, self.kind, self.cells) = (texts[0], texts[1], texts[2], kind, cells)
        labels = stride(from: 3, to: texts.count, by: 2).map { Label(name: texts[$0], value: texts[$0 + 1]) }
        bounds = (0..<Int(definition.boundCount)).map { definition.bounds[$0] }
        guard labels.allSatisfy({ Self.isWord(Array($0.name.utf8)) }) else { return nil }
    }

    private static func isLine(_ text: String) -> Bool { !text.utf8.contains { $0 < 0x20 || $0 == 0x7f } }
    private static func isWord(_ text: [UInt8]) -> Bool {
        !text.isEmpty && text.allSatisfy { $0 &- 0x61 < 26 || $0 &- 0x30 < 10 || $0 == UInt8(ascii: "_") }
    }

    /// Series of equal name and labels become one; one that does not fit the first of its name is left out.
    static func sum(_ all: [PluginSeries]) -> [PluginSeries] {
        var out: [PluginSeries] = []
        var index: [String: Int] = [:]
        var families: [String: PluginSeries] = [:]
        for one in all {
            if let first = families[one.family], first.kind != one.kind || first.bounds != one.bounds { continue }
            families[one.family] = families[one.family] ?? one
            let key = one.family + one.labels.map { "\u{1}\($0.name)\u{1}\($0.value)" }.joined()
            if let known = index[key] {
                for i in one.cells.indices { out[known].cells[i] += one.cells[i] }
            } else {
                index[key] = out.count
                out.append(one)
            }
        }
        return out.sorted { a, b in
            a.family == b.family ? a.labels.map(\.value).lexicographicallyPrecedes(b.labels.map(\.value)) : a.family < b.family
        }
    }
}

extension CounterReader {
    /// What all workers' plugins have defined. In a block that no worker has, counts stay true, but nothing is open.
    func pluginSeries() -> [PluginSeries] {
        var all: [PluginSeries] = []
        for block in (0..<memory.blockCount).map(memory.worker) {
            let isRetired = block.head.pointee.occupant == 0
            for slot in 0..<SharedLimits.metricSlots {
                guard let found = block.series(at: slot), var one = PluginSeries(found.definition, found.cells) else { continue }
                if isRetired && one.kind == .gauge { one.cells = [0] }
                all.append(one)
            }
        }
        return PluginSeries.sum(all)
    }
}

extension MetricsText {
    /// Every family once, its series behind it.
    mutating func pluginSeries(_ all: [PluginSeries]) {
        var last = ""
        for one in all {
            if one.family != last { family(one.family, "\(one.kind)", Self.escapeHelp(one.help)) }
            last = one.family
            let labels = one.labels.map { ($0.name, $0.value) }
            if one.kind != .histogram {
                sample(one.family, labels, Self.number(one.cells[0]))
                continue
            }
            var total = 0.0
            for (i, bound) in one.bounds.enumerated() {
                total += one.cells[i]
                sample(one.family + "_bucket", labels + [("le", Self.number(bound))], Self.number(total))
            }
            total += one.cells[one.bounds.count]
            sample(one.family + "_bucket", labels + [("le", "+Inf")], Self.number(total))
            sample(one.family + "_sum", labels, Self.number(one.cells[one.bounds.count + 1]))
            sample(one.family + "_count", labels, Self.number(total))
        }
    }

    /// As Prometheus reads numbers; whole ones without a point.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return value == value.rounded() && abs(value) < 9e15 ? "\(Int64(value))" : "\(value)"
    }
    static func escapeHelp(_ text: String) -> String {
        text.split(separator: "\\", omittingEmptySubsequences: false).joined(separator: "\\\\")
    }
}
