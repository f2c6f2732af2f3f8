// The master's part in a change of the configuration: who was asked, who answered, what the current image is. A state
// machine without I/O: frames come in as calls, effects go out as values, `Master+Frames.swift` carries them out.
//
//   idle ──prepare──► preparing ──all answered, commit──► settling ──all committed──► idle
//                        │ abort, control lost, a newer prepare, commit after a refusal
//                        └──► idle, the prepared parts are let go
import SluiceChannel
import SluiceModel

struct ChangeHub {
    enum Effect: Equatable {
        /// `kind` is prepare, commit or abort.
        case tellWorker(Int, FrameKind, revision: UInt64)
        /// `kind` is prepared or committed.
        case answer(FrameKind, worker: Int, revision: UInt64, status: Int32, text: String)
        /// The prepared image is the current one from now on.
        case adopt(revision: UInt64)
        /// The prepared image and the sockets opened for it are let go.
        case forget(revision: UInt64)
        /// Every worker runs `revision`: sockets that it does not name can be closed.
        case retire(revision: UInt64)
        /// The worker cannot follow; its successor starts with the current image.
        case replaceWorker(Int)
    }
    struct Pending {
        let revision: UInt64
        /// When the workers were asked, in ms of the master's clock.
        let sinceMs: UInt64
        var waiting: Set<Int>
        /// Workers that died before they answered, once each: a second death is a refusal, a plugin that kills its worker.
        var died: Set<Int> = []
        var refused = false
    }

    private(set) var committed: UInt64
    private(set) var pending: Pending?
    /// Workers that have not confirmed the current revision yet.
    private(set) var settling: Set<Int> = []
    /// Workers that were started and have not died.
    private(set) var live: Set<Int> = []
    let workers: Range<Int>

    init(workers: Int, committed: UInt64) {
        self.workers = 0..<workers
        self.committed = committed
    }

    /// No change is on its way.
    var isQuiet: Bool { pending == nil && settling.isEmpty }

    // MARK: from the control process

    /// Why `revision` cannot be prepared, or nil. Asked before sockets are opened for it.
    func objection(_ revision: UInt64) -> String? {
        if revision <= committed { return "revision \(revision) is not newer than \(committed), which runs" }
        if pending?.revision == revision { return "revision \(revision) is being prepared already" }
        return nil
    }

    /// A newer change takes the place of one that is being prepared. Called before sockets are opened for the newer one.
    mutating func letGoForNewer() -> [Effect] { letGo() }

    /// Asks every live worker; the others start with the outcome and are answered for. Needs `objection` to be nil.
    mutating func prepare(_ revision: UInt64, nowMs: UInt64 = 0) -> [Effect] {
        var effects = letGo()
        pending = Pending(revision: revision, sinceMs: nowMs, waiting: live)
        for w in workers {
            effects.append(
                live.contains(w)
                    ? .tellWorker(w, .prepare, revision: revision)
                    : .answer(
                        .prepared, worker: w, revision: revision, status: 0, text: "worker \(w) is down and starts with what is committed"))
        }
        return effects
    }

    mutating func commit(_ revision: UInt64) -> [Effect] {
        guard let p = pending, p.revision == revision else {
            return refuseCommit(revision, "revision \(revision) is not prepared")
        }
        if p.refused { return refuseCommit(revision, "a worker refused revision \(revision)") + letGo() }
        if let w = p.waiting.min() { return refuseCommit(revision, "worker \(w) has not answered yet") }
        pending = nil
        committed = revision
        settling = live
        var effects: [Effect] = [.adopt(revision: revision)]
        for w in workers {
            effects.append(
                live.contains(w)
                    ? .tellWorker(w, .commit, revision: revision)
                    : .answer(.committed, worker: w, revision: revision, status: 0, text: "worker \(w) is down and starts with it"))
        }
        return effects + retireIfSettled()
    }

    /// Workers that have been silent for long hang in a plugin's `init` or `configure`: they cannot even hear the abort.
    mutating func abort(_ revision: UInt64, nowMs: UInt64 = 0) -> [Effect] {
        guard let p = pending, p.revision == revision else { return [] }
        let stuck = nowMs &- p.sinceMs >= UInt64(Limits.prepareOverdueMs) ? p.waiting : []
        return letGo() + stuck.sorted().map { .replaceWorker($0) }
    }

    /// Nobody will commit what it prepared.
    mutating func controlLost() -> [Effect] { letGo() }

    // MARK: from workers

    mutating func prepared(_ worker: Int, _ revision: UInt64, status: Int32, text: String) -> [Effect] {
        guard pending?.revision == revision else { return [] }  // an answer that crossed an abort
        pending?.waiting.remove(worker)
        if status != 0 { pending?.refused = true }
        return [.answer(.prepared, worker: worker, revision: revision, status: status, text: text)]
    }

    mutating func committed(_ worker: Int, _ revision: UInt64, status: Int32, text: String) -> [Effect] {
        guard committed == revision else { return [] }
        var effects: [Effect] = [.answer(.committed, worker: worker, revision: revision, status: status, text: text)]
        settling.remove(worker)
        if status != 0 { effects.append(.replaceWorker(worker)) }
        return effects + retireIfSettled()
    }

    /// A worker was started with the current image; it joins a change that is being prepared.
    mutating func started(_ worker: Int) -> [Effect] {
        live.insert(worker)
        guard let p = pending, !p.refused else { return [] }
        return [.tellWorker(worker, .prepare, revision: p.revision)]
    }

    mutating func died(_ worker: Int) -> [Effect] {
        live.remove(worker)
        var effects: [Effect] = []
        if let p = pending, p.waiting.contains(worker), pending?.died.insert(worker).inserted == false {
            pending?.waiting.remove(worker)
            pending?.refused = true
            let text = "worker \(worker) died twice while it prepared revision \(p.revision)"
            effects.append(.answer(.prepared, worker: worker, revision: p.revision, status: 1, text: text))
        }
        if settling.remove(worker) != nil {
            let text = "worker \(worker) died; its successor starts with revision \(committed)"
            effects.append(.answer(.committed, worker: worker, revision: committed, status: 0, text: text))
            effects += retireIfSettled()
        }
        return effects
    }

    // MARK: inside

    private mutating func letGo() -> [Effect] {
        guard let p = pending else { return [] }
        pending = nil
        return live.sorted().map { .tellWorker($0, .abort, revision: p.revision) } + [.forget(revision: p.revision)]
    }
    private func refuseCommit(_ revision: UInt64, _ why: String) -> [Effect] {
        workers.map { .answer(.committed, worker: $0, revision: revision, status: 1, text: why) }
    }
    private func retireIfSettled() -> [Effect] { settling.isEmpty ? [.retire(revision: committed)] : [] }
}
