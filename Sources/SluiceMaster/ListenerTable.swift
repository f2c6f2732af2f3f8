// The listening sockets of the house: opened here, kept open here so that a crash loses no queued connection, handed to
// workers by number. One SO_REUSEPORT socket per worker spreads connections evenly; a Unix socket is shared by all.
import SluiceSystem

struct OpenListener {
    let spec: ListenerSpec
    /// One per worker, or a single one for all.
    let sockets: [Int32]
    func socket(worker: Int) -> Int32 { sockets.count == 1 ? sockets[0] : sockets[worker] }
}

struct ListenerTable {
    private(set) var open: [OpenListener] = []
    /// What was closed lately: workers let go of their copies a moment later, and until then the address looks taken.
    private var lately: [(spec: ListenerSpec, at: UInt64)] = []
    let workers: Int
    /// Whose the files of Unix sockets are; nil = ours.
    private let owner: Identity?
    init(workers: Int, owner: Identity? = nil) { (self.workers, self.owner) = (workers, owner) }

    /// Which of `wanted` are not open yet.
    static func missing(_ open: [ListenerSpec], _ wanted: [ListenerSpec]) -> [ListenerSpec] {
        var result: [ListenerSpec] = []
        for w in wanted where !open.contains(where: w.isSame(as:)) && !result.contains(where: w.isSame(as:)) { result.append(w) }
        return result
    }
    /// Which of `open` are not wanted any more.
    static func surplus(_ open: [ListenerSpec], _ wanted: [ListenerSpec]) -> [ListenerSpec] {
        open.filter { o in !wanted.contains(where: o.isSame(as:)) }
    }

    /// Opens what of `wanted` is missing: all or nothing. Returns what is new.
    @discardableResult
    mutating func openMissing(_ wanted: [ListenerSpec]) throws -> [ListenerSpec] {
        let new = ListenerTable.missing(open.map(\.spec), wanted)
        var opened: [OpenListener] = []
        do {
            for spec in new { opened.append(try openOne(spec, besides: opened.map(\.spec))) }
        } catch {
            for o in opened { ListenerTable.close(o) }
            throw error
        }
        open += opened
        return new
    }

    private func openOne(_ spec: ListenerSpec, besides new: [ListenerSpec]) throws -> OpenListener {
        try spec.address.withUnsafeBytes { address in
            // SO_REUSEPORT alone would let a second master of the same user share our address unnoticed.
            if !spec.isUnix && !isOurs(spec.port, new) { try ListeningSocket.probe(address, label: spec.label) }
            var sockets: [Int32] = []
            do {
                for _ in 0..<(spec.isUnix ? 1 : workers) {
                    sockets.append(try ListeningSocket.open(address, label: spec.label, backlog: spec.backlog, reusePort: !spec.isUnix))
                }
                if let owner, Privileges.isRoot, let path = ListeningSocket.path(address) { try Files.give(path, to: owner) }
            } catch {
                for s in sockets { Descriptor.close(s) }
                throw error
            }
            return OpenListener(spec: spec, sockets: sockets)
        }
    }

    /// Whether sockets of this house hold the port, so that a probe would only find ourselves.
    private func isOurs(_ port: UInt16, _ new: [ListenerSpec]) -> Bool {
        let now = SystemClock.monotonicMs()
        return new.contains { $0.port == port } || open.contains { $0.spec.port == port }
            || lately.contains { $0.spec.port == port && now - $0.at < ListenerTable.latelyMs }
    }
    static let latelyMs: UInt64 = 2_000

    func find(_ spec: ListenerSpec) -> OpenListener? { open.first { $0.spec.isSame(as: spec) } }

    /// Closes everything that `wanted` does not name; returns what was closed.
    @discardableResult
    mutating func closeSurplus(_ wanted: [ListenerSpec]) -> [ListenerSpec] {
        let old = ListenerTable.surplus(open.map(\.spec), wanted)
        let now = SystemClock.monotonicMs()
        lately.removeAll { now - $0.at >= ListenerTable.latelyMs }
        for spec in old {
            lately.append((spec, now))
            if let o = find(spec) { ListenerTable.close(o) }
            open.removeAll { $0.spec.isSame(as: spec) }
        }
        return old
    }

    private static func close(_ listener: OpenListener) {
        for s in listener.sockets { Descriptor.close(s) }
        let path = listener.spec.address.withUnsafeBytes { ListeningSocket.path($0) }
        if let path { try? Files.remove(path) }  // a file that stays is stale and goes at the next start
    }
}
