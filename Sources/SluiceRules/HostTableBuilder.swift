// Gathers which routes each host has and writes the image's host table.
import SluiceBytes

struct HostGroups {
    private var index: [String: Int] = [:]
    private var hosts: [HostPattern] = []
    private var routes: [[UInt32]] = []
    private var roots: [UInt32] = []
    private var any: [UInt32] = []
    private var anyRoot: UInt32 = .max

    mutating func addAny(route: UInt32) { any.append(route) }

    mutating func add(_ host: HostPattern, route: UInt32) {
        if let known = index[host.key] {
            if routes[known].last != route { routes[known].append(route) }
            return
        }
        index[host.key] = hosts.count
        hosts.append(host)
        routes.append([route])
    }

    /// Asks `root` for the tree of each host's routes, in the order in which hosts were first named.
    mutating func forEachGroup(_ root: ([UInt32]) -> UInt32) {
        roots = routes.map(root)
        if !any.isEmpty { anyRoot = root(any) }
    }

    func fill(_ tables: inout RoutingTables, _ strings: inout StringPool) {
        if anyRoot != .max {
            tables.hostHeader.anyRoot = anyRoot
            tables.hostHeader.anyMaxKey = tables.nodes[Int(anyRoot)].maxKey
        }
        var size = 1
        while size < 2 * hosts.count { size *= 2 }
        tables.slots = Array(repeating: HostSlot(), count: size)
        for (host, root) in zip(hosts, roots) {
            var slot = HostSlot()
            slot.hash = HostHash.hash(host.key)
            slot.text = strings.add(host.key)
            slot.root = root
            slot.maxKey = tables.nodes[Int(root)].maxKey
            slot.kind = host.isWildcard ? HostSlot.wildcard : HostSlot.exact
            if host.isWildcard { tables.hostHeader.wildcardLabels |= 1 << UInt32(host.labels) }
            var i = Int(truncatingIfNeeded: slot.hash) & (size - 1)
            while tables.slots[i].kind != HostSlot.empty { i = (i + 1) & (size - 1) }
            tables.slots[i] = slot
        }
    }
}

extension HostHash {
    static func hash(_ text: String) -> UInt64 {
        var text = text
        return text.withUTF8 { b in b.baseAddress.map { hash(ByteView($0, b.count)) } ?? finish(start) }
    }
}
