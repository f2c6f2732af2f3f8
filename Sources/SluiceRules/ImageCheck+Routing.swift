// Checks the host table and the path trees. The router walks them without looking: every probe must end, every index must
// hold, walking up must undo walking down, and no path may capture more segments than a result has room for.
import SluiceBytes
import SluiceModel

extension ImageCheck {
    func checkHosts() throws(ImageError) {
        let slots = view.hostSlots
        let table = view.hostTable.pointee
        try need(slots.count > 0 && slots.count & (slots.count - 1) == 0, "hosts", "\(slots.count) slots", "a power of two")
        let root = { (r: UInt32, key: Int32) in
            Int(r) < view.nodes.count && view.nodes[Int(r)].parent == .max && view.nodes[Int(r)].maxKey == key
        }
        if table.anyRoot != .max {
            try need(root(table.anyRoot, table.anyMaxKey), "hosts", "root \(table.anyRoot) for any host", "a root node")
        }
        var used = 0
        for i in 0..<slots.count {
            let slot = slots[i]
            if slot.kind == HostSlot.empty { continue }
            used += 1
            try need(slot.kind <= HostSlot.wildcard, "hosts", i, "kind \(slot.kind)", "0...2")
            try text(slot.text, "hosts", i)
            try need(slot.text.count <= Limits.hostBytesMax, "hosts", i, "\(slot.text.count) bytes", "at most \(Limits.hostBytesMax)")
            try need(slot.hash == HostHash.hash(view.text(slot.text)), "hosts", i, "a hash that is not its text's", "HostHash of the text")
            try need(root(slot.root, slot.maxKey), "hosts", i, "root \(slot.root)", "a root node with the same highest key")
        }
        try need(used < slots.count || used == 0 && slots.count == 1, "hosts", "no empty slot", "at least one, where probing ends")
    }

    /// Nodes and lists stand in the order in which the builder made them, so one pass with running numbers tells that every
    /// node but a root is the child of exactly one earlier node, and every entry in exactly one list.
    func checkTrees() throws(ImageError) {
        let nodes = view.nodes
        let names = view.parameterNames
        var nextNode = 0
        var nextEntry = 0
        for i in 0..<nodes.count {
            let node = nodes[i]
            if i == nextNode {
                let isRoot = node.parent == .max && node.shape & 0xbe00 == 0 && node.labelLength == 0
                try need(isRoot && node.label <= view.regexTables.count, "nodes", i, "not a root", "a root")
                nextNode += 1
            } else {
                try need(node.parent != .max, "nodes", i, "a root among children", "a child")  // its parent checked the rest
            }
            if node.childCount > 0 {
                try need(Int(node.firstChild) == nextNode, "nodes", i, "children at \(node.firstChild)", "\(nextNode)")
            }
            nextNode += node.childCount
            try need(
                nextNode <= nodes.count && node.literalCount <= 256, "nodes", i, "\(node.childCount) children", "up to node \(nodes.count)")
            try checkChildren(of: node, i)
            try checkLabel(node, i)
            try checkList(node.exact, node, bonus: RouteEntry.exactBonus, i, &nextEntry)
            try checkList(node.prefix, node, bonus: 0, i, &nextEntry)
        }
        try need(nextEntry == view.entries.count, "lists", "\(view.entries.count) entries", "\(nextEntry), as many as nodes have")
        try checkKeys()
        for i in 0..<names.count { try text(names[i], "parameterNames", i) }
    }

    private func checkChildren(of node: RouteNode, _ i: Int) throws(ImageError) {
        let nodes = view.nodes
        let first = view.firstBytes
        for j in 0..<node.childCount {
            let c = Int(node.firstChild) + j
            let child = nodes[c]
            let isBrace = j == node.literalCount
            let fine =
                child.parent == UInt32(i) && child.isBrace == isBrace && child.depth == node.depth + (isBrace ? 1 : 0)
                && child.shape & 0x2000 == 0
            try need(
                fine && child.depth <= Limits.pathParametersMax, "nodes", c, "shape \(child.shape) under node \(i)", "a child of that node")
            if isBrace { try need(child.labelLength == 0, "nodes", c, "a label on {}", "none") }
            if j > 0 && !isBrace {
                try need(first[c] > first[c - 1], "nodes", c, "byte \(first[c]) behind \(first[c - 1])", "rising first bytes")
            }
        }
    }

    private func checkLabel(_ node: RouteNode, _ i: Int) throws(ImageError) {
        let length = Int(node.labelLength)
        if length <= RouteNode.inlineLabelMax { return }
        let start = Int(header.strings.offset)
        let end = start + Int(header.strings.count)
        let fine = node.label <= UInt64(UInt32.max) && Int(node.label) >= start && Int(node.label) + length <= end
        try need(
            fine && length <= Limits.pathPatternBytesMax, "nodes", i, "a label of \(length) bytes at \(node.label)",
            "a place in the strings")
    }

    private func checkList(_ first: UInt32, _ node: RouteNode, bonus: Int32, _ i: Int, _ nextEntry: inout Int) throws(ImageError) {
        if first == .max { return }
        let entries = view.entries
        try need(Int(first) == nextEntry, "nodes", i, "a list at \(first)", "\(nextEntry)")
        var before = Int32.max
        while true {
            let e = nextEntry
            try need(e < entries.count, "lists", e, "a list without end", "a last entry")
            let entry = entries[e]
            try checkEntry(entry, bonus: bonus, "lists", e)
            try need(entry.key <= before, "lists", e, "key \(entry.key) behind \(before)", "falling keys")
            let names = Int(entry.names) + Int(entry.parameterCount)
            try need(
                Int(entry.parameterCount) == node.depth && (entry.parameterCount == 0 || names <= view.parameterNames.count), "lists", e,
                "\(entry.parameterCount) names", "\(node.depth)")
            before = entry.key
            nextEntry += 1
            if entry.isLast { return }
        }
    }

    /// What an entry repeats of its route must be so.
    func checkEntry(_ entry: RouteEntry, bonus: Int32, _ section: StaticString, _ e: Int) throws(ImageError) {
        let routes = view.routes
        try need(Int(entry.route) < routes.count, section, e, "route \(entry.route)", "below \(routes.count)")
        let route = routes.baseAddress! + Int(entry.route)
        let flags = route.pointee.condition == .max ? 0 : RouteEntry.conditional
        try need(
            entry.key == RouteEntry.key(priority: route.pointee.priority) + bonus && entry.methods == route.pointee.methods
                && entry.flags & ~RouteEntry.last == flags, section, e, "key \(entry.key), flags \(entry.flags)",
            "its route's priority, methods and condition")
    }

    /// Children come after their parents, so one pass backwards knows each subtree's highest key.
    private func checkKeys() throws(ImageError) {
        let nodes = view.nodes
        let entries = view.entries
        for i in stride(from: nodes.count - 1, through: 0, by: -1) {
            let node = nodes[i]
            var key = Int32.min
            if node.exact != .max { key = max(key, entries[Int(node.exact)].key) }
            if node.prefix != .max { key = max(key, entries[Int(node.prefix)].key) }
            for j in 0..<node.childCount { key = max(key, nodes[Int(node.firstChild) + j].maxKey) }
            if node.parent == .max && node.label != 0 {
                let first = Int(view.regexTables[Int(node.label) - 1].first)  // `checkTrees` saw that it is there
                key = max(key, view.regexEntries[first].entry.key)
            }
            try need(node.maxKey == key, "nodes", i, "highest key \(node.maxKey)", "\(key)")
        }
    }
}
