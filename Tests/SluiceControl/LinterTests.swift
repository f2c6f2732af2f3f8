// The linter: each rule with what it finds, and with what it must not find.
import SluiceModel
import Testing

@testable import SluiceControl

@Suite struct LinterTests {
    private func route(
        _ id: String, _ paths: [String] = [], hosts: [String] = [], methods: [String] = [], priority: Int = 0, when: String? = nil
    ) -> Route {
        var route = Route(id: id, action: .cluster("c"))
        (route.paths, route.hosts, route.methods, route.priority, route.when) = (paths, hosts, methods, priority, when)
        return route
    }
    private func lint(_ routes: [Route], _ change: (inout Configuration) -> Void = { _ in }) -> [String] {
        var configuration = Configuration()
        configuration.clusters = [Cluster(id: "c")]
        configuration.routes = routes
        change(&configuration)
        return Linter.findings(configuration).map { "\($0.rule.rawValue) \($0.path)" }
    }

    @Test func aBroaderRouteOfHigherPriorityHides() {
        #expect(lint([route("all", ["/*"], priority: 10), route("users", ["/users/{id}"])]) == ["shadowed-route routes[1]"])
        #expect(lint([route("any", priority: 10), route("users", ["/users"], hosts: ["a.example"])]) == ["shadowed-route routes[1]"])
        #expect(
            lint([route("wild", ["/a/*"], hosts: ["*.example"], priority: 1), route("x", ["/a/b"], hosts: ["x.y.example"])]) == [
                "shadowed-route routes[1]"
            ])
        #expect(lint([route("seg", ["/a/{x}/c"], priority: 1), route("x", ["/a/b/c"])]) == ["shadowed-route routes[1]"])
        #expect(lint([route("pre", ["/ab*"], priority: 1), route("x", ["/abc/d"])]) == ["shadowed-route routes[1]"])
    }

    @Test func narrowerRoutesOfEqualPriorityDoNot() {
        #expect(lint([route("all", ["/*"]), route("users", ["/users/{id}"])]).isEmpty)
        #expect(lint([route("any"), route("x", ["/x"], hosts: ["a.example"])]).isEmpty)
        #expect(lint([route("exact", ["/a"], priority: 1), route("prefix", ["/a*"])]).isEmpty)
        #expect(lint([route("seg", ["/a/{x}"], priority: 1), route("x", ["/a/*"])]).isEmpty)
        #expect(lint([route("seg", ["/a/{x}"], priority: 1), route("x", ["/a/"])]).isEmpty)
        #expect(lint([route("low", ["/*"]), route("high", ["/*"], priority: 1, when: "request.method == 'GET'")]).isEmpty)
        #expect(lint([route("one", ["/*"], hosts: ["a.example"], priority: 1), route("x", ["/x"], hosts: ["b.example"])]).isEmpty)
        #expect(lint([route("wild", hosts: ["*.example"], priority: 1), route("x", hosts: ["example"])]).isEmpty)
        #expect(lint([route("re", ["~^/a"], priority: 1), route("x", ["/a"])]).isEmpty)
        #expect(lint([route("lit", ["=/a/{x}"], priority: 1), route("x", ["/a/{x}"])]).isEmpty)
    }

    @Test func theSameMatchIsTakenById() {
        #expect(lint([route("b", ["/x/{id}"]), route("a", ["/x/{name}"])]) == ["shadowed-route routes[0]"])
        #expect(
            lint([route("b", ["/x"], when: "true"), route("a", ["/x"])]).filter { $0.contains("shadowed") } == ["shadowed-route routes[1]"])
        #expect(lint([route("b", ["/x"], when: "request.method == 'GET'"), route("a", ["/x"])]).isEmpty)
    }

    @Test func methodsAreCountedTogether() {
        let get = route("get", ["/x"], methods: ["GET"], priority: 2), post = route("post", ["/x"], methods: ["POST"], priority: 1)
        #expect(lint([get, post, route("both", ["/x"], methods: ["GET", "POST"])]) == ["shadowed-route routes[2]"])
        #expect(lint([get, post, route("more", ["/x"], methods: ["GET", "PUT"])]).isEmpty)
    }

    @Test func everyCombinationMustBeHidden() {
        #expect(lint([route("all", ["/a/*"], priority: 1), route("x", ["/a/b", "/c"])]).isEmpty)
        #expect(lint([route("all", ["/a/*", "/c"], priority: 1), route("x", ["/a/b", "/c"])]) == ["shadowed-route routes[1]"])
    }

    @Test func unusedThingsAreNamed() {
        #expect(lint([route("a")]) { $0.clusters.append(Cluster(id: "spare")) } == ["unused-cluster clusters[1]"])
        #expect(
            lint([route("a")]) {
                $0.clusters.append(Cluster(id: "chosen"))
                $0.globalPlugins = [PluginBinding(name: "chooser", configJSON: #"{"cluster":"chosen"}"#)]
            }.isEmpty)
        #expect(
            lint([route("a")]) {
                var shared = route("m", ["/m"])
                shared.action = .split(Split(branches: [Split.Branch(cluster: "copy", weight: 1)]))
                $0.routes.append(shared)
                $0.clusters.append(Cluster(id: "copy"))
            }.isEmpty)
        #expect(lint([route("a")]) { $0.ipSets = [IPSet(id: "office")] } == ["unused-ip-set ip_sets[0]"])
        #expect(lint([route("a", when: #"source.address in ipset("office")"#)]) { $0.ipSets = [IPSet(id: "office")] }.isEmpty)
    }

    @Test func caseAndPatterns() {
        #expect(lint([route("a", ["/Users"]), route("b", ["/users"])]) == ["case-twins routes[1].match.paths[0]"])
        #expect(lint([route("a", ["/x"]), route("A", ["/y"])]) == ["case-twins routes[1].id"])
        #expect(lint([route("a", ["~^/x{1,40}[0-9]{2,30}$"])]) == ["costly-pattern routes[0].match.paths[0]"])
        #expect(lint([route("a", ["~.*\\.php$"])]) == ["costly-pattern routes[0].match.paths[0]"])
        #expect(lint([route("a", ["~^/v[0-9]{1,3}/"])]).isEmpty)
    }

    @Test func manyRoutesAreFast() {
        let routes = (0..<20_000).map { route("r\($0)", ["/api/\($0 % 1000)/{id}/\($0)/*"], hosts: ["h\($0 % 50).example.com"]) }
        let start = ContinuousClock.now
        #expect(lint(routes).isEmpty)
        #expect(ContinuousClock.now - start < .seconds(20))
    }
}
