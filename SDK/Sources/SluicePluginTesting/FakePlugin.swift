// Unit tests of a plugin with no gateway: one configured plugin on a host that plays the gateway's part. Start here; `FakeExchange.swift` is
// the request and what became of it, `FakeHost.swift` the host behind it. Hooks that wait are driven by the test on a virtual clock.
//
//     @Test func greets() throws {
//         let plugin = try FakePlugin(Hello.self)
//         let exchange = FakeExchange(path: "/a")
//         #expect(plugin.rewrite(exchange) == .next)
//         #expect(exchange.requestHeader("X-Hello") == "world")
//     }
import CSluiceABI
@_spi(Testing) import SluicePlugin

/// What a hook said in the end.
public enum Outcome: Equatable, Sendable {
    case next
    case answered
    /// A negative SLUICE_E…; the gateway would apply the failure mode.
    case failed(Int32)
    /// It waits, and nothing that the test arranged will wake it.
    case stuck

    init(_ result: Int32) {
        switch result {
        case Int32(SLUICE_CONTINUE): self = .next
        case Int32(SLUICE_ANSWERED): self = .answered
        default: self = .failed(result < 0 ? result : Int32(SLUICE_EFAULT))
        }
    }
}

/// What the configuration was refused with.
public struct ConfigurationRefused: Error, Equatable, CustomStringConvertible {
    public let description: String
    public init(description: String) { self.description = description }
}

/// One plugin type with one configuration. Tests may run in parallel: the hooks of all fake plugins of a process run one at a time.
public final class FakePlugin<P: Plugin> {
    let tables: UnderTest.Tables
    let instance: UnsafeMutableRawPointer
    let world = World()

    /// Configures the plugin as the gateway does. Throws `ConfigurationRefused` with the text that the operator would see.
    public init(_ type: P.Type, config: String = "{}") throws {
        var made: UnsafeMutableRawPointer?
        let tables = try FakeHost.shared.enter(world) {
            UnderTest.register(type)
            guard let tables = UnderTest.tables(type) else {
                throw ConfigurationRefused(description: "a synchronous and an asynchronous hook for one phase")
            }
            let room = UnsafeMutablePointer<CChar>.allocate(capacity: 1_024)
            defer { room.deallocate() }
            var error = sluice_error(text: room, room: 1_024, size: 0)
            let status = config.withBytes {
                tables.filter.pointee.configure(nil, sluice_view(data: $0.start, size: UInt64($0.count)), &made, &error)
            }
            if status != 0 {
                let text = UnsafeRawBufferPointer(start: room, count: Int(error.size))
                throw ConfigurationRefused(description: String(decoding: text, as: UTF8.self))
            }
            return tables
        }
        self.tables = tables
        instance = made!
    }
    deinit {
        let (tables, instance) = (tables, instance)
        FakeHost.shared.enter(world) { tables.filter.pointee.release(nil, instance) }
    }

    /// The plugin itself, to look at its state.
    public var plugin: P { UnderTest.plugin(of: instance) as! P }

    // MARK: what the host of this plugin has and saw

    /// Lines that the plugin logged.
    public var log: [LogLine] { world.log }
    /// Answers requests of the plugin's HTTP client; without it every request fails with `SLUICE_EIO`.
    public var httpService: ((HTTPRequest) -> HTTPResponse?)? {
        get { world.httpService }
        set { world.httpService = newValue }
    }
    /// Names that `chooseCluster` and `hasCluster` find.
    public var clusters: Set<String> {
        get { world.clusters }
        set { world.clusters = newValue }
    }
    /// Values of the plugin's counters and gauges, and sums of its histograms, by name.
    public var metrics: [String: Double] { world.metrics.reduce(into: [:]) { $0[$1.name, default: 0] += $1.value } }
    /// The virtual clock in ms.
    public var nowMs: UInt64 { world.nowMs }
    /// Timers, descriptors, jobs and parked hooks that are under way.
    public var underWay: Int { FakeHost.shared.enter(world) { world.underWay } }

    // MARK: hooks. Each runs to its end; while it waits the virtual clock jumps from event to event.

    public func rewrite(_ exchange: FakeExchange) -> Outcome { run(.rewrite, exchange) }
    public func access(_ exchange: FakeExchange) -> Outcome { run(.access, exchange) }
    public func route(_ exchange: FakeExchange) -> Outcome { run(.routing, exchange) }
    /// The response is in `exchange.response` when it says `.answered`.
    public func content(_ exchange: FakeExchange) -> Outcome { run(.content, exchange) }
    /// One attempt among `exchange.targets`; the choice is in `exchange.chosenTarget`.
    public func balance(_ exchange: FakeExchange) -> Outcome { run(.balancer, exchange) }
    public func headerFilter(_ exchange: FakeExchange) -> Outcome { run(.headerFilter, exchange) }
    public func log(_ exchange: FakeExchange) -> Outcome { run(.log, exchange) }

    /// The response body goes by in `chunks`; what leaves is in `exchange.response.body`. Ends at the first chunk that fails.
    public func bodyFilter(_ exchange: FakeExchange, chunks: [[UInt8]]) -> Outcome {
        exchange.response.body = []
        for (i, chunk) in chunks.enumerated() {
            exchange.chunk = FakeChunk(bytes: chunk, isLast: i == chunks.count - 1)
            let outcome = run(.bodyFilter, exchange)
            if outcome != .next { return outcome }
            exchange.response.body += exchange.chunk.result
        }
        return .next
    }

    private func run(_ phase: FakePhase, _ exchange: FakeExchange) -> Outcome {
        start(phase, exchange)
            ?? FakeHost.shared.enter(world) {
                while exchange.result == nil, world.step() {}
                return exchange.result.map(Outcome.init) ?? .stuck
            }
    }

    // MARK: hooks that wait, step by step

    /// Calls the hook once. nil: it waits; `advance` or `cancel` go on with it.
    public func start(_ phase: FakePhase, _ exchange: FakeExchange) -> Outcome? {
        FakeHost.shared.enter(world) {
            precondition(!exchange.isParked, "a hook of this exchange waits already")
            guard let hook = FakeHooks.hook(phase, tables) else { return .next }
            exchange.begin(phase, world) { [instance] in hook(instance, $0) }
            exchange.call()
            return exchange.result.map(Outcome.init)
        }
    }
    /// Moves the virtual clock and runs what is due. Returns how the hook of `exchange` ended, nil while it waits.
    @discardableResult public func advance(milliseconds: Int, _ exchange: FakeExchange? = nil) -> Outcome? {
        FakeHost.shared.enter(world) {
            world.advance(UInt64(milliseconds))
            return exchange?.result.map(Outcome.init)
        }
    }
    /// The client leaves: the hook is cancelled as the gateway does it.
    public func cancel(_ exchange: FakeExchange) { FakeHost.shared.enter(world) { exchange.cancel() } }

    /// The worker starts; false: the plugin refuses.
    public func workerStarts(_ number: Int = 0) -> Bool {
        FakeHost.shared.enter(world) {
            UnderTest.register(P.self)
            return tables.worker.pointee.worker_init(nil, UInt32(number)) == 0
        }
    }
    /// The generation goes: background tasks are cancelled and run out.
    public func workerEnds() {
        FakeHost.shared.enter(world) {
            UnderTest.register(P.self)
            tables.worker.pointee.worker_exit(nil)
            world.advance(0)
        }
    }
}

public struct LogLine: Equatable, Sendable {
    public let level: LogLevel
    public let text: String
    public init(level: LogLevel, text: String) { (self.level, self.text) = (level, text) }
}

/// Phases that have hooks.
public enum FakePhase: Sendable { case rewrite, access, routing, content, balancer, headerFilter, bodyFilter, log }

enum FakeHooks {
    typealias Hook = (UnsafeMutableRawPointer?, OpaquePointer) -> Int32
    static func hook(_ phase: FakePhase, _ t: UnderTest.Tables) -> Hook? {
        let f = t.filter.pointee
        func of(_ hook: (@convention(c) (UnsafeMutableRawPointer?, OpaquePointer?) -> Int32)?) -> Hook? {
            hook.map { hook in { hook($0, $1) } }
        }
        return switch phase {
        case .rewrite: of(f.rewrite)
        case .access: of(f.access)
        case .routing: of(t.routing?.pointee.choose)
        case .content: of(f.content)
        case .balancer: of(f.balancer)
        case .headerFilter: of(f.header_filter)
        case .bodyFilter: of(f.body_filter)
        case .log: of(f.log)
        }
    }
}
