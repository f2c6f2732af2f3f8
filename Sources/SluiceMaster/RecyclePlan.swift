// Replacing every worker by a successor, one after the other, without a request noticing: the successor serves before the old one
// stops accepting, so at any time one worker more than usual runs. A state machine without I/O; `Master+Recycle.swift` carries it out.
//
//   idle ──asked──► due(0) ──► starting(i) ──successor serves──► draining(i) ──old one left──► due(i+1) … ──► idle
//                     ▲            │ it failed, or a change came in between
//                     └── later ───┘ (given up after a few attempts)

struct RecyclePlan {
    enum State: Equatable { case idle, due(Int), starting(Int), draining(Int) }
    private(set) var state = State.idle
    private(set) var attempts = 0
    let workers: Int
    static let attemptsMax = 5

    init(workers: Int) { self.workers = workers }

    /// False: one is under way already.
    mutating func ask() -> Bool {
        guard state == .idle else { return false }
        (state, attempts) = (.due(0), 0)
        return true
    }
    /// The worker to start a successor for now, if it is time and nothing else is under way.
    mutating func next(isQuiet: Bool) -> Int? {
        guard case .due(let i) = state, isQuiet else { return nil }
        state = .starting(i)
        return i
    }
    /// The successor serves: the old one is to be drained.
    mutating func served() {
        if case .starting(let i) = state { (state, attempts) = (.draining(i), 0) }
    }
    /// The successor ended before it served, or has to make way for a change. False: the plan is given up.
    mutating func failed() -> Bool {
        guard case .starting(let i) = state else { return true }
        attempts += 1
        state = attempts < Self.attemptsMax ? .due(i) : .idle
        return state != .idle
    }
    /// The old one is gone. True: that was the last.
    mutating func left() -> Bool {
        guard case .draining(let i) = state else { return false }
        state = i + 1 < workers ? .due(i + 1) : .idle
        return state == .idle
    }
    mutating func stop() { state = .idle }
}
