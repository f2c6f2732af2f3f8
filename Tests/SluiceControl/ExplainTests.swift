// Explain and what-if over a real image, without a gateway; and requests as people describe them.
import SluiceCEL
import SluiceModel
import SluiceRules
import Testing

@testable import SluiceControl

@Suite struct ExplainTests {
    private func route(_ id: String, _ paths: [String], hosts: [String] = [], methods: [String] = [], priority: Int = 0, to: String = "a")
        -> Route
    {
        var route = Route(id: id, action: .cluster(to))
        (route.paths, route.hosts, route.methods, route.priority) = (paths, hosts, methods, priority)
        return route
    }
    private func configuration(_ routes: [Route]) -> Configuration {
        var out = Configuration()
        out.listeners = [Listener(address: "127.0.0.1:1")]
        out.clusters = ["a", "b"].map { id in
            var cluster = Cluster(id: id)
            cluster.targets = [Target(address: "127.0.0.1:10"), Target(address: "127.0.0.1:11", weight: 3)]
            return cluster
        }
        out.routes = routes
        return out
    }
    private func with<T>(_ configuration: Configuration, _ body: (Explainer) throws -> T) throws -> T {
        var state = ControlState()
        state.revision = 4
        state.routeSlots.assign(configuration.routes.map(\.id))
        let bytes = try RulesCompiler(resolver: NameResolver()).compile(configuration, state: state, configPath: "/nowhere/sluice.yaml")
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes.count, alignment: 64)
        defer { memory.deallocate() }
        memory.copyMemory(from: bytes, byteCount: bytes.count)
        return try body(Explainer(image: ImageView(base: UnsafeRawPointer(memory), count: bytes.count), configuration: configuration))
    }
    private func request(_ url: String, _ method: String = "GET") -> SampleRequest {
        var request = SampleRequest()
        (request.url, request.method) = (url, method)
        return request
    }

    @Test func everyCandidateHasAReason() throws {
        let policies = configuration([
            route("all", ["/*"]), route("user", ["/users/{id}"], methods: ["GET"], to: "b"),
            route("other", ["/users/*"], hosts: ["b.example"]),
        ])
        try with(policies) { explainer in
            let got = explainer.explain(request("http://a.example/users/7?x=1"))
            #expect(got.revision == 4 && got.chosen?.route == "user" && got.cluster == "b" && got.action == "b")
            #expect(got.chosen?.parameters.map { "\($0)=\($1)" } == ["id=7"])
            #expect(
                Dictionary(uniqueKeysWithValues: got.candidates.map { ($0.route, $0.verdict.rawValue) }) == [
                    "user": "chosen", "all": "outranked", "other": "host",
                ])
            #expect(got.targets.map(\.percent) == [25, 75] && got.targets.map(\.isTaken) == [false, true])
            let post = explainer.explain(request("/users/7", "POST"))
            #expect(post.chosen?.route == "all" && post.candidates.first?.verdict == .method)
            let text = Explanation.text(got.json)
            #expect(text.contains("✓ user") && text.contains("{id} = 7") && text.contains("→ 127.0.0.1:11") && text.contains("✗ other"))
        }
    }

    @Test func noRouteIs404Or405() throws {
        try with(configuration([route("x", ["/x"], methods: ["PUT"])])) { explainer in
            #expect(explainer.explain(request("/x")).json["status"]?.int == 405)
            #expect(explainer.explain(request("/y")).json["status"]?.int == 404)
            #expect(Explanation.text(explainer.explain(request("/x")).json).hasSuffix("no route: 405, other methods have one"))
        }
    }

    @Test func changesAreGrouped() throws {
        let requests = (0..<30).map { request("/users/\($0)") } + (0..<10).map { request("/x/\($0)") }
        try with(configuration([route("all", ["/*"])])) { old in
            try with(configuration([route("all", ["/*"]), route("user", ["/users/*"], to: "b")])) { new in
                let found = WhatIf(requests, old: old, new: new)
                #expect(found.requests == 40 && found.unchanged == 10 && found.groups.count == 1)
                #expect(found.groups[0].count == 30 && found.groups[0].before.route == "all" && found.groups[0].after.route == "user")
                #expect(WhatIf.text(found.json).contains("30 ×  all → a  ⇒  user → b"))
                #expect(WhatIf(requests, old: old, new: old).groups.isEmpty)
            }
        }
    }

    @Test func requestsAreDescribed() throws {
        let json = try SampleRequest(
            file: Array(#"{"method":"PUT","url":"/a?b=1","headers":{"X-A":["1","2"]},"from":"10.0.0.1","consumer":"bob"}"#.utf8))
        #expect(json.method == "PUT" && json.headers.map(\.value) == ["1", "2"] && json.sourceAddress == IPAddress("10.0.0.1"))
        let head = try SampleRequest(file: Array("POST /users HTTP/1.1\r\nHost: a.example\r\nX-B:  2\r\n\r\nbody: no".utf8))
        #expect(
            head.method == "POST" && head.url == "/users" && head.headers.map { "\($0.name)=\($0.value)" } == ["Host=a.example", "X-B=2"])
        for (text, place) in [
            (#"{"urll":"/"}"#, "/urll"), (#"{"from":"here"}"#, "/from"), (#"{"headers":[["a"]]}"#, "/headers"), (#"{"mtls":1}"#, "/mtls"),
        ] {
            do throws(PolicyTextProblem) {
                _ = try SampleRequest(file: Array(text.utf8))
                Issue.record("\(text) was taken")
            } catch {
                #expect(error.pointer == place)
            }
        }
        #expect(throws: PolicyTextProblem.self) { try SampleRequest(file: Array("GET".utf8)) }
    }
}
