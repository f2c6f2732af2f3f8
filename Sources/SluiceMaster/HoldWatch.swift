// How long a plugin may hold one worker: a state machine without I/O, one per process that runs plugins. It sees only what the worker
// writes anyway (which plugin, entered when), so watching costs the worker nothing.
//
//   free ──a hook runs──► held ──warn passed──► sampled ──► warned ──most passed──► asked ──sample came, or late──► killed
//     ▲                     │ another hook, or none: back to the start
//     └─────────────────────┘
import SluiceModel

struct HoldWatch {
    enum Step: Equatable {
        case none
        /// Ask the worker where it is (a warning will follow).
        case sample
        /// Say in the log who holds the worker, and for how long.
        case warn(heldMs: UInt64)
        /// End it; the hook is to blame.
        case kill(heldMs: UInt64)
    }
    struct Sight: Equatable {
        /// As in WorkerHead; 0 = no plugin runs.
        var plugin: UInt64
        var enteredTick: UInt64
        var phase: UInt64 = 0
        /// Rises with each sample that the worker wrote.
        var samples: UInt64 = 0
    }
    struct Bounds: Equatable {
        /// 0 = never warn; 0 = never kill.
        var warnMs = UInt64(Limits.pluginHoldWarnMs)
        var maxMs = UInt64(Limits.pluginHoldMaxMs)
        /// Time between two looks; a look that comes much later than that counts as one: it was the machine that slept.
        var lookMs: UInt64 {
            let first = min(warnMs == 0 ? .max : warnMs, maxMs == 0 ? .max : maxMs)
            return first == .max ? .max : min(max(first / 2, 10), 500)
        }
    }
    private enum State { case watching, sampling(until: UInt64, before: UInt64), warned, asked(until: UInt64, before: UInt64), killed }

    private var seen = Sight(plugin: 0, enteredTick: 0)
    private var state = State.watching
    private(set) var heldMs: UInt64 = 0
    private var lookedAt: UInt64 = 0
    private var warnedAt: UInt64?

    /// Phases that run once may take longer than a request's hooks.
    private static func isStart(_ phase: UInt64) -> Bool { phase >= 10 }

    /// The sooner the next look has to come because something is under way, in ms; nil = at the usual time.
    var nextLookMs: UInt64? {
        switch state {
        case .sampling, .asked: 2
        case .watching, .warned, .killed: nil
        }
    }

    mutating func look(_ sight: Sight, nowMs: UInt64, bounds: Bounds) -> Step {
        defer { lookedAt = nowMs }
        if sight.plugin == 0 || sight.plugin != seen.plugin || sight.enteredTick != seen.enteredTick {
            (seen, state, heldMs) = (sight, .watching, 0)
            return .none
        }
        let look = bounds.lookMs
        if look == .max { return .none }
        heldMs += min(nowMs - lookedAt, 2 * look)
        let most = Self.isStart(sight.phase) ? max(bounds.maxMs, UInt64(Limits.pluginStartHoldMs)) : bounds.maxMs
        let isOver = bounds.maxMs > 0 && heldMs >= most
        let patience = UInt64(Limits.pluginHoldSampleMs)
        switch state {
        case .killed: return .none
        case .asked(let until, let before):
            if sight.samples == before && nowMs < until { return .none }
            state = .killed
            return .kill(heldMs: heldMs)
        case _ where isOver:
            state = .asked(until: nowMs + patience, before: sight.samples)
            return .sample
        case .sampling(let until, let before):
            if sight.samples == before && nowMs < until { return .none }
            state = .warned
            warnedAt = nowMs
            return .warn(heldMs: heldMs)
        case .watching:
            if bounds.warnMs == 0 || heldMs < bounds.warnMs || Self.isStart(sight.phase) { return .none }
            if let last = warnedAt, nowMs - last < UInt64(Limits.pluginHoldWarnEveryMs) { return .none }
            state = .sampling(until: nowMs + patience, before: sight.samples)
            return .sample
        case .warned: return .none
        }
    }
}
