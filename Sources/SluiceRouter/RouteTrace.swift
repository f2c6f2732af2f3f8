// Which routes a request could have had, and why each did not win: what `explain` prints. The routes come from the walk that workers run,
// which here takes none and records all; only the verdicts are made beside it. For the control process: it allocates.
import SluiceBytes
import SluiceModel
import SluiceRules

/// Why a route won or did not. In the order of the cases a route that fails several ways is said to fail the first way.
public enum RouteVerdict: String, Sendable {
    /// The route that the request takes.
    case chosen
    /// It matches, but another is better.
    case outranked
    /// Everything matches but its condition is false.
    case condition
    /// Host and path match, the method does not.
    case method
    /// The host matches, none of its paths does.
    case path
    /// A path matches, none of its hosts does.
    case host
}

public struct RouteCandidate: Sendable {
    /// Index in the image's routes.
    public var route: Int32
    public var verdict: RouteVerdict
    /// What of the path is better than a prefix: `.exact`, `.regex` or `.prefix`; nil where the path did not match.
    public var kind: Kind?
    /// Values of named segments: what of the path each took.
    public var parameters: [(name: String, offset: Int, count: Int)] = []
    public enum Kind: String, Sendable { case exact, regex, prefix }
}

public struct RouteTrace: Sendable {
    /// First those of host and path, best first; then those that fail on the path or the host, by id.
    public var candidates: [RouteCandidate] = []
    /// There are more that fail on the path or the host.
    public var isCut = false
    public var chosen: RouteCandidate? { candidates.first { $0.verdict == .chosen } }
}

/// What a walk in the mode `Tracing` fills.
struct TraceRecord {
    typealias Found = (entry: RouteEntry, result: MatchResult, host: Int)
    var entries: [Found] = []
    /// Trees that were walked, that of the best host first.
    var roots: [UInt32] = []
    mutating func add(_ entry: RouteEntry, _ result: MatchResult) { entries.append((entry, result, roots.count)) }
}

extension Router {
    /// Every route that has this host and path, best first, with its verdict; then up to `limit` routes that have only one of the two.
    ///
    /// - Parameter conditions: asked for every route of host and path that has a condition and the method.
    public static func candidates(
        _ image: ImageView, host: ByteView, path: ByteView, method: UInt8, conditions: Conditions, limit: Int = 100
    ) -> RouteTrace {
        var trace = RouteTrace()
        var seen = Set<UInt32>()
        var isChosen = false
        let record = walkRecording(image, path) { walk in walkAll(image, host, &walk) }
        for (entry, result, _) in inOrder(image, record.entries) where seen.insert(entry.route).inserted {
            let route = image.routes[Int(entry.route)]
            var verdict = isChosen ? RouteVerdict.outranked : .chosen
            if entry.methods != 0 && entry.methods & 1 << UInt16(method & 15) == 0 {
                verdict = .method
            } else if route.condition != .max && !conditions.holds(conditions.context, route.condition) {
                verdict = .condition
            }
            if verdict == .chosen { isChosen = true }
            trace.candidates.append(candidate(image, entry, result, verdict))
        }
        addNearMisses(image, path, mine: Set(record.roots), seen, limit, &trace)
        return trace
    }

    /// Entries of host and path in the order in which they win: priority, host, kind of the pattern, then as the walk came to them.
    private static func inOrder(_ image: ImageView, _ entries: [TraceRecord.Found]) -> [TraceRecord.Found] {
        entries.enumerated().sorted { a, b in
            let (x, y) = (a.element, b.element)
            let (p, q) = (image.routes[Int(x.entry.route)].priority, image.routes[Int(y.entry.route)].priority)
            if p != q { return p > q }
            if x.host != y.host { return x.host < y.host }
            if x.entry.key != y.entry.key { return x.entry.key > y.entry.key }
            return a.offset < b.offset
        }.map(\.element)
    }

    private static func walkRecording(_ image: ImageView, _ path: ByteView, _ body: (inout TreeWalk<Tracing>) -> Void) -> TraceRecord {
        var record = TraceRecord()
        var result = MatchResult()
        withUnsafeMutablePointer(to: &record) { record in
            var conditions = Conditions(context: UnsafeMutableRawPointer(record)) { _, _ in false }
            withUnsafePointer(to: &conditions) { conditions in
                var walk = TreeWalk<Tracing>(image, path, methodBit: .max, &result, conditions)
                body(&walk)
            }
        }
        return record
    }

    private static func candidate(_ image: ImageView, _ entry: RouteEntry, _ result: MatchResult, _ verdict: RouteVerdict) -> RouteCandidate
    {
        let bonus = entry.key - RouteEntry.key(priority: image.routes[Int(entry.route)].priority)
        let kind: RouteCandidate.Kind = bonus == RouteEntry.exactBonus ? .exact : bonus == RouteEntry.regexBonus ? .regex : .prefix
        var c = RouteCandidate(route: Int32(entry.route), verdict: verdict, kind: kind)
        for i in 0..<Int(result.parameterCount) {
            let p = result.parameters[i]
            c.parameters.append((image.text(p.name).string, Int(p.offset), Int(p.count)))
        }
        return c
    }

    /// Routes of the host with other paths, and routes of other hosts with the path.
    private static func addNearMisses(
        _ image: ImageView, _ path: ByteView, mine: Set<UInt32>, _ seen: Set<UInt32>, _ limit: Int, _ trace: inout RouteTrace
    ) {
        var verdicts: [UInt32: RouteVerdict] = [:]
        var walked = Set<UInt32>()
        for root in allRoots(image) where walked.insert(root).inserted {
            if mine.contains(root) {
                for route in routes(image, below: root) where !seen.contains(route) { verdicts[route] = .path }
            } else {
                for (entry, _, _) in walkRecording(image, path, { $0.run(root) }).entries where !seen.contains(entry.route) {
                    if verdicts[entry.route] == nil { verdicts[entry.route] = .host }
                }
            }
        }
        let ordered = verdicts.sorted { a, b in
            if a.value != b.value { return a.value == .path }
            return image.text(image.routes[Int(a.key)].id).string < image.text(image.routes[Int(b.key)].id).string
        }
        for (route, verdict) in ordered.prefix(limit) {
            trace.candidates.append(RouteCandidate(route: Int32(route), verdict: verdict, kind: nil))
        }
        trace.isCut = ordered.count > limit
    }

    private static func allRoots(_ image: ImageView) -> [UInt32] {
        let any = image.hostTable.pointee.anyRoot
        return image.hostSlots.filter { $0.kind != HostSlot.empty }.map(\.root) + (any == .max ? [] : [any])
    }

    /// Routes that stand anywhere in a tree.
    private static func routes(_ image: ImageView, below root: UInt32) -> [UInt32] {
        var found: [UInt32] = []
        var open = [root]
        while let i = open.popLast() {
            let node = image.nodes[Int(i)]
            for first in [node.exact, node.prefix] where first != .max {
                var e = Int(first)
                while true {
                    found.append(image.entries[e].route)
                    if image.entries[e].isLast { break }
                    e += 1
                }
            }
            for j in 0..<node.childCount { open.append(node.firstChild + UInt32(j)) }
        }
        let label = image.nodes[Int(root)].label
        if label != 0 {
            let table = image.regexTables[Int(label) - 1]
            for k in 0..<Int(table.count) { found.append(image.regexEntries[Int(table.first) + k].entry.route) }
        }
        return found
    }
}
