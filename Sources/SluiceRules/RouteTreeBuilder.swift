// Makes the routing structures of `RoutingLayout.swift`: gathers each route's patterns and hosts, sorts the patterns of one
// host, and reads the radix tree off the sorted order, level by level. The host table itself is `HostTableBuilder.swift`.
import SluiceModel

/// The finished sections. Labels and names already point into the strings section.
struct RoutingTables {
    var hostHeader = HostTableHeader()
    var slots: [HostSlot] = [HostSlot()]
    var nodes: [RouteNode] = []
    /// First byte of each node, parallel to `nodes`; 0 for roots, 0xff for `{}`.
    var firstBytes: [UInt8] = []
    var entries: [RouteEntry] = []
    var names: [ImageText] = []
}

struct RouteTreeBuilder {
    /// A pattern of one route: where its bytes are, and the entry that will stand at its end.
    struct Pattern {
        var offset: UInt32
        var length: UInt16
        var isPrefix: Bool
        /// Position of the route when all are sorted by id.
        var rank: UInt32
        var entry: RouteEntry
    }

    /// Position by id, byte by byte, for every route.
    private let ranks: [UInt32]
    private var pool: [UInt8] = []
    private var patterns: [Pattern] = []
    /// Route → its run in `patterns`.
    private var runs: [Range<Int>] = []
    private var hostGroups = HostGroups()
    private var nameRuns: [[String]: UInt32] = [:]
    private var tables = RoutingTables()
    private var combinations = 0

    init(routes: [Route]) {
        let order = routes.indices.sorted { routes[$0].id.utf8.lexicographicallyPrecedes(routes[$1].id.utf8) }
        var ranks = [UInt32](repeating: 0, count: routes.count)
        for (rank, i) in order.enumerated() { ranks[i] = UInt32(rank) }
        self.ranks = ranks
    }

    /// Takes in route `i`; routes come in order.
    mutating func add(_ route: Route, methods: UInt16, at i: Int, _ strings: inout StringPool) throws(ImageError) {
        let first = patterns.count
        if route.paths.isEmpty { add(.any, route, methods, i, &strings) }
        for (j, text) in route.paths.enumerated() {
            add(try PathPattern(text, at: "routes[\(i)].match.paths[\(j)]"), route, methods, i, &strings)
        }
        runs.append(first..<patterns.count)
        combinations += max(route.hosts.count, 1) * max(route.paths.count, 1)
        if combinations > Limits.routeEntriesMax {
            throw ImageError(
                path: "routes[\(i)].match", found: "more than \(Limits.routeEntriesMax) combinations of host and path",
                allowed: "at most that many in all routes")
        }
        if route.hosts.isEmpty { hostGroups.addAny(route: UInt32(i)) }
        for (j, text) in route.hosts.enumerated() {
            hostGroups.add(try HostPattern(text, at: "routes[\(i)].match.hosts[\(j)]"), route: UInt32(i))
        }
    }

    private mutating func add(_ p: PathPattern, _ route: Route, _ methods: UInt16, _ i: Int, _ strings: inout StringPool) {
        var entry = RouteEntry()
        entry.route = UInt32(i)
        entry.key = Int32(route.priority) * 2 + (p.isPrefix ? 0 : 1)
        entry.methods = methods
        entry.parameterCount = UInt8(p.names.count)
        if !p.names.isEmpty {
            if let known = nameRuns[p.names] {
                entry.names = known
            } else {
                entry.names = UInt32(tables.names.count)
                tables.names += p.names.map { strings.add($0) }
                nameRuns[p.names] = entry.names
            }
        }
        patterns.append(
            Pattern(offset: UInt32(pool.count), length: UInt16(p.bytes.count), isPrefix: p.isPrefix, rank: ranks[i], entry: entry))
        pool += p.bytes
    }

    /// The tables of everything that was added.
    mutating func build(_ strings: inout StringPool) -> RoutingTables {
        var roots: [[UInt32]: UInt32] = [:]  // sets of routes that several hosts share are one tree
        var groups = hostGroups
        groups.forEachGroup { routes in
            if let known = roots[routes] { return known }
            let root = tree(of: routes, &strings)
            roots[routes] = root
            return root
        }
        groups.fill(&tables, &strings)
        return tables
    }

    /// One radix tree, its nodes level by level: what a lookup touches first lies together. Returns its root.
    private mutating func tree(of routes: [UInt32], _ strings: inout StringPool) -> UInt32 {
        var sorted: [Pattern] = []
        for r in routes { sorted += patterns[runs[Int(r)]] }
        sort(&sorted)
        let root = UInt32(tables.nodes.count)
        tables.nodes.append(RouteNode())
        tables.firstBytes.append(0)
        // Nodes whose children are still to be made: index, its patterns, how many of their bytes lie behind it.
        var queue: [(node: Int, run: Range<Int>, depth: Int)] = [(Int(root), sorted.indices, 0)]
        var head = 0
        while head < queue.count {
            let (node, run, depth) = queue[head]
            head += 1
            let rest = terminate(node, sorted, run, depth)
            branch(node, sorted, rest, depth, &queue, &strings)
        }
        for i in stride(from: tables.nodes.count - 1, to: Int(root), by: -1) {
            let parent = Int(tables.nodes[i].parent)
            tables.nodes[parent].maxKey = max(tables.nodes[parent].maxKey, tables.nodes[i].maxKey)
        }
        return root
    }

    /// Patterns in tree order; those that are alike in the order in which they win.
    private func sort(_ patterns: inout [Pattern]) {
        pool.withUnsafeBufferPointer { bytes in
            patterns.sort { a, b in
                let x = UnsafeBufferPointer(rebasing: bytes[Int(a.offset)..<Int(a.offset) + Int(a.length)])
                let y = UnsafeBufferPointer(rebasing: bytes[Int(b.offset)..<Int(b.offset) + Int(b.length)])
                var i = 0
                let shorter = min(x.count, y.count)
                while i < shorter {
                    if x[i] != y[i] { return x[i] < y[i] }
                    i &+= 1
                }
                if x.count != y.count { return x.count < y.count }
                if a.isPrefix != b.isPrefix { return !a.isPrefix }
                return a.entry.key != b.entry.key ? a.entry.key > b.entry.key : a.rank < b.rank
            }
        }
    }

    /// Writes the lists of the patterns that end at `node`; returns the others.
    private mutating func terminate(_ node: Int, _ sorted: [Pattern], _ run: Range<Int>, _ depth: Int) -> Range<Int> {
        var i = run.lowerBound
        for prefix in [false, true] {
            let first = tables.entries.count
            while i < run.upperBound, Int(sorted[i].length) == depth, sorted[i].isPrefix == prefix {
                let entry = sorted[i].entry
                i += 1
                if tables.entries.count > first, tables.entries[tables.entries.count - 1].route == entry.route { continue }  // said twice
                tables.entries.append(entry)
            }
            if tables.entries.count == first { continue }
            tables.entries[tables.entries.count - 1].last = 1
            tables.nodes[node].maxKey = max(tables.nodes[node].maxKey, tables.entries[first].key)
            if prefix { tables.nodes[node].prefix = UInt32(first) } else { tables.nodes[node].exact = UInt32(first) }
        }
        return i..<run.upperBound
    }

    /// Makes the children of `node`, one for each next byte, and queues them.
    private mutating func branch(
        _ node: Int, _ sorted: [Pattern], _ run: Range<Int>, _ depth: Int, _ queue: inout [(node: Int, run: Range<Int>, depth: Int)],
        _ strings: inout StringPool
    ) {
        if run.isEmpty { return }
        tables.nodes[node].firstChild = UInt32(tables.nodes.count)
        let braces = tables.nodes[node].depth
        var literals: UInt16 = 0
        var i = run.lowerBound
        while i < run.upperBound {
            let byte = pool[Int(sorted[i].offset) + depth]
            var end = i + 1
            while end < run.upperBound, pool[Int(sorted[end].offset) + depth] == byte { end += 1 }
            var child = RouteNode()
            child.parent = UInt32(node)
            var next = depth + 1
            if byte == PathPattern.brace {
                child.shape = 0x8000 | UInt16(braces + 1) << 9
                tables.nodes[node].shape |= 0x4000
            } else {
                literals += 1
                child.shape = UInt16(braces) << 9
                next = commonLength(sorted[i], sorted[end - 1], from: next)
                setLabel(&child, pool[Int(sorted[i].offset) + depth + 1..<Int(sorted[i].offset) + next], &strings)
            }
            queue.append((tables.nodes.count, i..<end, next))
            tables.nodes.append(child)
            tables.firstBytes.append(byte)
            i = end
        }
        tables.nodes[node].shape |= literals
    }

    /// Up to where the first and the last of a sorted run agree, and so all between, without crossing a `{}`.
    private func commonLength(_ a: Pattern, _ b: Pattern, from start: Int) -> Int {
        var n = start
        let limit = Int(min(a.length, b.length))
        while n < limit {
            let byte = pool[Int(a.offset) + n]
            if byte != pool[Int(b.offset) + n] || byte == PathPattern.brace { break }
            n += 1
        }
        return n
    }

    private func setLabel(_ node: inout RouteNode, _ bytes: ArraySlice<UInt8>, _ strings: inout StringPool) {
        node.labelLength = UInt16(bytes.count)
        if bytes.count <= RouteNode.inlineLabelMax {
            for (i, byte) in bytes.enumerated() { node.label |= UInt64(byte) << UInt64(8 * i) }
        } else {
            node.label = UInt64(strings.add(String(decoding: bytes, as: UTF8.self)).offset)
        }
    }
}
