// What `explain` is told: every candidate in the order in which it would win, with the reason why it does not.
import SluiceBytes
import SluiceModel
import SluiceRouter
import SluiceRules
import Testing

@Suite struct RouteTraceTests {
    private func verdicts(_ table: Table, _ host: StaticString, _ path: StaticString, method: UInt8 = 1, limit: Int = 100) -> [String] {
        let view = table.view
        let trace = Router.candidates(
            view, host: ByteView(host), path: ByteView(path), method: method, conditions: table.words.conditions, limit: limit)
        return trace.candidates.map { "\(view.text(view.routes[Int($0.route)].id).string) \($0.verdict)" } + (trace.isCut ? ["…"] : [])
    }

    @Test func everyReasonInOrder() throws {
        let table = try Table([
            route("any", ["/*"]), route("posts", ["/users/{id}"], methods: ["POST"]), route("beta", ["/users/{id}"], when: "beta"),
            route("first", ["/users/*"], methods: ["GET"], priority: 3), route("regex", ["~^/users/[0-9]+$"]),
            route("other", ["/orders"]), route("far", ["/users/7"], hosts: ["far.example"]), route("near", ["/users/7"], hosts: ["h"]),
        ])
        #expect(
            verdicts(table, "h", "/users/7") == [
                "first chosen", "near outranked", "beta condition", "posts method", "regex outranked", "any outranked", "other path",
                "far host",
            ])
        table.words.isTrue = ["beta"]
        #expect(verdicts(table, "x", "/users/8", method: 3).prefix(2) == ["first method", "beta chosen"])
        #expect(verdicts(table, "x", "/orders/8", limit: 1).last == "…")
    }

    /// The route that a trace says is chosen is the one that a lookup finds.
    @Test func agreesWithTheLookup() throws {
        let table = try Table([
            route("a", ["/a/*", "~b$"], hosts: ["h", "*.c"]), route("b", ["/a/{x}"], when: "beta"), route("c", [], methods: ["PUT"]),
        ])
        for words in [[], ["beta"]] {
            table.words.isTrue = Set(words)
            for host in ["h", "x.c", "other"] {
                for path in ["/a/b", "/b", "/a", "/"] {
                    for method in UInt8(1)...4 {
                        let asked = table.ask(host, path, method: method).id
                        var (h, p) = (host, path)
                        let chosen = h.withUTF8 { h in
                            p.withUTF8 { p in
                                Router.candidates(
                                    table.view, host: ByteView(h.baseAddress!, h.count), path: ByteView(p.baseAddress!, p.count),
                                    method: method, conditions: table.words.conditions
                                ).chosen
                            }
                        }
                        #expect(chosen.map { table.view.text(table.view.routes[Int($0.route)].id).string } == asked)
                    }
                }
            }
        }
    }
}
