// One path tree: patterns in the order of their bytes, and the nodes and lists that are read off that order, level by level. A tree keeps
// its sorted patterns, so that a change of a few routes sorts only those; the nodes are made anew. Which host has it is `HostGroups`.
import SluiceModel

/// A pattern of one route: where its bytes are in the strings section, and the entry that will stand at its end.
struct TreePattern {
    var entry: RouteEntry
    var offset: UInt32
    var length: UInt16
    var isPrefix: Bool
}

/// An expression of one route.
struct RegexPattern {
    var entry: RouteEntry
    /// Number of the expression in the image.
    var number: UInt32
    /// `PathPattern.literalLength`.
    var literalLength: UInt16
}

/// Nodes and lists of one tree, counted from its own first: `Assembly` moves them to their places.
struct PathTree {
    var nodes: [RouteNode] = []
    /// First byte of each node, parallel to `nodes`; 0 for roots, 0xff for `{}`.
    var firstBytes: [UInt8] = []
    var entries: [RouteEntry] = []
    /// Best first.
    var regexes: [RegexPattern] = []
    /// Highest key of any route.
    var maxKey: Int32 { max(nodes[0].maxKey, regexes.first?.entry.key ?? .min) }
}

/// What decides between patterns that are alike: the order in which their routes win.
struct PatternOrder {
    /// Bytes of the strings section, and the records of the routes.
    let strings: UnsafePointer<UInt8>
    let routes: UnsafePointer<RouteRecord>

    @inline(__always) private func compare(_ a: ImageText, _ b: ImageText) -> Int {
        let x = UnsafeRawPointer(strings + Int(a.offset))
        let y = UnsafeRawPointer(strings + Int(b.offset))
        let shorter = Int(min(a.count, b.count))
        var i = 0
        while shorter - i >= 8 {
            let v = UInt64(bigEndian: x.loadUnaligned(fromByteOffset: i, as: UInt64.self))
            let w = UInt64(bigEndian: y.loadUnaligned(fromByteOffset: i, as: UInt64.self))
            if v != w { return v < w ? -1 : 1 }
            i &+= 8
        }
        while i < shorter {
            let v = x.load(fromByteOffset: i, as: UInt8.self)
            let w = y.load(fromByteOffset: i, as: UInt8.self)
            if v != w { return v < w ? -1 : 1 }
            i &+= 1
        }
        return Int(a.count) - Int(b.count)
    }

    /// Larger key first, a condition before none, smaller id.
    private func precedes(_ a: RouteEntry, _ b: RouteEntry) -> Bool {
        if a.key != b.key { return a.key > b.key }
        let (x, y) = (a.flags & RouteEntry.conditional, b.flags & RouteEntry.conditional)
        if x != y { return x > y }
        if a.route == b.route { return a.names < b.names }
        return compare(routes[Int(a.route)].id, routes[Int(b.route)].id) < 0
    }

    func precedes(_ a: TreePattern, _ b: TreePattern) -> Bool {
        let order = compare(ImageText(offset: a.offset, count: UInt32(a.length)), ImageText(offset: b.offset, count: UInt32(b.length)))
        if order != 0 { return order < 0 }
        if a.isPrefix != b.isPrefix { return !a.isPrefix }
        return precedes(a.entry, b.entry)
    }

    func precedes(_ a: RegexPattern, _ b: RegexPattern) -> Bool {
        if a.entry.key != b.entry.key { return a.entry.key > b.entry.key }
        if a.literalLength != b.literalLength { return a.literalLength > b.literalLength }
        if a.entry.route == b.entry.route { return a.number < b.number }
        return precedes(a.entry, b.entry)
    }
}

/// Reads a tree off sorted patterns.
struct PathTreeBuilder {
    private let patterns: UnsafeBufferPointer<TreePattern>
    /// The image's bytes as far as they are known: strings at their offsets.
    private let strings: UnsafePointer<UInt8>
    private var tree = PathTree()
    /// Nodes whose children are still to be made, in the order of the nodes: its patterns, how many of their bytes lie behind it.
    private var open: [(first: UInt32, end: UInt32, depth: UInt32)] = []

    init(_ patterns: UnsafeBufferPointer<TreePattern>, strings: UnsafePointer<UInt8>) {
        (self.patterns, self.strings) = (patterns, strings)
    }

    /// Nodes level by level: what a lookup touches first lies together.
    consuming func build() -> PathTree {
        let guess = patterns.count + patterns.count / 4 + 4
        tree.nodes.reserveCapacity(guess)
        tree.firstBytes.reserveCapacity(guess)
        open.reserveCapacity(guess)
        tree.entries.reserveCapacity(patterns.count)
        tree.nodes.append(RouteNode())
        tree.firstBytes.append(0)
        open.append((0, UInt32(patterns.count), 0))
        var node = 0
        while node < open.count {
            let (first, end, depth) = open[node]
            let rest = terminate(node, Int(first), Int(end), Int(depth))
            if rest < Int(end) { branch(node, rest, Int(end), Int(depth)) }
            node += 1
        }
        raiseKeys()
        return tree
    }

    private mutating func raiseKeys() {
        tree.nodes.withUnsafeMutableBufferPointer { nodes in
            for i in stride(from: nodes.count - 1, to: 0, by: -1) {
                let parent = Int(nodes[i].parent)
                nodes[parent].maxKey = max(nodes[parent].maxKey, nodes[i].maxKey)
            }
        }
    }

    /// Writes the lists of the patterns that end at `node`; returns the first of the others.
    @inline(__always) private mutating func terminate(_ node: Int, _ begin: Int, _ end: Int, _ depth: Int) -> Int {
        var i = begin
        while i < end, Int(patterns[i].length) == depth {
            let isPrefix = patterns[i].isPrefix
            let first = tree.entries.count
            while i < end, Int(patterns[i].length) == depth, patterns[i].isPrefix == isPrefix {
                let entry = patterns[i].entry
                i += 1
                if tree.entries.count > first, tree.entries[tree.entries.count - 1].route == entry.route { continue }  // said twice
                tree.entries.append(entry)
            }
            tree.entries[tree.entries.count - 1].flags |= RouteEntry.last
            tree.nodes[node].maxKey = max(tree.nodes[node].maxKey, tree.entries[first].key)
            if isPrefix { tree.nodes[node].prefix = UInt32(first) } else { tree.nodes[node].exact = UInt32(first) }
        }
        return i
    }

    /// Makes the children of `node`, one for each next byte, and queues them.
    @inline(__always) private mutating func branch(_ node: Int, _ begin: Int, _ end: Int, _ depth: Int) {
        tree.nodes[node].firstChild = UInt32(tree.nodes.count)
        let braces = tree.nodes[node].depth
        var literals: UInt16 = 0
        var i = begin
        while i < end {
            let byte = strings[Int(patterns[i].offset) + depth]
            let stop = endOfRun(of: byte, i, end, depth)
            var child = RouteNode()
            child.parent = UInt32(node)
            var next = depth + 1
            if byte == PathPattern.brace {
                child.shape = 0x8000 | UInt16(braces + 1) << 9
                tree.nodes[node].shape |= 0x4000
            } else {
                literals += 1
                child.shape = UInt16(braces) << 9
                next = commonLength(patterns[i], patterns[stop - 1], from: next)
                setLabel(&child, Int(patterns[i].offset) + depth + 1, next - depth - 1)
            }
            open.append((UInt32(i), UInt32(stop), UInt32(next)))
            tree.nodes.append(child)
            tree.firstBytes.append(byte)
            i = stop
        }
        tree.nodes[node].shape |= literals
    }

    /// Where the run of patterns with this next byte ends: steps that double, then a binary search, as most runs are one or very long.
    @inline(__always) private func endOfRun(of byte: UInt8, _ begin: Int, _ end: Int, _ depth: Int) -> Int {
        var low = begin  // has the byte
        var step = 1
        while low + step < end, strings[Int(patterns[low + step].offset) + depth] == byte {
            low += step
            step *= 2
        }
        var high = min(low + step, end)  // has it not, or is the end
        while high - low > 1 {
            let middle = (low + high) / 2
            if strings[Int(patterns[middle].offset) + depth] == byte { low = middle } else { high = middle }
        }
        return high
    }

    /// Up to where the first and the last of a sorted run agree, and so all between, without crossing a `{}`.
    @inline(__always) private func commonLength(_ a: TreePattern, _ b: TreePattern, from start: Int) -> Int {
        var n = start
        let limit = Int(min(a.length, b.length))
        while n < limit {
            let byte = strings[Int(a.offset) + n]
            if byte != strings[Int(b.offset) + n] || byte == PathPattern.brace { break }
            n += 1
        }
        return n
    }

    /// A long label is a piece of a pattern's bytes, where these stand.
    @inline(__always) private func setLabel(_ node: inout RouteNode, _ offset: Int, _ length: Int) {
        node.labelLength = UInt16(length)
        if length > RouteNode.inlineLabelMax {
            node.label = UInt64(offset)
        } else {
            for i in 0..<length { node.label |= UInt64(strings[offset + i]) << UInt64(8 * i) }
        }
    }
}
