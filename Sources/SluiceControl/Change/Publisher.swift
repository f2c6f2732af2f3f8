// Takes a compiled image to every worker over the channel of the master: one change at a time, each a `ChangeMachine`.
// It also keeps what the master tells about workers. What is published is decided in `Control.swift`.
import SluiceChannel
import SluiceModel

/// Where frames go; the channel in the process, a fake in tests.
protocol FrameSink: Sendable {
    func send(_ frame: Frame) throws
}

/// A worker as the master tells of it.
struct WorkerInfo: Sendable, Equatable {
    var pid: UInt64?
    var alive = true
    var revision: UInt64
    var restarts: UInt64 = 0
}

actor Publisher {
    private let sink: any FrameSink
    private var machine: ChangeMachine?
    private var waiter: CheckedContinuation<ChangeOutcome, Never>?
    private(set) var workers: [UInt32: WorkerInfo]
    /// Revision that every worker was last told to run.
    private(set) var revision: UInt64
    private var isClosed = false
    private let limits: Limits

    struct Limits: Sendable {
        /// All workers to load what is new.
        var prepareMs = SluiceModel.Limits.prepareTimeoutMs
        /// All workers to swap.
        var commitMs = 5_000
        /// A worker that died during a change to be back.
        var successorMs = 5_000
    }

    init(sink: any FrameSink, workers count: Int, revision: UInt64, limits: Limits = Limits()) {
        self.sink = sink
        self.revision = revision
        self.limits = limits
        workers = Dictionary(uniqueKeysWithValues: (0..<UInt32(count)).map { ($0, WorkerInfo(revision: revision)) })
    }

    /// Publishes the image in `descriptor` (which stays the caller's). The caller sees to it that changes do not overlap.
    func publish(descriptor: Int32, revision: UInt64) async -> ChangeOutcome {
        precondition(machine == nil, "two changes at once")
        var machine = ChangeMachine(revision: revision, workers: workers.count)
        do {
            guard !isClosed else { throw ChannelClosed() }
            try sink.send(Frame(.prepare, revision: revision, descriptors: [descriptor]))
        } catch {
            _ = machine.handle(.masterRefused("cannot reach the master: \(error)"))
            return machine.outcome
        }
        self.machine = machine
        later(limits.prepareMs, revision: revision, .late, onlyWhile: .preparing)
        return await withCheckedContinuation { waiter = $0 }
    }

    /// A frame of the master that concerns workers or a change.
    func handle(_ frame: Frame) {
        switch frame.kind {
        case .prepared where frame.revision == machine?.revision:
            feed(
                frame.worker == .max ? .masterRefused(frame.text) : .prepared(worker: frame.worker, status: frame.status, text: frame.text))
        case .committed:
            workers[frame.worker]?.revision = frame.revision
            if frame.revision == machine?.revision { feed(.committed(worker: frame.worker)) }
        case .workerState: workerState(frame)
        default: break
        }
    }

    /// A frame that is no part of a change; false when the master cannot be reached.
    func send(_ frame: Frame) -> Bool {
        do { try sink.send(frame) } catch { return false }
        return true
    }

    func close() {
        isClosed = true
        feed(.closed)
    }

    private func workerState(_ frame: Frame) {
        guard workers[frame.worker] != nil else { return }
        if frame.status == 0 {
            workers[frame.worker]?.alive = true
            workers[frame.worker]?.pid = frame.value
            // A successor starts with the committed image; one that answers `committed` later is not missed by this.
            workers[frame.worker]?.revision = revision
            feed(.came(worker: frame.worker))
        } else {
            workers[frame.worker]?.alive = false
            workers[frame.worker]?.pid = nil
            workers[frame.worker]?.restarts += 1
            feed(.died(worker: frame.worker))
            if let machine { later(limits.successorMs, revision: machine.revision, .successorLate(worker: frame.worker), onlyWhile: nil) }
        }
    }

    private func feed(_ event: ChangeMachine.Event) {
        guard var current = machine else { return }
        let actions = current.handle(event)
        machine = current
        for action in actions {
            switch action {
            case .commit:
                revision = current.revision
                try? sink.send(Frame(.commit, revision: current.revision))  // a closed channel ends the process anyway
                later(limits.commitMs, revision: current.revision, .late, onlyWhile: .committing)
            case .abort: try? sink.send(Frame(.abort, revision: current.revision))
            case .finish:
                let waiter = self.waiter
                (machine, self.waiter) = (nil, nil)
                waiter?.resume(returning: current.outcome)
            }
        }
    }

    private func later(_ ms: Int, revision: UInt64, _ event: ChangeMachine.Event, onlyWhile phase: ChangeMachine.Phase?) {
        Task {
            try? await Task.sleep(for: .milliseconds(ms))
            guard machine?.revision == revision, phase == nil || machine?.phase == phase else { return }
            feed(event)
        }
    }
}

struct ChannelClosed: Error, CustomStringConvertible {
    var description: String { "the channel to the master is closed" }
}
