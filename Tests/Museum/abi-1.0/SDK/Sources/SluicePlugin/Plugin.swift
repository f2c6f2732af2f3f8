// What a Swift plugin is: a class with hooks. Start here; `Request.swift`, `Response.swift`, `Body.swift` and
// `Exchange.swift` are what hooks get, `JSON.swift` what the configuration is, `Registration.swift` how the host finds it.
//
//     final class Hello: Plugin {
//         static let phases: Phases = [.rewrite]
//         init(_ config: JSON) throws(ConfigurationError) {}
//         func rewrite(_ request: inout Request) -> Verdict {
//             request.headers["x-hello"] = "world"
//             return .next
//         }
//     }
//     @c(sluice_swift_plugin) public func plugin() { register(Hello.self) }

/// One configuration of the plugin; shared by all requests of the routes that bind it. All calls come on one thread, one at a
/// time. A hook that computes or waits for long holds every request of the worker.
public protocol Plugin: AnyObject {
    /// The hooks that it has, as the manifest names them; others are never called.
    static var phases: Phases { get }

    /// Makes an instance from the object that was configured ("{}" when nothing was). Compile here what requests need.
    init(_ config: JSON) throws(ConfigurationError)

    /// Before the upstream is chosen: change the request, or answer it.
    func rewrite(_ request: inout Request) -> Verdict
    /// May this request pass? After all rewrites.
    func access(_ request: inout Request) -> Verdict
    /// The response head is complete and nothing of it was sent.
    func headerFilter(_ response: inout Response) -> Verdict
    /// One piece of the response body, in order.
    func bodyFilter(_ body: inout Body) -> Verdict
    /// The exchange is over.
    func log(_ exchange: borrowing Exchange)
}

extension Plugin {
    public func rewrite(_ request: inout Request) -> Verdict { .next }
    public func access(_ request: inout Request) -> Verdict { .next }
    public func headerFilter(_ response: inout Response) -> Verdict { .next }
    public func bodyFilter(_ body: inout Body) -> Verdict { .next }
    public func log(_ exchange: borrowing Exchange) {}
}

/// What happens after a hook.
@frozen public enum Verdict: Sendable {
    /// The next plugin's turn.
    case next
    /// The request was answered by `Request.answer`; nothing goes upstream. In rewrite and access only.
    case answered
    /// The plugin cannot do its work; its failure mode decides what the client gets.
    case failed
}

@frozen public struct Phases: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    public static let rewrite = Phases(rawValue: 1)
    public static let access = Phases(rawValue: 2)
    public static let headerFilter = Phases(rawValue: 4)
    public static let bodyFilter = Phases(rawValue: 8)
    public static let log = Phases(rawValue: 16)
}

/// A configuration that cannot be accepted; the change is refused and the text shown to the operator.
public struct ConfigurationError: Error, CustomStringConvertible {
    public let description: String
    /// - Parameters:
    ///   - field: where: "format", "keys[2].name".
    ///   - problem: what was found and what is allowed: "unknown \"base64\"; known: uuid hex".
    public init(_ field: String, _ problem: String) { description = field.isEmpty ? problem : "\(field): \(problem)" }
}
