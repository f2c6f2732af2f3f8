// The admin API: statuses, bodies, refusals; and once over a real socket.
import Foundation
import SluiceShared
import Testing

@testable import SluiceControl
@testable import SluiceModel

struct FakeCounters: CounterSource {
    func snapshot(routeSlots: some Sequence<UInt32>, plugins: some Sequence<PluginSlot>) -> CounterSnapshot {
        var out = MetricsTests.counters()
        out.workers[0].generations = [GenerationState(plugin: 2, generation: 1, state: GenerationPhase.active.rawValue, references: 1)]
        return out
    }
}

@Suite struct AdminTests {
    func ask(
        _ bench: Bench, _ method: String, _ path: String, _ body: String = "", type: String? = "application/json",
        query: [String: String] = [:]
    ) async throws -> (Int, JSONValue, AdminResponse) {
        let api = AdminAPI(control: bench.control, counters: FakeCounters())
        let answer = await api.handle(AdminRequest(method: method, path: path, query: query, contentType: type, body: Array(body.utf8)))
        let json = (try? JSONReader.read(answer.body)) ?? .null
        if answer.status >= 400 {
            #expect(answer.contentType == "application/problem+json")
            #expect(json["status"]?.int == answer.status)
            for key in ["type", "title", "detail"] { #expect(json[key]?.string?.isEmpty == false, "\(key)") }
        }
        return (answer.status, json, answer)
    }

    @Test func pathsAndMethods() async throws {
        let bench = try await Bench()
        #expect(try await ask(bench, "GET", "/healthz").0 == 200)
        #expect(try await ask(bench, "GET", "/nowhere").0 == 404)
        #expect(try await ask(bench, "GET", "/v1/plugins/a/b").0 == 404)
        let wrong = try await ask(bench, "PUT", "/v1/plugins/alpha")
        #expect(wrong.0 == 405 && wrong.2.headers["Allow"] == "DELETE, GET, HEAD, OPTIONS")
        #expect(try await ask(bench, "GET", "/v1/reload").2.headers["Allow"] == "OPTIONS, POST")
        #expect(try await ask(bench, "HEAD", "/v1/status").0 == 200)
        let metrics = try await ask(bench, "GET", "/metrics").2
        #expect(metrics.contentType == "text/plain; version=0.0.4; charset=utf-8")
        #expect(String(decoding: metrics.body, as: UTF8.self).contains("sluice_revision 1\n"))
    }

    @Test func viewsOfPluginsStatusAndConfiguration() async throws {
        let bench = try await Bench()
        let list = try await ask(bench, "GET", "/v1/plugins").1["plugins"]?.array
        let alpha = try #require(list?.first)
        #expect(alpha["name"]?.string == "alpha" && alpha["generation"]?.int == 1 && alpha["routes"] == .strings(["one"]))
        #expect(alpha["phases"]?["access"]?["calls"]?.int == 6 && alpha["phases"]?["rewrite"] == nil)
        #expect(alpha["generations"]?.array?.first?["state"]?.string == "active")
        #expect(try await ask(bench, "GET", "/v1/plugins/alpha").1 == alpha)
        let missing = try await ask(bench, "GET", "/v1/plugins/alhpa")
        #expect(missing.0 == 404 && missing.1["detail"]?.string?.contains("did you mean \"alpha\"?") == true)
        let status = try await ask(bench, "GET", "/v1/status").1
        #expect(status["revision"]?.int == 1 && status["workers"]?.array?.count == 2 && status["restarts"]?["workers"]?.int == 3)
        #expect(try await ask(bench, "GET", "/v1/config").1["routes"]?.array?.first?["id"]?.string == "one")
    }

    @Test func loadUnloadReload() async throws {
        let bench = try await Bench()
        let path = try bench.write("beta 1.2.3 log", "beta.so")
        let dry = try await ask(bench, "POST", "/v1/plugins/load", #"{"path": "\#(path)"}"#, query: ["dry_run": "1"])
        #expect(dry.0 == 200 && dry.1["dry_run"]?.bool == true && dry.1["version"]?.string == "1.2.3" && bench.master.sent == [])
        let loaded = try await ask(bench, "POST", "/v1/plugins/load", #"{"path": "\#(path)"}"#)
        #expect(loaded.0 == 200 && loaded.1["generation"]?.int == 1 && loaded.1["revision"]?.int == 2)
        #expect(loaded.1["workers"]?.array?.compactMap { $0["state"]?.string } == ["committed", "committed"])
        #expect(try await ask(bench, "POST", "/v1/plugins/load", #"{"name": "beta"}"#).1["generation"]?.int == 2)
        #expect(try await ask(bench, "DELETE", "/v1/plugins/alpha").0 == 409)
        #expect(try await ask(bench, "DELETE", "/v1/plugins/gamma").0 == 404)
        let gone = try await ask(bench, "DELETE", "/v1/plugins/beta")
        #expect(gone.0 == 200 && gone.1["name"]?.string == "beta" && gone.1["generations"]?.array != nil)
        #expect(try await ask(bench, "POST", "/v1/reload").1["revision"]?.int == 5)
    }

    @Test(arguments: [
        (#"{"path": "/x.so""#, "application/json", 400), (#"{"path": "x.so"}"#, "application/json", 400),
        (#"{"path": 5}"#, "application/json", 400),
        (#"{"pth": "/x.so"}"#, "application/json", 400), ("{}", "application/json", 400), ("[]", "application/json", 400),
        ("", "application/json", 400),
        (#"{"path": "/x.so", "dry_run": "yes"}"#, "application/json", 400), (#"{"name": "Bad Name"}"#, "application/json", 400),
        (#"{"path": "/x.so"}"#, "text/plain", 415), (#"{"path": "/x.so"}"#, "application/json-patch", 415),
        (#"{"path": "/does/not/exist.so"}"#, "application/json; charset=utf-8", 422),
        (#"{"name": "unknown"}"#, "application/json", 422),
    ]) func refusedLoads(_ body: String, _ type: String, _ status: Int) async throws {
        let bench = try await Bench()
        #expect(try await ask(bench, "POST", "/v1/plugins/load", body, type: type).0 == status)
        #expect(bench.master.sent == [])
    }

    @Test func malformedBodiesGetTheirPlaceAndLargeOnesAreRefused() async throws {
        let bench = try await Bench()
        #expect(
            try await ask(bench, "POST", "/v1/plugins/load", "{\n  \"path\" \"/x\"}").1["detail"]?.string
                == "line 2, column 10: a colon is needed")
        #expect(try await ask(bench, "POST", "/v1/plugins/load", String(repeating: " ", count: (1 << 20) + 1)).0 == 413)
        let reload = try await {
            _ = try bench.write("version: 1\nlisteners: []\nx: 1", "sluice.yaml"); return try await ask(bench, "POST", "/v1/reload")
        }()
        #expect(reload.0 == 422 && reload.1["errors"]?.array?.count == 2)
    }

    @Test func loadingIsOffUnlessConfigured() async throws {
        let bench = try await Bench(Bench.configuration.replacing("plugins_api: local", with: "plugins_api: no"))
        #expect(try await ask(bench, "POST", "/v1/plugins/load", #"{"path": "/x.so"}"#).0 == 403)
        #expect(try await ask(bench, "DELETE", "/v1/plugins/alpha").0 == 403)
        #expect(try await ask(bench, "GET", "/v1/plugins").0 == 200)
    }

    @Test func onlyThisMachineIsServed() {
        for address in ["0.0.0.0:80", "*:80", "10.0.0.1:80", "[::]:80", "example.org:80", "off", "8080"] {
            #expect(throws: LocalServer.Refusal.self, "\(address)") { try LocalServer.binding(address) }
        }
        for address in ["127.0.0.1:80", "127.8.8.8:80", "[::1]:80", "localhost:80", "unix:/tmp/x"] {
            #expect(throws: Never.self, "\(address)") { try LocalServer.binding(address) }
        }
    }

    @Test func webPagesAreKeptOut() {
        func foreign(_ origin: String?, _ site: String?, _ host: String?, unix: Bool = false) -> Bool {
            LocalServer.foreign(origin: origin, site: site, host: host, isUnix: unix) != nil
        }
        #expect(!foreign(nil, nil, "127.0.0.1:8082"))
        #expect(!foreign(nil, nil, "localhost"))
        #expect(!foreign(nil, nil, "[::1]:8082"))
        #expect(!foreign("http://localhost:8082", "same-origin", "localhost:8082"))
        #expect(!foreign(nil, "none", "localhost:8082"))
        #expect(!foreign(nil, nil, "anything", unix: true))
        #expect(foreign("http://evil.example", nil, "localhost:8082"))
        #expect(foreign("null", nil, "localhost:8082"))
        #expect(foreign(nil, "cross-site", "localhost:8082"))
        #expect(foreign(nil, nil, "rebound.example:8082"))
        #expect(foreign("http://evil.example", nil, "localhost", unix: true))
    }

    @Test func overARealSocket() async throws {
        let bench = try await Bench()
        let api = AdminAPI(control: bench.control, counters: FakeCounters())
        let path = "/tmp/sluice-\(UUID().uuidString.prefix(8)).sock"
        let address = "unix:" + path
        let (running, started) = AsyncStream<Void>.makeStream()
        let server = LocalServer(address: address, name: "admin") { await api.handle($0) }
        let task = Task { try await server.run { started.yield() } }
        defer {
            task.cancel()
            unlink(path)
        }
        for await _ in running { break }
        func request(_ method: String, _ path: String, _ body: [UInt8] = []) async throws -> SocketClient.Answer {
            try await offload { try SocketClient.request(address, method, path, body: body, timeoutMs: 60_000) }
        }
        #expect(try await request("GET", "/healthz").body == Array("ok\n".utf8))
        let loaded = try await request("POST", "/v1/plugins/load", Array(#"{"path":"\#(try bench.write("beta 1.0.0 log", "b.so"))"}"#.utf8))
        #expect(loaded.status == 200)
        #expect(try await request("GET", "/v1/plugins").status == 200)
        #expect(try await request("POST", "/v1/plugins/load", [UInt8](repeating: 32, count: (1 << 20) + 1)).status == 413)
        #expect(try await request("PATCH", "/v1/status").status == 405)
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
        #expect(throws: LocalServer.Refusal.self) { try LocalServer.removeStale(path) }
    }

    /// A change of `admin.listen` comes through the listener that it closes; the new one must live on.
    @Test func listenersMoveWithTheConfiguration() async throws {
        let paths = (0..<2).map { _ in "/tmp/sluice-\(UUID().uuidString.prefix(8)).sock" }
        defer { for path in paths { unlink(path) } }
        var configurations = [Configuration(), Configuration()]
        for index in 0..<2 {
            configurations[index].admin = AdminListener(address: "unix:" + paths[index])
            configurations[index].dyups = LocalListener(address: nil)
        }
        let box = Box()
        let next = configurations[1]
        let servers = LocalServers(
            admin: { request in
                if request.path == "/move" { await box.servers?.apply(next) }
                return .text("here")
            }, uploads: { _ in .refused(.text("no uploads")) })
        box.servers = servers
        await servers.apply(configurations[0])
        func ask(_ index: Int, _ path: String) async -> Int? {
            for _ in 0..<100 {
                if let answer = try? await offload({ try SocketClient.request("unix:" + paths[index], "GET", path, timeoutMs: 2_000) }) {
                    return answer.status
                }
                try? await Task.sleep(for: .milliseconds(20))
            }
            return nil
        }
        #expect(await ask(0, "/move") == 200)
        for _ in 0..<3 {
            #expect(await ask(1, "/") == 200)
            try await Task.sleep(for: .milliseconds(50))
        }
        var off = Configuration()
        off.admin = AdminListener(address: nil)
        off.dyups = LocalListener(address: nil)
        await servers.apply(off)
    }
    private final class Box: @unchecked Sendable { var servers: LocalServers? }

    @Test func answersOfServersAreParsed() throws {
        #expect(
            try SocketClient.parse(Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".utf8), "a").body
                == Array("abc".utf8))
        for bad in [
            "", "SSH-2.0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\nabc",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        ] {
            #expect(throws: ClientProblem.self) { try SocketClient.parse(Array(bad.utf8), "a") }
        }
    }
}
