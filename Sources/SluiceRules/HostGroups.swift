// Which patterns each host has, kept sorted over changes of single routes, and one tree for each set of routes: hosts that have the same
// routes share theirs. The host table that is written from it is made in `Assembly.swift`.
import SluiceBytes
import SluiceModel

/// What tells two sets of routes apart: the sum of numbers that each route gets anew whenever it changes.
struct GroupKey: Hashable {
    var low: UInt64 = 0
    var high: UInt64 = 0
    static func += (a: inout GroupKey, b: GroupKey) { (a.low, a.high) = (a.low &+ b.low, a.high &+ b.high) }
    static func -= (a: inout GroupKey, b: GroupKey) { (a.low, a.high) = (a.low &- b.low, a.high &- b.high) }
}

struct HostGroup {
    /// nil: any host.
    var host: HostPattern?
    var text = ImageText()
    var hash: UInt64 = 0
    var key = GroupKey()
    var routeCount = 0
    var patterns: [TreePattern] = []
    var regexes: [RegexPattern] = []
    /// Come with this change, in no order.
    var newPatterns: [TreePattern] = []
    var newRegexes: [RegexPattern] = []
    /// A route of it goes or changes with this change.
    var isTouched = false
}

struct HostGroups {
    private var index: [String: Int] = [:]
    private(set) var groups: [HostGroup] = []
    /// Trees of the image before by the set of their routes.
    private var trees: [GroupKey: PathTree] = [:]
    private var touched: [Int] = []

    /// The group of a host, made when it is first named.
    mutating func group(_ host: HostPattern?, _ strings: inout StringPool) -> Int {
        let name = host?.key ?? ""
        if let known = index[name] { return known }
        var group = HostGroup()
        group.host = host
        if let host {
            group.text = strings.add(host.key)
            group.hash = HostHash.hash(host.key)
        }
        index[name] = groups.count
        groups.append(group)
        return groups.count - 1
    }

    mutating func add(_ key: GroupKey, _ patterns: [TreePattern], _ regexes: [RegexPattern], to i: Int) {
        touch(i)
        groups[i].key += key
        groups[i].routeCount += 1
        groups[i].newPatterns += patterns
        groups[i].newRegexes += regexes
    }

    /// The route's patterns go when the change is settled.
    mutating func remove(_ key: GroupKey, from i: Int) {
        touch(i)
        groups[i].key -= key
        groups[i].routeCount -= 1
    }

    private mutating func touch(_ i: Int) {
        if groups[i].isTouched { return }
        groups[i].isTouched = true
        touched.append(i)
    }

    /// Brings the sorted patterns of all groups that the change touched up to date.
    ///
    /// - Parameter isOld: by index of the route: its patterns from before go.
    mutating func settle(_ order: PatternOrder, isOld: (UInt32) -> Bool) {
        for i in touched {
            var (patterns, regexes) = (groups[i].newPatterns, groups[i].newRegexes)
            (groups[i].newPatterns, groups[i].newRegexes, groups[i].isTouched) = ([], [], false)
            groups[i].patterns.merge(&patterns, without: { isOld($0.entry.route) }, by: order.precedes)
            groups[i].regexes.merge(&regexes, without: { isOld($0.entry.route) }, by: order.precedes)
        }
        touched = []
    }

    /// Makes the trees that are new. Returns those of all groups that have routes: for each group its tree's place, and the trees.
    mutating func makeTrees(strings: UnsafePointer<UInt8>) -> (trees: [PathTree], ofGroup: [Int]) {
        var kept: [GroupKey: PathTree] = [:]
        var place: [GroupKey: Int] = [:]
        var out: [PathTree] = []
        var ofGroup = [Int](repeating: -1, count: groups.count)
        for (i, group) in groups.enumerated() where group.routeCount > 0 {
            if let known = place[group.key] {
                ofGroup[i] = known
                continue
            }
            var tree: PathTree
            if let old = trees[group.key] {
                tree = old
            } else {
                tree = group.patterns.withUnsafeBufferPointer { PathTreeBuilder($0, strings: strings).build() }
                tree.regexes = group.regexes
            }
            ofGroup[i] = out.count
            place[group.key] = out.count
            kept[group.key] = tree
            out.append(tree)
        }
        trees = kept
        return (out, ofGroup)
    }
}

extension Array {
    /// Takes the elements of `new` in, which it sorts and empties, into this sorted array, and drops old ones.
    mutating func merge(_ new: inout [Element], without isOld: (Element) -> Bool, by precedes: (Element, Element) -> Bool) {
        new.sort(by: precedes)
        var out: [Element] = []
        out.reserveCapacity(count + new.count)
        var next = 0
        for element in self where !isOld(element) {
            while next < new.count, precedes(new[next], element) {
                out.append(new[next])
                next += 1
            }
            out.append(element)
        }
        out.append(contentsOf: new[next...])
        self = out
        new = []
    }
}

extension HostHash {
    static func hash(_ text: String) -> UInt64 {
        var text = text
        return text.withUTF8 { b in b.baseAddress.map { hash(ByteView($0, b.count)) } ?? finish(start) }
    }
}
