// One change on its way to the workers, as a state machine without I/O. A change is all or nothing while it is prepared;
// once committed it cannot be taken back, and a worker that was away gets it from the master.
//
//              every worker ready                 every worker swapped, or late
//   preparing ────────────────────► committing ──────────────────────────────► done(committed)
//       │  one refused, or one is late
//       └──────────────────────────► done(refused), the workers let the new parts go

/// How one worker took a change.
struct WorkerAnswer: Sendable, Equatable {
    enum State: String, Sendable { case waiting, prepared, refused, committed, late }
    var state = State.waiting
    /// Why not, in the worker's words.
    var text = ""
}

struct ChangeMachine: Sendable {
    enum Phase: Sendable, Equatable { case preparing, committing, done(committed: Bool) }
    enum Event: Sendable, Equatable {
        case prepared(worker: UInt32, status: Int32, text: String)
        case committed(worker: UInt32)
        /// A worker process ended; its successor will be asked again by the master.
        case died(worker: UInt32)
        /// Its successor serves; after the commit that means the new revision.
        case came(worker: UInt32)
        /// The master itself cannot do it (a listener that cannot be opened).
        case masterRefused(String)
        /// The successor of a worker that died did not answer in time.
        case successorLate(worker: UInt32)
        /// Somebody did not answer in time.
        case late
        /// The channel to the master closed.
        case closed
    }
    enum Action: Sendable, Equatable { case commit, abort, finish }

    let revision: UInt64
    private(set) var phase = Phase.preparing
    private(set) var answers: [UInt32: WorkerAnswer]
    /// Set when the master refused.
    private(set) var masterText: String?
    private var away = Set<UInt32>()

    init(revision: UInt64, workers: Int) {
        self.revision = revision
        answers = Dictionary(uniqueKeysWithValues: (0..<UInt32(workers)).map { ($0, WorkerAnswer()) })
    }

    mutating func handle(_ event: Event) -> [Action] {
        switch phase {
        case .preparing: preparing(event)
        case .committing: committing(event)
        case .done: []
        }
    }

    private mutating func preparing(_ event: Event) -> [Action] {
        switch event {
        case .prepared(let worker, let status, let text):
            guard answers[worker] != nil else { return [] }
            away.remove(worker)
            answers[worker] = status == 0 ? WorkerAnswer(state: .prepared) : WorkerAnswer(state: .refused, text: text)
        case .died(let worker):
            // What it had prepared died with it. A refusal stands.
            if answers[worker]?.state == .prepared { answers[worker] = WorkerAnswer() }
            away.insert(worker)
            return []
        case .successorLate(let worker):
            guard away.contains(worker), answers[worker]?.state == .waiting else { return [] }
            answers[worker] = WorkerAnswer(state: .late, text: "worker \(worker) died and its successor did not answer in time")
        case .masterRefused(let text):
            masterText = text
            return end([.abort])
        case .late:
            for (worker, answer) in answers where answer.state == .waiting {
                answers[worker] = WorkerAnswer(state: .late, text: "worker \(worker) did not answer in time")
            }
        case .closed:
            masterText = "the channel to the master closed"
            return end([])
        case .committed, .came: return []
        }
        guard !answers.values.contains(where: { $0.state == .waiting }) else { return [] }
        guard answers.values.allSatisfy({ $0.state == .prepared }) else { return end([.abort]) }
        phase = .committing
        return [.commit]
    }

    private mutating func committing(_ event: Event) -> [Action] {
        switch event {
        case .committed(let worker), .came(let worker):
            guard answers[worker] != nil else { return [] }
            answers[worker]?.state = .committed
        case .successorLate(let worker):
            if answers[worker]?.state == .prepared {
                answers[worker] = WorkerAnswer(state: .late, text: "worker \(worker) died; its successor will run the change")
            }
        case .late, .closed:
            for (worker, answer) in answers where answer.state == .prepared {
                answers[worker] = WorkerAnswer(state: .late, text: "worker \(worker) has not said that it swapped")
            }
        case .died, .prepared, .masterRefused: return []
        }
        guard answers.values.allSatisfy({ $0.state != .prepared }) else { return [] }
        phase = .done(committed: true)
        return [.finish]
    }

    private mutating func end(_ actions: [Action]) -> [Action] {
        phase = .done(committed: false)
        return actions + [.finish]
    }

    var outcome: ChangeOutcome {
        ChangeOutcome(revision: revision, committed: phase == .done(committed: true), answers: answers, masterText: masterText)
    }
}

/// How a change ended.
struct ChangeOutcome: Sendable, Equatable {
    var revision: UInt64
    var committed: Bool
    var answers: [UInt32: WorkerAnswer]
    var masterText: String?

    /// One line for each reason of a refusal; equal reasons of several workers are one line.
    var reasons: [String] {
        var out = masterText.map { ["master: \($0)"] } ?? []
        var byText: [String: [UInt32]] = [:]
        for (worker, answer) in answers where answer.state == .refused || answer.state == .late {
            byText[answer.text, default: []].append(worker)
        }
        for (text, workers) in byText.sorted(by: { $0.value.min()! < $1.value.min()! }) {
            out.append(
                (workers.count == 1 ? "worker " : "workers ") + workers.sorted().map(String.init).joined(separator: ", ") + ": " + text)
        }
        return out
    }
}
