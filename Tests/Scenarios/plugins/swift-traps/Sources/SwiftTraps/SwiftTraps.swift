// Traps of the language on demand, for the tests of crash reports: the path says which. Each is a function of its own, so that a report
// can be checked by name.
import SluicePlugin

@section(".sluice.manifest") @used let manifest: StaticString = """
    {"name": "swift-traps", "version": "1.0.0", "abi": 1, "license": "Apache-2.0", "language": "swift", "phases": ["rewrite"],
     "needs": ["sluice.request/1"]}
    """
@c(sluice_swift_plugin) public func plugin() { register(SwiftTraps.self) }

final class SwiftTraps: RewriteHook {
    struct Config: DefaultedConfig {}
    private let numbers = [1, 2, 3]
    init(_ config: Config) {}

    func rewrite(_ request: inout Request) -> Verdict {
        let n = request.path.count
        if request.path == "/bounds" { return pastTheEnd(n) > 0 ? .next : .failed }
        if request.path == "/unwrap" { return forced(n > 1000 ? n : nil) > 0 ? .next : .failed }
        if request.path == "/overflow" { return tooMuch(Int.max - 100 + n) > 0 ? .next : .failed }
        return .next
    }
    @inline(never) private func pastTheEnd(_ n: Int) -> Int { numbers[n] }
    @inline(never) private func forced(_ n: Int?) -> Int { n! }
    @inline(never) private func tooMuch(_ n: Int) -> Int { n * 2 }
}
