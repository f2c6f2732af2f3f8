// Series of plugins as Prometheus gets them: summed over workers, cumulative buckets, escaped labels, and nothing of what a worker may
// not have said.
import SluiceShared
import Testing

@testable import SluiceControl

@Suite struct PluginMetricsTests {
    /// A definition as a worker writes it.
    static func definition(_ kind: MetricKind, _ texts: [String], bounds: [Double] = []) -> MetricDefinition {
        var d = MetricDefinition()
        d.kind = kind.rawValue
        d.labelCount = UInt8((texts.count - 3) / 2)
        d.boundCount = UInt8(bounds.count)
        for (i, b) in bounds.enumerated() { d.bounds[i] = b }
        var at = 0
        for (i, text) in texts.enumerated() {
            d.lengths[i] = UInt8(text.utf8.count)
            for byte in text.utf8 {
                d.text[at] = byte
                at += 1
            }
        }
        return d
    }
    static func series(_ kind: MetricKind, _ texts: [String], bounds: [Double] = [], _ cells: [Double]) -> PluginSeries? {
        PluginSeries(definition(kind, texts, bounds: bounds), cells)
    }

    @Test func familiesAreWritten() throws {
        let seen = ["key-auth", "seen_total", "What it counts; a \\ too.", "zone", "a\"\\b"]
        let took = ["key-auth", "took_seconds", "How long."]
        let all = PluginSeries.sum([
            try #require(Self.series(.counter, seen, [2])),
            try #require(Self.series(.histogram, took, bounds: [0.1, 1], [1, 0, 2, 20.5])),
            try #require(Self.series(.counter, ["key-auth", "seen_total", "", "zone", "b"], [1.5])),
            try #require(Self.series(.counter, seen, [40])), try #require(Self.series(.histogram, took, bounds: [0.1, 1], [0, 3, 0, 1])),
        ])
        var text = MetricsText()
        text.pluginSeries(all)
        #expect(
            text.text == """
                # HELP sluice_plugin_key_auth__seen_total What it counts; a \\\\ too.
                # TYPE sluice_plugin_key_auth__seen_total counter
                sluice_plugin_key_auth__seen_total{zone="a\\"\\\\b"} 42
                sluice_plugin_key_auth__seen_total{zone="b"} 1.5
                # HELP sluice_plugin_key_auth__took_seconds How long.
                # TYPE sluice_plugin_key_auth__took_seconds histogram
                sluice_plugin_key_auth__took_seconds_bucket{le="0.1"} 1
                sluice_plugin_key_auth__took_seconds_bucket{le="1"} 4
                sluice_plugin_key_auth__took_seconds_bucket{le="+Inf"} 6
                sluice_plugin_key_auth__took_seconds_sum 21.5
                sluice_plugin_key_auth__took_seconds_count 6

                """)
    }

    @Test func kindsThatDifferBetweenWorkersAreNotMixed() throws {
        let all = PluginSeries.sum([
            try #require(Self.series(.counter, ["p", "a", ""], [2])), try #require(Self.series(.gauge, ["p", "a", "", "x", "y"], [7])),
            try #require(Self.series(.histogram, ["p", "h", ""], bounds: [1], [1, 1, 1])),
            try #require(Self.series(.histogram, ["p", "h", ""], bounds: [2], [1, 1, 1])),
        ])
        #expect(all.map(\.name) == ["a", "h"] && all[0].cells == [2] && all[1].bounds == [1])
    }

    @Test(arguments: [
        (["p", "a\nb", ""], [1.0]), (["p", "A", ""], [1]), (["p q", "a", ""], [1]), (["p", "a", "two\nlines"], [1]),
        (["p", "a", "", "x y", "z"], [1]),
        (["p", "a", ""], [1, 2]), (["", "a", ""], [1]),
    ]) func whatNoWorkerMakesIsLeftOut(_ texts: [String], _ cells: [Double]) { #expect(Self.series(.counter, texts, cells) == nil) }

    @Test func damagedLengthsAreLeftOut() {
        var d = Self.definition(.gauge, ["p", "a", ""])
        for i in 0..<12 { d.lengths[i] = 255 }
        d.labelCount = 4
        #expect(PluginSeries(d, [1]) == nil)
    }

    @Test(arguments: [(0, "0"), (-3, "-3"), (0.5, "0.5"), (1e20, "1e+20"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN")])
    func numbers(_ value: Double, _ text: String) { #expect(MetricsText.number(value) == text) }

    @Test func sharedMemoryIsRead() throws {
        let memory = try SharedMemory.create(workers: 2)
        defer { memory.unmap() }
        for i in 0..<2 {
            var d = Self.definition(.gauge, ["p", "open", "Now."])
            d.firstCell = UInt16(10 + i)
            d.cellCount = 1
            memory.worker(i).head.pointee.occupant = UInt64(i + 1)
            memory.worker(i).metricCells[10 + i] = 2.5
            memory.worker(i).publish(d, at: 3 * i)
        }
        let found = CounterReader(memory: memory).snapshot(routeSlots: [], plugins: []).pluginSeries
        #expect(found.count == 1 && found[0].cells == [5] && found[0].family == "sluice_plugin_p__open")
    }
}
