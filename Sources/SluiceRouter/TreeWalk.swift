// The walk over one path tree. It goes down as far as the path leads, literal children before `{}`, and then back up by the
// parent links, looking at the prefixes it passes and at the `{}` branches it left out: no stack, no recursion, and each
// node is seen at most once. Ready-made order: the first route seen of a given key is the best of that key. Regular expressions come after
// the tree, in `TreeWalk+Regex.swift`; a walk that takes no route but records them all is how `RouteTrace` sees what workers see.
import SluiceBytes
import SluiceRules

/// What a walk does with the routes it comes to. Known when it is compiled, so that finding pays nothing for tracing.
protocol WalkMode {
    /// Records every route of host and path, through the context of the conditions, and takes none.
    static var records: Bool { get }
}
enum Finding: WalkMode { static var records: Bool { false } }
enum Tracing: WalkMode { static var records: Bool { true } }

struct TreeWalk<Mode: WalkMode> {
    private let nodes: UnsafePointer<RouteNode>
    private let firstBytes: UnsafePointer<UInt8>
    let image: ImageView
    let path: ByteView
    let methodBit: UInt16
    let result: UnsafeMutablePointer<MatchResult>
    let conditions: UnsafePointer<Conditions>
    /// A route must have a larger key to replace the one found so far.
    var best: Int32 = .min
    /// Its index, or -1.
    var route: Int32 = -1
    /// Expressions that match the path, once they have been searched for.
    var matches: UnsafeBufferPointer<UInt32>?
    /// Segments captured on the way to the current node: where each begins and ends in the path.
    private var captured = 0
    private var captures = InlineArray<8, (from: UInt32, to: UInt32)>(repeating: (0, 0))

    @inline(__always) init(
        _ image: ImageView, _ path: ByteView, methodBit: UInt16, _ result: UnsafeMutablePointer<MatchResult>,
        _ conditions: UnsafePointer<Conditions>
    ) {
        self.conditions = conditions
        nodes = image.nodes.baseAddress.unsafelyUnwrapped
        firstBytes = image.firstBytes
        self.image = image
        self.path = path
        self.methodBit = methodBit
        self.result = result
    }

    /// Looks for a better route in the tree below `root`.
    mutating func run(_ root: UInt32) {
        if root == .max || nodes[Int(root)].maxKey <= best { return }
        if Mode.records { record(root: root) }
        captured = 0
        var position = 0
        var node = descend(from: nodes + Int(root), &position)
        while true {
            // Everything literal below `node` is done.
            if node.pointee.hasBrace, let child = capture(node, &position) {
                node = descend(from: child, &position)
                continue
            }
            if node.pointee.prefix != .max { look(node.pointee.prefix) }
            // Up, past the nodes whose `{}` child has been tried.
            while node.pointee.isBrace {
                captured &-= 1
                position = Int(captures[captured].from)
                node = nodes + Int(node.pointee.parent)
                if node.pointee.prefix != .max { look(node.pointee.prefix) }
            }
            if node.pointee.parent == .max { break }
            position &-= Int(node.pointee.labelLength) &+ 1
            node = nodes + Int(node.pointee.parent)
        }
        if nodes[Int(root)].label != 0 { lookAtRegexes(Int(nodes[Int(root)].label) &- 1) }
        // Routes of the hosts that follow must be better by priority, not only by their paths.
        best |= 3
    }

    /// Follows literal children; looks at the exact routes where the path ends.
    @inline(__always) private mutating func descend(from start: UnsafePointer<RouteNode>, _ position: inout Int) -> UnsafePointer<RouteNode>
    {
        var node = start
        while position < path.count {
            let count = node.pointee.literalCount
            if count == 0 { return node }
            let first = Int(node.pointee.firstChild)
            let index = TreeWalk.find(path.start[position], firstBytes + first, count)
            if index < 0 { return node }
            let child = nodes + (first &+ index)
            if child.pointee.maxKey <= best { return node }
            if !hasLabel(child, at: position &+ 1) { return node }
            position &+= Int(child.pointee.labelLength) &+ 1
            node = child
        }
        if node.pointee.exact != .max { look(node.pointee.exact) }
        return node
    }

    /// Takes the segment at `position` into the `{}` child, unless it is empty or nothing below can win.
    @inline(__always) private mutating func capture(_ node: UnsafePointer<RouteNode>, _ position: inout Int) -> UnsafePointer<RouteNode>? {
        let child = nodes + (Int(node.pointee.firstChild) &+ node.pointee.literalCount)
        if child.pointee.maxKey <= best { return nil }
        let rest = path.dropFirst(position)
        let slash = rest.firstIndex(of: 0x2f)
        let length = slash < 0 ? rest.count : slash
        if length == 0 { return nil }
        captures[captured] = (UInt32(truncatingIfNeeded: position), UInt32(truncatingIfNeeded: position &+ length))
        captured &+= 1
        position &+= length
        return child
    }

    /// Index of `byte` among `count` sorted bytes, or -1. Reads up to 7 bytes past them, which an image always has.
    @inline(__always) private static func find(_ byte: UInt8, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int {
        let wanted = UInt64(byte) &* 0x0101_0101_0101_0101
        var i = 0
        repeat {
            // The lowest zero byte of the difference is the first equal byte; a borrow can only spoil the bits above it.
            let difference = UnsafeRawPointer(bytes + i).loadUnaligned(as: UInt64.self) ^ wanted
            let zeros = (difference &- 0x0101_0101_0101_0101) & ~difference & 0x8080_8080_8080_8080
            if zeros != 0 {
                let index = i &+ zeros.trailingZeroBitCount >> 3
                return index < count ? index : -1
            }
            i &+= 8
        } while i < count
        return -1
    }

    /// Whether the path goes on with the node's label.
    @inline(__always) private func hasLabel(_ node: UnsafePointer<RouteNode>, at position: Int) -> Bool {
        let length = Int(node.pointee.labelLength)
        if length == 0 { return true }
        let left = path.count &- position
        if left < length { return false }
        let bytes = path.start + position
        if length > RouteNode.inlineLabelMax {
            let label = UnsafeRawPointer(image.base + Int(node.pointee.label)).assumingMemoryBound(to: UInt8.self)
            return ByteView(label, length).equals(ByteView(bytes, length))
        }
        if left >= 8 {
            let word = UInt64(littleEndian: UnsafeRawPointer(bytes).loadUnaligned(as: UInt64.self))
            return (word ^ node.pointee.label) &<< UInt64(64 &- 8 &* length) == 0
        }
        var label = node.pointee.label
        for i in 0..<length {
            if bytes[i] != UInt8(truncatingIfNeeded: label) { return false }
            label >>= 8
        }
        return true
    }

    /// Takes the first route of a list that is better than the best and has the method.
    private mutating func look(_ first: UInt32) {
        var entry = image.entries.baseAddress.unsafelyUnwrapped + Int(first)
        while entry.pointee.key > best {
            if takes(entry) || entry.pointee.isLast { return }
            entry += 1
        }
    }

    /// Whether this route, whose path and host fit, is the one; if only its method does not fit, the method is noted.
    @inline(__always) mutating func takes(_ entry: UnsafePointer<RouteEntry>) -> Bool {
        if Mode.records {
            record(entry)
        } else if entry.pointee.flags & RouteEntry.conditional != 0 && !holds(entry) {
            // as if it were not there
        } else if entry.pointee.methods == 0 || entry.pointee.methods & methodBit != 0 {
            best = entry.pointee.key
            route = Int32(truncatingIfNeeded: entry.pointee.route)
            keepParameters(entry)
            return true
        } else {
            result.pointee.allowedMethods |= entry.pointee.methods
        }
        return false
    }

    /// Asks for the condition of an entry's route.
    @inline(never) func holds(_ entry: UnsafePointer<RouteEntry>) -> Bool {
        conditions.pointee.holds(conditions.pointee.context, image.routes[Int(entry.pointee.route)].condition)
    }

    @inline(never) func record(_ entry: UnsafePointer<RouteEntry>) {
        keepParameters(entry)
        trace.pointee.add(entry.pointee, result.pointee)
    }

    private func record(root: UInt32) { trace.pointee.roots.append(root) }
    private var trace: UnsafeMutablePointer<TraceRecord> {
        conditions.pointee.context.unsafelyUnwrapped.assumingMemoryBound(to: TraceRecord.self)
    }

    @inline(__always) func keepParameters(_ entry: UnsafePointer<RouteEntry>) {
        let count = Int(entry.pointee.parameterCount)
        result.pointee.parameterCount = UInt8(count)
        for i in 0..<count {
            result.pointee.parameters[i].name = image.parameterNames[Int(entry.pointee.names) &+ i]
            result.pointee.parameters[i].offset = captures[i].from
            result.pointee.parameters[i].count = captures[i].to &- captures[i].from
        }
    }
}
