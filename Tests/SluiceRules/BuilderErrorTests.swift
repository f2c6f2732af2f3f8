// What the builder refuses, and that it says where, what was found and what is allowed.
import SluiceModel
import Testing

@testable import SluiceRules

@Suite struct BuilderErrorTests {
    /// A change to a good configuration, the place of the error, and a word of what was found or is allowed.
    static let cases: [(path: String, word: String, change: @Sendable (inout Configuration) -> Void)] = [
        ("workers", "0", { $0.workers = 0 }),
        ("limits.connections", "15", { $0.limits.connectionsMax = 15 }),
        ("limits.head_bytes", "1024...61440", { $0.limits.headBytesMax = 70_000 }),
        ("limits.target_bytes", "64...16384", { $0.limits.targetBytesMax = 20_000 }),
        ("limits.header_fields", "8...256", { $0.limits.headerFieldsMax = 1000 }),
        ("limits.body_rate_min", "-1", { $0.limits.bodyRateMin = -1 }),
        ("timeouts.head", "1...86400000", { $0.timeouts.headMs = 0 }),
        ("timeouts.drain", "-5", { $0.timeouts.drainMs = -5 }),
        ("pid_file", "NUL", { $0.pidFile = "a\0b" }),
        ("listeners", "0 listeners", { $0.listeners = [] }),
        ("listeners[0].address", "no port", { $0.listeners[0].address = "localhost" }),
        ("listeners[0].address", "IPV4:PORT", { $0.listeners[0].address = "localhost:80" }),
        ("listeners[1].address", "second time", { $0.listeners.append($0.listeners[0]) }),
        ("listeners[0].backlog", "1...65535", { $0.listeners[0].backlog = 0 }),
        ("clusters[1].id", "second time", { $0.clusters.append($0.clusters[0]) }),
        ("clusters[0].id", "1...255", { $0.clusters[0].id = "" }),
        ("clusters[0].targets[0].address", "port", { $0.clusters[0].targets[0].address = "127.0.0.1:99999" }),
        ("clusters[0].targets[0].address", "connected", { $0.clusters[0].targets[0].address = "*:80" }),
        ("clusters[0].targets[0].address", "usable", { $0.clusters[0].targets[0].address = "nowhere.internal:80" }),
        ("clusters[0].targets[0].weight", "1...65535", { $0.clusters[0].targets[0].weight = 0 }),
        ("clusters[0].connect_retries", "17", { $0.clusters[0].connectRetries = 17 }),
        ("forwarded.trusted[1]", "\"10.0.0.0/40\"", { $0.forwarded.trusted = ["::1", "10.0.0.0/40"] }),
        ("plugins[0].name", "unknown plugin \"x\"", { $0.plugins = [PluginSource(name: "x", path: "x.so")] }),
        ("global_plugins[0].name", "no plugin is loaded", { $0.globalPlugins = [PluginBinding(name: "x")] }),
        ("routes[0].id", "an id", { $0.routes = [route("")] }),
        ("routes[1].id", "second time", { $0.routes = [route("a"), route("a")] }),
        ("routes[0].action.cluster", "allowed: demo", { $0.routes = [route("a", action: .cluster("demi"))] }),
        ("routes[0].match.methods[1]", "GET HEAD POST", { $0.routes = [route("a", methods: ["GET", "GTE"])] }),
        ("routes[0].match.methods[0]", "unknown method \"\"", { $0.routes = [route("a", methods: [""])] }),
        ("routes[0].priority", "1000000", { $0.routes = [route("a", priority: 1_000_001)] }),
        (
            "routes[0].plugins[0].name", "unknown plugin",
            {
                $0.routes = [route("a")]
                $0.routes[0].plugins = [PluginBinding(name: "zz")]
            }
        ),
        (
            "routes[0].timeouts.connect", "1...",
            {
                $0.routes = [route("a")]
                $0.routes[0].connectTimeoutMs = 0
            }
        ),
        ("routes[0].match.hosts[0]", "not a host", { $0.routes = [route("a", hosts: ["a:80"])] }),
        ("routes[0].match.hosts[1]", "any host", { $0.routes = [route("a", hosts: ["a", "*"])] }),
        ("routes[0].match.hosts[0]", "*.example.org", { $0.routes = [route("a", hosts: ["a.*.b"])] }),
        ("routes[0].match.hosts[0]", "not a host", { $0.routes = [route("a", hosts: ["*.[::1]"])] }),
        ("routes[0].match.hosts[0]", "not a host", { $0.routes = [route("a", hosts: [""])] }),
        ("routes[0].match.hosts[0]", "labels", { $0.routes = [route("a", hosts: ["*" + String(repeating: ".a", count: 32)])] }),
        ("routes[0].match.paths[0]", "slash", { $0.routes = [route("a", paths: ["x"])] }),
        (
            "routes[0].action.respond.status", "200...599",
            { $0.routes = [route("a", action: .respond(status: 100, body: "", headers: []))] }
        ),
        ("routes[0].action.respond.body", "204", { $0.routes = [route("a", action: .respond(status: 204, body: "x", headers: []))] }),
        (
            "routes[0].action.respond.headers.\"a b\"", "header name",
            { $0.routes = [route("a", action: .respond(status: 200, body: "", headers: [HeaderLine(name: "a b", value: "")]))] }
        ),
        (
            "routes[0].action.respond.headers.X", "control",
            { $0.routes = [route("a", action: .respond(status: 200, body: "", headers: [HeaderLine(name: "X", value: "a\r\nB: c")]))] }
        ),
        (
            "routes[0].action.respond.headers.X", "white space",
            { $0.routes = [route("a", action: .respond(status: 200, body: "", headers: [HeaderLine(name: "X", value: " a")]))] }
        ),
        (
            "routes[0].action.respond.headers.Content-Length", "gateway",
            { $0.routes = [route("a", action: .respond(status: 200, body: "", headers: [HeaderLine(name: "Content-Length", value: "1")]))] }
        ),
        ("routes[0].action.redirect.status", "301", { $0.routes = [route("a", action: .redirect(status: 304, location: "/"))] }),
        ("routes[0].action.redirect.location", "visible", { $0.routes = [route("a", action: .redirect(status: 301, location: "/ü"))] }),
        ("routes[0].action.redirect.location", "visible", { $0.routes = [route("a", action: .redirect(status: 301, location: ""))] }),
    ]

    @Test(arguments: 0..<cases.count) func refused(_ i: Int) {
        let (path, word, change) = BuilderErrorTests.cases[i]
        let error = #expect(throws: ImageError.self) { try builder(small(change)).build() }
        #expect(error?.path == path, "\(error?.description ?? "built")")
        #expect(error?.description.contains(word) == true, "\(error?.description ?? "")")
    }

    @Test func resolverFailureIsTold() {
        struct Down: Error, CustomStringConvertible { var description: String { "server failure" } }
        let c = small { $0.clusters[0].targets[0].address = "db.internal:80" }
        let error = #expect(throws: ImageError.self) { try builder(c, resolve: { _ in throw Down() }).build() }
        #expect(error?.found.contains("server failure") == true)
    }

    @Test func onlyNamesAreResolved() throws {
        let c = small { $0.clusters[0].targets = [Target(address: "127.0.0.1:1"), Target(address: "a.b:2"), Target(address: "unix:/x")] }
        nonisolated(unsafe) var asked: [String] = []
        _ = try builder(c) {
            asked.append($0)
            return [AddressRecord(IPAddress("::1")!, port: 2)]
        }.build()
        #expect(asked == ["a.b:2"])
    }

    @Test func tooManyBindings() {
        let c = small {
            $0.routes = [route("a")]
            $0.routes[0].plugins = (0..<65).map { PluginBinding(name: "p", configJSON: "[\($0)]") }
        }
        #expect(throws: ImageError.self) { try builder(c, plugins: [artifact("p")]).build() }
    }
}
