// `sluiced --bench-plugin`: a throw-away process that measures one plugin and prints a line a phase: name, three numbers, milliseconds that
// it waits, note, with tabs between. `sluice plugin bench` starts it and makes a table of it; what is measured is `PluginBench`.
import SluicePlugins
import SluiceSystem

public enum BenchProcess {
    /// Never returns: 0 when every phase was tried, 1 with the reason on standard error.
    /// - Parameters:
    ///   - words: path of the plugin, configuration, calls of a phase, method, target, bytes of a chunk, then header lines.
    public static func run(_ words: [String]) -> Never {
        guard words.count >= 6, let requests = Int(words[2]), requests > 0, requests <= PluginBench.requestsMax, let chunk = Int(words[5]),
            (0...65_536).contains(chunk)
        else { fail("usage: --bench-plugin PATH CONFIG CALLS METHOD TARGET CHUNK-BYTES [HEADER-LINE…]") }
        var shape = PluginBenchShape()
        (shape.method, shape.target, shape.chunkBytes, shape.lines) = (words[3], words[4], chunk, Array(words[6...]))
        do {
            LoopExecutors.install()  // Tasks of the plugin run on the host's loop, as in a worker
            let rows = try PluginBench.run(
                path: words[0], config: words[1], shape: shape, requests: requests, started: { LoopExecutors.host = $0 })
            for row in rows {
                print(
                    [row.phase, "\(row.lowest)", "\(row.median)", "\(row.highest)", "\(row.waitedMs)", row.note].joined(separator: "\t"))
            }
        } catch {
            fail("\(error)")
        }
        exit(0)
    }

    private static func fail(_ text: String) -> Never {
        var line = text + "\n"
        line.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
        exit(1)
    }
}
