// What a Swift plugin is: a class that conforms to one protocol for every phase it has a hook in. Start here. `Request.swift`,
// `Content.swift`, `Response.swift`, `Body.swift`, `Balance.swift` and `Exchange.swift` are what hooks get, `ConfigDecoder.swift` makes
// the configuration, `AsyncHooks.swift` has the hooks that wait, `Registration.swift` shows how the host finds the plugin.
//
//     import SluicePlugin
//
//     @section(".sluice.manifest") @used let manifest: StaticString = """
//         {"name": "hello", "version": "0.1.0", "abi": 1, "language": "swift", "phases": ["rewrite"]}
//         """
//     @c(sluice_swift_plugin) public func plugin() { register(Hello.self) }
//
//     final class Hello: RewriteHook {
//         init(_ config: NoConfig) {}
//         func rewrite(_ request: inout Request) -> Verdict {
//             request.headers["X-Hello"] = "world"
//             return .next
//         }
//     }

/// One configuration of the plugin; shared by all requests of the routes that bind it. All calls come on one thread, one at a
/// time. A hook that computes or blocks for long holds every request of the worker; one that waits with `await` does not.
/// The hooks are the protocols below; the manifest's "phases" must name exactly those.
public protocol Plugin: AnyObject {
    /// What the plugin is configured with: `struct Config: Codable`, or `DefaultedConfig` when every member has a default. Members that it
    /// does not have are refused.
    associatedtype Config: Decodable = NoConfig

    /// Makes an instance from the object that was configured ("{}" when nothing was). Compile here what requests need. Throw
    /// `ConfigurationError` for what cannot be accepted: the change is refused and the text shown to the operator.
    init(_ config: Config) throws

    /// The longest that one wait of an asynchronous hook may last, in ms, 1…3,600,000 (default 60,000); then the hook has failed. The
    /// route's own time limit usually ends it sooner.
    static var waitMaxMs: Int { get }
}
extension Plugin {
    public static var waitMaxMs: Int { 60_000 }
}

/// The configuration of a plugin that has none.
public struct NoConfig: Decodable {
    public init() {}
    private enum CodingKeys: CodingKey {}
    public init(from decoder: any Decoder) throws { _ = try decoder.container(keyedBy: CodingKeys.self) }
}

// MARK: hooks. A hook that throws has failed: the error is logged, and the plugin's failure mode decides what the client gets.

/// Phase `rewrite`: before the upstream is chosen. Change the request, or answer it.
public protocol RewriteHook: Plugin {
    func rewrite(_ request: inout Request) throws -> Verdict
}
/// Phase `access`: may this request pass? After all rewrites.
public protocol AccessHook: Plugin {
    func access(_ request: inout Request) throws -> Verdict
}
/// Phase `routing`: which cluster? After access, before a target is chosen.
public protocol RoutingHook: Plugin {
    func route(_ request: inout RoutingRequest) throws -> Verdict
}
/// Phase `content`: make the whole response here. `.next` declines.
public protocol ContentHook: Plugin {
    func content(_ response: inout Content) throws -> Verdict
}
/// Phase `balancer`: which target of the cluster? Before every attempt.
public protocol BalancerHook: Plugin {
    func balance(_ balance: inout Balance) throws -> Verdict
}
/// Phase `header_filter`: the response head is complete and nothing of it was sent.
public protocol HeaderFilterHook: Plugin {
    func headerFilter(_ response: inout Response) throws -> Verdict
}
/// Phase `body_filter`: one piece of the response body, in order.
public protocol BodyFilterHook: Plugin {
    func bodyFilter(_ body: inout Body) throws -> Verdict
}
/// Phase `log`: the exchange is over.
public protocol LogHook: Plugin {
    func log(_ exchange: borrowing Exchange) throws
}
/// The worker process itself. Not a phase of requests, so not in the manifest.
public protocol WorkerHooks: Plugin {
    /// When the loop of worker `number` (from 0) turns: start timers and background tasks here. Throwing refuses the load.
    static func workerStarts(_ number: Int) throws
    /// The generation goes, or the worker ends. What was started is cancelled afterwards.
    static func workerEnds()
}
extension WorkerHooks {
    public static func workerEnds() {}
}

/// What happens after a hook.
@frozen public enum Verdict: Sendable {
    /// The next plugin's turn.
    case next
    /// The request was answered, by `Request.answer` or `Content.finish`. In rewrite, access, routing and content only.
    case answered
    /// The plugin cannot do its work; its failure mode decides what the client gets.
    case failed
    /// The hook is called again when there is what it waits for: `RequestBody.gatherNow` or `Content.writeNow` said so.
    case again
}

/// A configuration that cannot be accepted; the change is refused and the text shown to the operator.
public struct ConfigurationError: Error, CustomStringConvertible {
    public let description: String
    /// - Parameters:
    ///   - field: where: "format", "keys[2].name".
    ///   - problem: what was found and what is allowed: "unknown \"base64\"; known: uuid hex".
    public init(_ field: String, _ problem: String) { description = field.isEmpty ? problem : "\(field): \(problem)" }
}

/// A call of the host failed: a negative SLUICE_E… of base.h.
public struct HostError: Error, Equatable, CustomStringConvertible {
    public let status: Int32
    private var isUnsupported = false
    init(_ status: Int32) { self.status = status }

    /// The client left, the route's time is over, or the plugin is being unloaded.
    public static let cancelled = HostError(-6)
    /// What the handle named is over.
    public static let gone = HostError(-7)
    public static let timedOut = HostError(-9)
    /// The phase does not allow the call.
    public static let phase = HostError(-3)
    /// This host lacks the table that the call stands on, or the configuration does not grant its capability; a plugin that cannot do without
    /// names it in "needs" and "capabilities".
    public static let unsupported = {
        var error = HostError.phase
        error.isUnsupported = true
        return error
    }()

    private static let names = [
        "malformed argument", "not found", "not allowed in this phase", "no memory left for this request", "above a limit", "cancelled",
        "over already", "failed", "timed out", "the peer failed", "would have to wait", "not granted by the configuration",
    ]
    public var description: String {
        if isUnsupported { return "not supported by this host, or a capability that is not granted" }
        let i = Int(-status) - 1
        return Self.names.indices.contains(i) ? Self.names[i] : "status \(status)"
    }
}
