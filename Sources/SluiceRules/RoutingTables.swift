// The routing structures of an image on their last step: trees get their places one behind the other, hosts a table of slots. What is in a
// tree is made in `PathTree.swift`.
import SluiceBytes
import SluiceModel

struct RoutingTables {
    var hostHeader = HostTableHeader()
    var slots: [HostSlot] = [HostSlot()]
    var regexTables: [RegexTable] = []
    var regexEntries: [RegexEntry] = []
    fileprivate(set) var nodeCount = 0
    fileprivate(set) var entryCount = 0
    fileprivate var trees: [PathTree] = []
    /// First node, first entry and table of expressions (counted from 1; 0 = none) of each tree.
    fileprivate var places: [(node: UInt32, entry: UInt32, table: UInt64)] = []

    fileprivate mutating func add(_ tree: PathTree) {
        var table: UInt64 = 0
        if !tree.regexes.isEmpty {
            regexTables.append(RegexTable(first: UInt32(regexEntries.count), count: UInt32(tree.regexes.count)))
            table = UInt64(regexTables.count)
            let byNumber = tree.regexes.indices.sorted { (tree.regexes[$0].number, $0) < (tree.regexes[$1].number, $1) }
            for (i, regex) in tree.regexes.enumerated() {
                regexEntries.append(RegexEntry(entry: regex.entry, regex: regex.number, byNumber: UInt32(byNumber[i])))
            }
        }
        places.append((UInt32(nodeCount), UInt32(entryCount), table))
        trees.append(tree)
        nodeCount += tree.nodes.count
        entryCount += tree.entries.count
    }

    func writeNodes(_ out: inout ImageWriter, _ range: ImageRange) {
        out.clear(to: Int(range.offset))
        for (tree, place) in zip(trees, places) {
            let first = out.append(tree.nodes, as: RouteNode.self)
            for i in 0..<tree.nodes.count {
                let node = first + i
                if node.pointee.childCount > 0 { node.pointee.firstChild &+= place.node }
                if node.pointee.parent != .max { node.pointee.parent &+= place.node }
                if node.pointee.exact != .max { node.pointee.exact &+= place.entry }
                if node.pointee.prefix != .max { node.pointee.prefix &+= place.entry }
            }
            first.pointee.label = place.table
            first.pointee.maxKey = tree.maxKey
        }
        for tree in trees { out.append(tree.firstBytes) }
    }

    func writeEntries(_ out: inout ImageWriter, _ range: ImageRange) {
        out.clear(to: Int(range.offset))
        for tree in trees { out.append(tree.entries) }
    }
}

extension ImageWriter {
    /// Appends and returns where the first record is, to be changed in place.
    mutating func append<T>(_ records: [T], as type: T.Type) -> UnsafeMutablePointer<T> {
        let first = next.assumingMemoryBound(to: T.self)
        append(records)
        return first
    }
}

extension RegexTable {
    init(first: UInt32, count: UInt32) {
        self.init()
        (self.first, self.count) = (first, count)
    }
}

extension RegexEntry {
    init(entry: RouteEntry, regex: UInt32, byNumber: UInt32) {
        self.init()
        (self.entry, self.regex, self.byNumber) = (entry, regex, byNumber)
    }
}

extension ImageCompiler {
    mutating func routingTables() -> RoutingTables {
        let made = strings.bytes.withUnsafeBufferPointer { groups.makeTrees(strings: $0.baseAddress! - StringPool.base) }
        var tables = RoutingTables()
        for tree in made.trees { tables.add(tree) }
        let hosts = groups.groups.indices.filter { groups.groups[$0].host != nil && made.ofGroup[$0] >= 0 }
        if let any = groups.groups.indices.first(where: { groups.groups[$0].host == nil && made.ofGroup[$0] >= 0 }) {
            tables.hostHeader.anyRoot = tables.places[made.ofGroup[any]].node
            tables.hostHeader.anyMaxKey = made.trees[made.ofGroup[any]].maxKey
        }
        var size = 1
        while size < 2 * hosts.count { size *= 2 }
        tables.slots = Array(repeating: HostSlot(), count: size)
        for i in hosts {
            let group = groups.groups[i]
            guard let host = group.host else { continue }
            var slot = HostSlot()
            slot.hash = group.hash
            slot.text = group.text
            slot.root = tables.places[made.ofGroup[i]].node
            slot.maxKey = made.trees[made.ofGroup[i]].maxKey
            slot.kind = host.isWildcard ? HostSlot.wildcard : HostSlot.exact
            if host.isWildcard { tables.hostHeader.wildcardLabels |= 1 << UInt32(host.labels) }
            var at = Int(truncatingIfNeeded: slot.hash) & (size - 1)
            while tables.slots[at].kind != HostSlot.empty { at = (at + 1) & (size - 1) }
            tables.slots[at] = slot
        }
        return tables
    }
}
