// How the whole house comes to its end: which signal does what, and until when. A state machine without I/O.
//
//   running ──TERM, QUIT──► draining ──last worker left──► stopping ──everybody left──► over
//      │                        │ deadline + grace, or a second signal ▲        │ grace passed, or another signal
//      └────────INT─────────────┴───────────────────────────────────────┘        ▼
//                                                                             killing
import SluiceModel

struct ShutdownPlan {
    enum Phase: Equatable { case running, draining, stopping, killing }
    enum Step: Equatable {
        case none
        /// Stop accepting; workers finish what is in flight.
        case drain(deadlineMs: UInt64)
        /// Everybody leaves now: workers at once, the control process after closing its store.
        case stop
        /// SIGKILL to whoever is left.
        case kill
    }
    private(set) var phase = Phase.running
    /// When the phase ends by itself; monotonic milliseconds.
    private(set) var deadline: UInt64 = .max

    /// TERM, QUIT or a graceful request; `drainMs` is the configured time.
    mutating func askedToDrain(now: UInt64, drainMs: UInt64) -> Step {
        if phase != .running { return askedToStop(now: now) }
        phase = .draining
        deadline = now + drainMs + UInt64(Limits.stopGraceMs)  // workers cut what is left at drainMs themselves
        return .drain(deadlineMs: drainMs)
    }
    /// INT, or any signal while draining; once more, and nothing is waited for.
    mutating func askedToStop(now: UInt64) -> Step {
        switch phase {
        case .running, .draining: return stop(now, UInt64(Limits.stopGraceMs))
        case .stopping: return kill(now)
        case .killing: return .none
        }
    }
    /// The last worker left.
    mutating func workersLeft(now: UInt64) -> Step { phase == .draining ? stop(now, UInt64(Limits.controlStopTimeoutMs)) : .none }

    mutating func timePassed(now: UInt64) -> Step {
        if now < deadline { return .none }
        switch phase {
        case .running, .killing: return .none
        case .draining: return stop(now, UInt64(Limits.stopGraceMs))
        case .stopping: return kill(now)
        }
    }
    private mutating func stop(_ now: UInt64, _ grace: UInt64) -> Step {
        phase = .stopping
        deadline = now + grace
        return .stop
    }
    private mutating func kill(_ now: UInt64) -> Step {
        phase = .killing
        deadline = .max
        return .kill
    }
}
