// One change as a state machine: all ready, one refuses, a worker dies in between, nobody answers.
import Testing

@testable import SluiceControl

@Suite struct ChangeMachineTests {
    func prepared(_ worker: UInt32, _ text: String? = nil) -> ChangeMachine.Event {
        .prepared(worker: worker, status: text == nil ? 0 : 1, text: text ?? "")
    }

    @Test func allReady() {
        var change = ChangeMachine(revision: 5, workers: 2)
        #expect(change.handle(prepared(0)) == [])
        #expect(change.handle(prepared(1)) == [.commit])
        #expect(change.phase == .committing)
        #expect(change.handle(.committed(worker: 1)) == [])
        #expect(change.handle(.committed(worker: 1)) == [])
        #expect(change.handle(.committed(worker: 0)) == [.finish])
        #expect(change.outcome.committed)
        #expect(change.outcome.answers.values.allSatisfy { $0.state == .committed })
        #expect(change.handle(.closed) == [])
    }

    @Test func oneRefuses() {
        var change = ChangeMachine(revision: 5, workers: 3)
        #expect(change.handle(prepared(1, "key-auth: no keys")) == [])
        #expect(change.handle(prepared(0)) == [])
        #expect(change.handle(prepared(2, "key-auth: no keys")) == [.abort, .finish])
        #expect(!change.outcome.committed)
        #expect(change.outcome.reasons == ["workers 1, 2: key-auth: no keys"])
    }

    @Test func aWorkerDiesWhilePreparingAndItsSuccessorAnswers() {
        var change = ChangeMachine(revision: 5, workers: 2)
        _ = change.handle(prepared(0))
        #expect(change.handle(.died(worker: 0)) == [])
        #expect(change.handle(prepared(1)) == [])  // worker 0 must prepare again
        #expect(change.handle(.came(worker: 0)) == [])
        #expect(change.handle(prepared(0)) == [.commit])
        #expect(change.handle(.successorLate(worker: 0)) == [])  // its time is up, but it was there
    }

    @Test func aWorkerDiesWhilePreparingAndStaysAway() {
        var change = ChangeMachine(revision: 5, workers: 2)
        _ = change.handle(prepared(1))
        _ = change.handle(.died(worker: 0))
        #expect(change.handle(.successorLate(worker: 0)) == [.abort, .finish])
        #expect(change.outcome.reasons == ["worker 0: worker 0 died and its successor did not answer in time"])
    }

    @Test func aWorkerDiesWhileCommitting() {
        var change = ChangeMachine(revision: 5, workers: 2)
        _ = change.handle(prepared(0))
        _ = change.handle(prepared(1))
        _ = change.handle(.committed(worker: 0))
        #expect(change.handle(.died(worker: 1)) == [])
        #expect(change.handle(.came(worker: 1)) == [.finish])
        #expect(change.outcome.committed)
    }

    @Test func aWorkerThatNeverSwapsIsToldApart() {
        var change = ChangeMachine(revision: 5, workers: 2)
        _ = change.handle(prepared(0))
        _ = change.handle(prepared(1))
        _ = change.handle(.committed(worker: 0))
        #expect(change.handle(.late) == [.finish])
        #expect(change.outcome.committed)  // the master has it: there is no way back
        #expect(change.outcome.answers[1]?.state == .late)
    }

    @Test func nobodyAnswersMasterRefusesChannelCloses() {
        var late = ChangeMachine(revision: 5, workers: 2)
        #expect(late.handle(.late) == [.abort, .finish])
        #expect(late.outcome.reasons.count == 2)
        var refused = ChangeMachine(revision: 5, workers: 2)
        #expect(refused.handle(.masterRefused("address in use")) == [.abort, .finish])
        #expect(refused.outcome.reasons == ["master: address in use"])
        var closed = ChangeMachine(revision: 5, workers: 2)
        #expect(closed.handle(.closed) == [.finish])
        #expect(!closed.outcome.committed)
    }

    @Test func strangersAreIgnored() {
        var change = ChangeMachine(revision: 5, workers: 1)
        #expect(change.handle(prepared(7)) == [])
        #expect(change.handle(.committed(worker: 0)) == [])
        #expect(change.handle(prepared(0)) == [.commit])
        #expect(change.handle(.committed(worker: 7)) == [])
        #expect(change.handle(.committed(worker: 0)) == [.finish])
    }

    /// Whatever comes in whatever order: it ends once, commits at most once, never commits after a refusal.
    @Test func anyOrderOfEventsKeepsThePromises() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<3_000 {
            var change = ChangeMachine(revision: 5, workers: 3)
            var actions: [ChangeMachine.Action] = []
            var refused = Set<UInt32>()
            for _ in 0..<20 {
                let worker = UInt32.random(in: 0..<3, using: &random)
                let event: ChangeMachine.Event =
                    switch Int.random(in: 0..<9, using: &random) {
                    case 0, 1, 2: prepared(worker)
                    case 3: prepared(worker, "no")
                    case 4: .committed(worker: worker)
                    case 5: .died(worker: worker)
                    case 6: .came(worker: worker)
                    case 7: .successorLate(worker: worker)
                    default: .late
                    }
                if change.phase == .preparing, case .prepared(let worker, let status, _) = event {
                    if status == 0 { refused.remove(worker) } else { refused.insert(worker) }
                }
                let new = change.handle(event)
                if new.contains(.commit) { #expect(refused.isEmpty) }
                actions += new
            }
            _ = change.handle(.late)
            actions += change.handle(.late) + change.handle(.closed)
            #expect(actions.count { $0 == .finish } <= 1)
            #expect(actions.count { $0 == .commit } <= 1)
            #expect(!(actions.contains(.commit) && actions.contains(.abort)))
        }
    }
}
