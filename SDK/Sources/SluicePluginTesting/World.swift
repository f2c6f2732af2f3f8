// What one fake plugin has under way: jobs, timers, descriptors, tokens, its virtual clock. `step` runs what is next; when nothing is, the
// clock jumps to the next deadline. The tables that fill it are in `FakeHost+Loop.swift`.
import CSluiceABI
import Glibc
import SluicePlugin

final class World: @unchecked Sendable {  // only inside `FakeHost.enter`, but for `foreign`, which has a lock of its own
    static let none = World()

    struct Timer {
        let id: UInt64
        var dueMs: UInt64
        let everyMs: UInt64
        let run: (Int32) -> Void
    }
    struct Watch {
        let id: UInt64
        let descriptor: Int32, events: Int16
        let dueMs: UInt64?
        let run: (Int32) -> Void
    }
    struct Token {
        let exchange: FakeExchange
        let dueMs: UInt64
        let then: sluice_continuation?
        let data: UnsafeMutableRawPointer?
        /// What resume said before the hook was parked.
        var early: Int32?
        var isParked = false
    }
    struct Metric {
        let key: String, name: String, kind: UInt32
        var value = 0.0
    }

    var log: [LogLine] = []
    var httpService: ((HTTPRequest) -> HTTPResponse?)?
    var clusters: Set<String> = []
    var metrics: [Metric] = []
    private(set) var nowMs: UInt64 = 1_000_000

    var jobs: [() -> Void] = []
    var timers: [Timer] = []
    var watches: [Watch] = []
    var tokens: [UInt64: Token] = [:]
    var waiting: [FakeExchange] = []
    private var ready: [(token: UInt64, status: Int32)] = []

    private static let ids = Counter()
    static func nextID() -> UInt64 { ids.next() }
    private final class Counter: @unchecked Sendable {
        private var value: UInt64 = 0
        func next() -> UInt64 {
            value += 1
            return value
        }
    }

    var underWay: Int { jobs.count + timers.count + watches.count + tokens.count + waiting.count + ready.count }

    // MARK: tokens

    func didPark(_ id: UInt64) {
        tokens[id]?.isParked = true
        if let status = tokens[id]?.early { end(id, status) }
    }
    func resume(_ id: UInt64, _ status: Int32) -> Int32 {
        guard let token = tokens[id], token.early == nil, !ready.contains(where: { $0.token == id }) else { return Int32(SLUICE_GONE) }
        if token.isParked { ready.append((id, status)) } else { tokens[id]?.early = status }
        return Int32(SLUICE_OK)
    }
    /// Goes on with the hook of a token, now.
    func end(_ id: UInt64, _ status: Int32) {
        ready.removeAll { $0.token == id }
        guard let token = tokens.removeValue(forKey: id) else { return }
        token.exchange.inside {
            guard let then = token.then else { return status }
            return then(token.data, UnsafeMutableRawPointer(token.exchange.handle), status)
        }
    }

    // MARK: running

    /// Runs one thing that is due; else lets the clock jump to the next one. False: nothing is under way that would ever end.
    func step() -> Bool { runDue() || pollWatches(20) || jump() || FakeHost.shared.awaitForeign() }

    /// Moves the clock and runs everything that is due until then.
    func advance(_ ms: UInt64) {
        let end = nowMs + ms
        var left = 100_000  // a test that never comes to rest ends here
        while left > 0 {
            left -= 1
            if runDue() || pollWatches(0) { continue }
            guard let next = nextDueMs, next <= end else { break }
            nowMs = max(nowMs, next)
        }
        nowMs = end
    }

    private func runDue() -> Bool {
        FakeHost.shared.takeForeign()
        if !jobs.isEmpty {
            jobs.removeFirst()()
            return true
        }
        if let next = ready.first {
            end(next.token, next.status)
            return true
        }
        if !waiting.isEmpty {
            let exchange = waiting.removeFirst()
            exchange.bodyIsSlow = false  // it has arrived
            exchange.content.unsent = 0  // the client took it
            exchange.call()
            return true
        }
        if let i = timers.indices.filter({ timers[$0].dueMs <= nowMs }).min(by: { timers[$0].dueMs < timers[$1].dueMs }) {
            let timer = timers[i]
            if timer.everyMs > 0 { timers[i].dueMs += timer.everyMs } else { timers.remove(at: i) }
            timer.run(Int32(SLUICE_OK))
            return true
        }
        if let i = watches.firstIndex(where: { $0.dueMs.map { $0 <= nowMs } ?? false }), !pollWatches(0) {
            watches.remove(at: i).run(Int32(SLUICE_ETIMEDOUT))
            return true
        }
        if let late = tokens.first(where: { $0.value.isParked && $0.value.dueMs <= nowMs }) {
            end(late.key, Int32(SLUICE_ETIMEDOUT))
            return true
        }
        return false
    }

    private var nextDueMs: UInt64? {
        (timers.map(\.dueMs) + watches.compactMap(\.dueMs) + tokens.values.filter(\.isParked).map(\.dueMs)).min()
    }
    private func jump() -> Bool {
        guard let next = nextDueMs else { return false }
        nowMs = max(nowMs, next)
        return true
    }

    /// Looks at the real descriptors for `ms` of real time.
    private func pollWatches(_ ms: Int32) -> Bool {
        if watches.isEmpty { return false }
        var fds = watches.map { pollfd(fd: $0.descriptor, events: $0.events, revents: 0) }
        guard poll(&fds, UInt(fds.count), ms) > 0, let i = fds.firstIndex(where: { $0.revents != 0 }) else { return false }
        let watch = watches.remove(at: i)
        let isBroken = fds[i].revents & Int16(POLLERR | POLLHUP | POLLNVAL) != 0
        watch.run(Int32(isBroken ? watch.events : fds[i].revents & watch.events))
        return true
    }

    /// sluice_loop_v1.cancel
    func cancel(_ id: UInt64) -> Int32 {
        let before = timers.count + watches.count
        timers.removeAll { $0.id == id }
        watches.removeAll { $0.id == id }
        return timers.count + watches.count < before ? Int32(SLUICE_OK) : Int32(SLUICE_GONE)
    }
}
