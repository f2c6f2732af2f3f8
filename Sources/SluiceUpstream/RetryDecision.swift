// Whether a request whose upstream attempt failed may be sent again. A pure decision, so that its table can be tested
// alone (RFC 9110 section 9.2.2: a proxy repeats only what is idempotent, or what the target cannot have seen).
import SluiceHTTP

/// How an attempt ended before any byte of a response came.
public enum AttemptFailure: Sendable {
    /// No connection was made: nothing was sent.
    case connect
    /// A connection taken from the pool turned out to be closed.
    case reusedConnectionClosed
    /// A new connection broke, or its response was not HTTP.
    case broken
    case timeout
}

public struct AttemptState: Sendable {
    public var failure: AttemptFailure
    public var method: UInt8
    /// Nothing of the body has left the buffer it arrived in, so that it can be sent again.
    public var bodyIsReplayable: Bool
    public var attempts: UInt32
    public var connectRetries: UInt32
    public init(failure: AttemptFailure, method: UInt8, bodyIsReplayable: Bool, attempts: UInt32, connectRetries: UInt32) {
        self.failure = failure
        self.method = method
        self.bodyIsReplayable = bodyIsReplayable
        self.attempts = attempts
        self.connectRetries = connectRetries
    }
}

public enum RetryDecision: Sendable, Equatable {
    case giveUp
    /// Once more, on a new connection to the same target.
    case sameTarget
    /// On another target of the cluster.
    case otherTarget

    /// GET, HEAD, OPTIONS, TRACE, PUT, DELETE.
    public static func isIdempotent(_ method: UInt8) -> Bool {
        let idempotent = Method.get.bit | Method.head.bit | Method.options.bit | Method.trace.bit | Method.put.bit | Method.delete.bit
        return method < 16 && idempotent & (1 << UInt16(method)) != 0
    }

    public static func decide(_ s: AttemptState) -> RetryDecision {
        guard s.bodyIsReplayable else { return .giveUp }
        switch s.failure {
        case .connect: return s.attempts <= s.connectRetries ? .otherTarget : .giveUp
        case .reusedConnectionClosed: return isIdempotent(s.method) ? .sameTarget : .giveUp
        case .broken, .timeout: return .giveUp
        }
    }
}
