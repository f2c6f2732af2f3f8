// The command line of `sluiced`. People start it through `sluice run`; the other forms are how the master starts its
// children.

public struct Arguments: Equatable {
    public enum Role: Equatable {
        case master(imageFd: Int32)
        case worker(index: Int)
        /// Becomes `sluice control …` after giving up root.
        case control(program: String, configPath: String)
        /// Tries a plugin and leaves.
        case probe
        /// Measures a plugin and leaves; what its words mean is `BenchProcess`'s.
        case benchPlugin([String])
        case version
        case help
    }
    public var role: Role
    /// Process that must be our parent (children only).
    public var parent: Int32?
    public var user = ""
    public var group = ""

    public struct Problem: Error, Equatable, CustomStringConvertible {
        public let description: String
    }
    public static let usage = """
        usage: sluiced --image-fd N      run as master; `sluice run -c FILE` starts it like this
               sluiced --version
        """

    /// - Parameter words: without the program's own name.
    public static func parse(_ words: [String]) throws(Problem) -> Arguments {
        var rest = words[...]
        guard let first = rest.popFirst() else { throw Problem(description: "nothing to do") }
        var result: Arguments
        switch first {
        case "--image-fd": result = Arguments(role: .master(imageFd: Int32(try number(&rest, first, 3...1_048_576))))
        case "--worker": result = Arguments(role: .worker(index: try number(&rest, first, 0...255)))
        case "--control": result = Arguments(role: .control(program: try value(&rest, first), configPath: try value(&rest, first)))
        case "--probe": result = Arguments(role: .probe)
        case "--bench-plugin":
            result = Arguments(role: .benchPlugin(Array(rest)))
            rest = []
        case "--version": result = Arguments(role: .version)
        case "--help", "-h": result = Arguments(role: .help)
        default: throw Problem(description: "unknown argument \(first)")
        }
        let isChild =
            switch result.role {
            case .worker, .control, .probe: true;
            default: false
            }
        while isChild, let name = rest.popFirst() {
            switch name {
            case "--parent": result.parent = Int32(try number(&rest, name, 1...0x7fff_ffff))
            case "--user": result.user = try value(&rest, name)
            case "--group": result.group = try value(&rest, name)
            default: throw Problem(description: "unknown argument \(name)")
            }
        }
        if let extra = rest.first { throw Problem(description: "unexpected argument \(extra)") }
        return result
    }

    private static func value(_ rest: inout ArraySlice<String>, _ name: String) throws(Problem) -> String {
        guard let v = rest.popFirst() else { throw Problem(description: "\(name) needs a value") }
        return v
    }
    private static func number(_ rest: inout ArraySlice<String>, _ name: String, _ range: ClosedRange<Int>) throws(Problem) -> Int {
        let text = try value(&rest, name)
        guard let n = Int(text), range.contains(n) else {
            throw Problem(description: "\(name) \(text): a number from \(range.lowerBound) to \(range.upperBound) is needed")
        }
        return n
    }
}
