// One header on every request.
import SluicePlugin

final class Hello: Plugin {
    static let phases: Phases = [.rewrite]
    init(_ config: JSON) throws(ConfigurationError) { try config.allow() }

    func rewrite(_ request: inout Request) -> Verdict {
        request.headers["X-Hello"] = "world"
        return .next
    }
}

@c(sluice_swift_plugin) public func plugin() { register(Hello.self) }
