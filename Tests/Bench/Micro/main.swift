// Figures of single parts, in nanoseconds, without sockets and processes: `sluice-microbench plugins DIR | router | functions | rules`.
// Each prints rows of a Markdown table with its target. What is measured is in Plugins.swift, Router.swift, Functions.swift and Rules.swift,
// how in Figure.swift; whole requests beside other proxies are measured by `make bench`.
import Glibc

let arguments = CommandLine.arguments.dropFirst()
do {
    switch (arguments.first, arguments.count) {
    case ("plugins", 2): try PluginFigures.run(folder: arguments.last!)
    case ("router", 1): try RouterFigures.run()
    case ("functions", 1): try FunctionFigures.run()
    case ("rules", 1): try RuleFigures.run()
    default:
        throw BenchFailure("usage: sluice-microbench plugins DIR | router | functions | rules   (DIR: the bundled plugins, .build/plugins)")
    }
} catch {
    complain("sluice-microbench: \(error)")
    exit(1)
}
