// One header on every request.
import SluicePlugin

@section(".sluice.manifest") @used let manifest: StaticString = """
    {"name": "hello", "version": "0.1.0", "abi": 1, "language": "swift", "phases": ["rewrite"]}
    """
@c(sluice_swift_plugin) public func plugin() { register(Hello.self) }

final class Hello: RewriteHook {
    init(_ config: NoConfig) {}
    func rewrite(_ request: inout Request) -> Verdict {
        request.headers["X-Hello"] = "world"
        return .next
    }
}
