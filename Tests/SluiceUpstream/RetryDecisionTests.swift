// The table of what may be sent again (RFC 9110 section 9.2.2).
import SluiceHTTP
import Testing

@testable import SluiceUpstream

@Suite struct RetryDecisionTests {
    func decide(_ f: AttemptFailure, _ m: Method, replayable: Bool = true, attempts: UInt32 = 1, retries: UInt32 = 1) -> RetryDecision {
        RetryDecision.decide(
            AttemptState(failure: f, method: m.rawValue, bodyIsReplayable: replayable, attempts: attempts, connectRetries: retries))
    }

    @Test(arguments: [Method.get, .head, .put, .delete, .options, .trace])
    func idempotentOnAReusedConnection(m: Method) { #expect(decide(.reusedConnectionClosed, m) == .sameTarget) }

    @Test(arguments: [Method.post, .patch, .other])
    func notIdempotent(m: Method) { #expect(decide(.reusedConnectionClosed, m) == .giveUp) }

    @Test func consumedBodyIsNeverSentAgain() {
        for f in [AttemptFailure.connect, .reusedConnectionClosed, .broken, .timeout] {
            #expect(decide(f, .put, replayable: false) == .giveUp)
        }
    }

    @Test func connectFailuresMoveOn() {
        #expect(decide(.connect, .post, attempts: 1, retries: 1) == .otherTarget)
        #expect(decide(.connect, .get, attempts: 2, retries: 1) == .giveUp)
        #expect(decide(.connect, .get, attempts: 1, retries: 0) == .giveUp)
    }

    @Test func aNewConnectionThatBreaksIsFinal() {
        #expect(decide(.broken, .get) == .giveUp)
        #expect(decide(.timeout, .get) == .giveUp)
    }
}
