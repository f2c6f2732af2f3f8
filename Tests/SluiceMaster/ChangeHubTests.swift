// A change in all its ways through the master: agreed, refused, aborted, interrupted by deaths on either side.
import SluiceModel
import Testing

@testable import SluiceMaster

/// Compares outside of the macro, which cannot hold a call that changes its receiver.
func expect<T: Equatable>(_ found: T, _ wanted: T, _ why: Comment? = nil, at place: SourceLocation = #_sourceLocation) {
    #expect(found == wanted, why, sourceLocation: place)
}

@Suite struct ChangeHubTests {
    func hub(_ live: Int = 2) -> ChangeHub {
        var h = ChangeHub(workers: 2, committed: 5)
        for w in 0..<live { expect(h.started(w), []) }
        return h
    }
    func ok(_ h: inout ChangeHub, _ revision: UInt64) {
        for w in h.live {
            expect(h.prepared(w, revision, status: 0, text: ""), [.answer(.prepared, worker: w, revision: revision, status: 0, text: "")])
        }
    }

    @Test func agreed() {
        var h = hub()
        #expect(h.objection(6) == nil)
        expect(h.prepare(6), [.tellWorker(0, .prepare, revision: 6), .tellWorker(1, .prepare, revision: 6)])
        ok(&h, 6)
        expect(h.commit(6), [.adopt(revision: 6), .tellWorker(0, .commit, revision: 6), .tellWorker(1, .commit, revision: 6)])
        #expect(h.committed == 6)
        expect(h.committed(0, 6, status: 0, text: ""), [.answer(.committed, worker: 0, revision: 6, status: 0, text: "")])
        expect(
            h.committed(1, 6, status: 0, text: ""),
            [.answer(.committed, worker: 1, revision: 6, status: 0, text: ""), .retire(revision: 6)])
        #expect(h.objection(6) == "revision 6 is not newer than 6, which runs")
    }

    @Test func refusedIsNotCommitted() {
        var h = hub()
        _ = h.prepare(6)
        expect(
            h.prepared(0, 6, status: 3, text: "no such plugin"),
            [.answer(.prepared, worker: 0, revision: 6, status: 3, text: "no such plugin")])
        _ = h.prepared(1, 6, status: 0, text: "")
        let effects = h.commit(6)
        #expect(effects.contains(.answer(.committed, worker: 1, revision: 6, status: 1, text: "a worker refused revision 6")))
        #expect(effects.suffix(3) == [.tellWorker(0, .abort, revision: 6), .tellWorker(1, .abort, revision: 6), .forget(revision: 6)])
        #expect(h.committed == 5 && h.pending == nil)
    }

    @Test func commitBeforeAllAnsweredIsRefused() {
        var h = hub()
        _ = h.prepare(6)
        _ = h.prepared(0, 6, status: 0, text: "")
        expect(h.commit(6).first, .answer(.committed, worker: 0, revision: 6, status: 1, text: "worker 1 has not answered yet"))
        expect(h.commit(7).first, .answer(.committed, worker: 0, revision: 7, status: 1, text: "revision 7 is not prepared"))
        _ = h.prepared(1, 6, status: 0, text: "")
        expect(h.commit(6).first, .adopt(revision: 6))
    }

    /// A plugin whose `init` never returns holds its worker: the abort that comes after the deadline replaces it, and no other.
    @Test func aWorkerThatHangsInAChangeIsReplaced() {
        var h = ChangeHub(workers: 2, committed: 5)
        for w in 0..<2 { _ = h.started(w) }
        _ = h.prepare(6, nowMs: 1_000)
        _ = h.prepared(0, 6, status: 0, text: "")
        let late = UInt64(1_000 + Limits.prepareOverdueMs)
        expect(
            h.abort(6, nowMs: late),
            [.tellWorker(0, .abort, revision: 6), .tellWorker(1, .abort, revision: 6), .forget(revision: 6), .replaceWorker(1)])
        _ = h.prepare(7, nowMs: 2_000)
        expect(h.abort(7, nowMs: 2_500).contains(.replaceWorker(1)), false, "a refusal by another worker is no reason")
    }

    @Test func aborted() {
        var h = hub()
        _ = h.prepare(6)
        expect(h.abort(9).isEmpty, true)
        expect(h.abort(6), [.tellWorker(0, .abort, revision: 6), .tellWorker(1, .abort, revision: 6), .forget(revision: 6)])
        expect(h.prepared(0, 6, status: 0, text: "").isEmpty, true, "an answer that crossed the abort")
        #expect(h.objection(6) == nil, "it can be tried again")
    }

    @Test func aNewerChangeTakesThePlace() {
        var h = hub()
        _ = h.prepare(6)
        let effects = h.prepare(7)
        #expect(effects.prefix(3) == [.tellWorker(0, .abort, revision: 6), .tellWorker(1, .abort, revision: 6), .forget(revision: 6)])
        #expect(effects.suffix(2) == [.tellWorker(0, .prepare, revision: 7), .tellWorker(1, .prepare, revision: 7)])
        #expect(h.objection(7) == "revision 7 is being prepared already")
    }

    @Test func controlLost() {
        var h = hub()
        expect(h.controlLost().isEmpty, true)
        _ = h.prepare(6)
        expect(h.controlLost().last, .forget(revision: 6))
        #expect(h.pending == nil && h.committed == 5)
    }

    @Test func aSuccessorJoinsAChange() {
        var h = hub()
        _ = h.prepare(6)
        _ = h.prepared(0, 6, status: 0, text: "")
        expect(h.died(1).isEmpty, true, "one death is an accident")
        expect(h.started(1), [.tellWorker(1, .prepare, revision: 6)])
        _ = h.prepared(1, 6, status: 0, text: "")
        expect(h.commit(6).first, .adopt(revision: 6))
    }

    @Test func aPluginThatKillsItsWorkerTwiceIsRefused() {
        var h = hub()
        _ = h.prepare(6)
        _ = h.died(1)
        _ = h.started(1)
        expect(h.died(1), [.answer(.prepared, worker: 1, revision: 6, status: 1, text: "worker 1 died twice while it prepared revision 6")])
        expect(h.started(1).isEmpty, true, "the next one is left in peace")
        expect(h.commit(6).first, .answer(.committed, worker: 0, revision: 6, status: 1, text: "a worker refused revision 6"))
    }

    @Test func workersThatAreDownDoNotHoldUpAChange() {
        var h = hub(1)
        expect(
            h.prepare(6),
            [
                .tellWorker(0, .prepare, revision: 6),
                .answer(.prepared, worker: 1, revision: 6, status: 0, text: "worker 1 is down and starts with what is committed"),
            ])
        _ = h.prepared(0, 6, status: 0, text: "")
        expect(h.commit(6).last, .answer(.committed, worker: 1, revision: 6, status: 0, text: "worker 1 is down and starts with it"))
        expect(h.committed(0, 6, status: 0, text: "").last, .retire(revision: 6))
        expect(h.started(1).isEmpty, true)
    }

    @Test func aDeathBetweenCommitAndAnswer() {
        var h = hub()
        _ = h.prepare(6)
        ok(&h, 6)
        _ = h.commit(6)
        _ = h.committed(0, 6, status: 0, text: "")
        expect(
            h.died(1),
            [
                .answer(.committed, worker: 1, revision: 6, status: 0, text: "worker 1 died; its successor starts with revision 6"),
                .retire(revision: 6),
            ])
    }

    @Test func aWorkerThatCannotSwapIsReplaced() {
        var h = hub()
        _ = h.prepare(6)
        ok(&h, 6)
        _ = h.commit(6)
        expect(
            h.committed(0, 6, status: 1, text: "boom"),
            [.answer(.committed, worker: 0, revision: 6, status: 1, text: "boom"), .replaceWorker(0)])
        expect(h.committed(1, 5, status: 0, text: "").isEmpty, true, "an answer for another revision")
    }

    /// Random histories: sockets retire only when everybody swapped, and a refusal never becomes current.
    @Test func randomHistoriesKeepTheRules() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            var h = hub()
            var refused: Set<UInt64> = []
            var next: UInt64 = 6
            for _ in 0..<40 {
                let w = Int.random(in: 0...1, using: &random), r = next - UInt64.random(in: 0...2, using: &random)
                var effects: [ChangeHub.Effect] = []
                switch Int.random(in: 0..<8, using: &random) {
                case 0: if h.objection(next) == nil { effects = h.prepare(next); next += 1 }
                case 1: effects = h.prepared(w, r, status: 0, text: "")
                case 2:
                    if h.pending?.revision == r { refused.insert(r) }
                    effects = h.prepared(w, r, status: 1, text: "")
                case 3: effects = h.commit(r)
                case 4: effects = h.committed(w, r, status: 0, text: "")
                case 5: effects = h.live.contains(w) ? h.died(w) : h.started(w)
                case 6: effects = h.abort(r)
                default: effects = Bool.random(using: &random) ? h.controlLost() : []
                }
                for e in effects {
                    if case .adopt(let revision) = e { #expect(!refused.contains(revision)) }
                    if case .retire = e { #expect(h.settling.isEmpty) }
                    if case .tellWorker(let i, _, _) = e { #expect(h.live.contains(i)) }
                }
            }
        }
    }
}
