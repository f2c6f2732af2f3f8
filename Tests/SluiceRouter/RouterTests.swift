// What matches and which of several wins, one rule after the other.
import SluiceModel
import Testing

@Suite struct RouterTests {
    @Test(arguments: [
        // pattern, path, matches
        ("/about", "/about", true), ("/about", "/about/", false), ("/about", "/abou", false), ("/about", "/About", false),
        ("/about", "/about2", false),
        ("/", "/", true), ("/", "/x", false), ("/", "", false),
        ("/static/*", "/static/", true), ("/static/*", "/static/a/b", true), ("/static/*", "/static", false),
        ("/static/*", "/staticx", false),
        ("/st*", "/st", true), ("/st*", "/static", true), ("/st*", "/s", false), ("/*", "/", true), ("/*", "*", false),
        ("/u/{id}", "/u/7", true), ("/u/{id}", "/u/", false), ("/u/{id}", "/u", false), ("/u/{id}", "/u/7/", false),
        ("/u/{id}", "/u/7/x", false),
        ("/u/{id}/", "/u/7/", true), ("/u/{id}/*", "/u/7/", true), ("/u/{id}/*", "/u/7", false), ("/u/{id}/*", "/u//", false),
        ("/{a}/{b}", "/x/y", true),
        ("/{a}/{b}", "/x/", false), ("/{a}/{b}", "//y", false), ("/u/{id}/p", "/u/7/p", true), ("/u/{id}/p", "/u/7/q", false),
        ("/u/{id}", "/u/{id}", true),
        ("=/a{b}*", "/a{b}*", true), ("=/a{b}*", "/a{b}*c", false), ("=/u/{id}", "/u/7", false), ("/a%2Fb", "/a%2Fb", true),
        ("/a%2Fb", "/a/b", false),
        ("/a//b", "/a//b", true), ("/a//b", "/a/b", false), ("/a-label-longer-than-eight-bytes", "/a-label-longer-than-eight-bytes", true),
        ("/a-label-longer-than-eight-bytes", "/a-label-longer-than-eight-bytez", false),
        ("/a-label-longer-than-eight-bytes", "/a-label-longer", false),
    ])
    func path(pattern: String, path: String, matches: Bool) throws {
        #expect(try Table([route("r", [pattern])]).ask("h", path).id == (matches ? "r" : nil))
    }

    @Test func noPathsIsAnyPath() throws {
        let t = try Table([route("r")])
        for path in ["/", "/a/b", "*", ""] { #expect(t.ask("h", path).id == "r") }
    }

    @Test(arguments: [
        ("example.org", "example.org", true), ("example.org", "EXAMPLE.org", true), ("Example.ORG", "example.org", true),
        ("example.org", "example.org.", true),
        ("example.org.", "example.org", true), ("example.org", "a.example.org", false), ("example.org", "xexample.org", false),
        ("example.org", "", false),
        ("example.org", "example.org..", false), ("*.example.org", "a.example.org", true), ("*.example.org", "a.b.C.example.org", true),
        ("*.example.org", "example.org", false), ("*.example.org", ".example.org", false), ("*.example.org", "a.example.org.", true),
        ("*.example.org", "aexample.org", false), ("*.org", "example.org", true), ("*.org", "org", false), ("[::1]", "[::1]", true),
        ("10.0.0.1", "10.0.0.1", true),
    ])
    func host(pattern: String, host: String, matches: Bool) throws {
        #expect(try Table([route("r", hosts: [pattern])]).ask(host, "/").id == (matches ? "r" : nil))
        #expect(try Table([route("r", hosts: [pattern]), route("any")]).ask(host, "/").id == (matches ? "r" : "any"))
    }

    @Test func hostLengths() throws {
        let t = try Table([route("w", hosts: ["*.example.org"]), route("any")])
        #expect(t.ask(String(repeating: "a", count: 243) + ".example.org", "/").id == "w")  // 255 bytes
        #expect(t.ask(String(repeating: "a", count: 244) + ".example.org", "/").id == "any")
        #expect(t.ask(String(repeating: ".", count: 255), "/").id == "any")
        #expect(t.ask(String(repeating: "a.", count: 100) + "example.org", "/").id == "w")
    }

    @Test func wildcardsOfManyLengths() throws {
        let deep = (1...31).map { n in "*." + (1...n).map { "l\($0)" }.reversed().joined(separator: ".") }
        let t = try Table(deep.enumerated().map { route("w\($0.offset + 1)", hosts: [$0.element]) })
        for n in 1...31 { #expect(t.ask("x." + (1...n).map { "l\($0)" }.reversed().joined(separator: "."), "/").id == "w\(n)") }
        #expect(t.ask("x." + (1...40).map { "l\($0)" }.reversed().joined(separator: "."), "/").id == "w31")
    }

    /// Each line: routes from worst to best; the request finds the last one.
    static let orders: [(String, [Route], String, String)] = [
        (
            "host: any, wildcard, longer wildcard, exact",
            [route("any"), route("w1", hosts: ["*.org"]), route("w2", hosts: ["*.example.org"]), route("x", hosts: ["a.example.org"])],
            "a.example.org", "/"
        ),
        ("host before path", [route("a", ["/exact"]), route("z", ["/*"], hosts: ["h"])], "h", "/exact"),
        (
            "any path, prefix, longer prefix, exact",
            [route("a"), route("b", ["/*"]), route("c", ["/a/*"]), route("d", ["/a/b*"]), route("e", ["/a/b"])], "h", "/a/b"
        ),
        ("exact with a segment before a longer literal prefix", [route("a", ["/users/7*"]), route("b", ["/users/{id}"])], "h", "/users/7"),
        ("literal before segment", [route("a", ["/users/{id}"]), route("b", ["/users/me"])], "h", "/users/me"),
        ("literal first from the left", [route("a", ["/{x}/b/{y}"]), route("b", ["/a/{x}/c"])], "h", "/a/b/c"),
        ("literal prefix before segment prefix", [route("a", ["/{x}/c/*"]), route("b", ["/a/*"])], "h", "/a/c/d"),
        ("segment prefix before the prefix that ends there", [route("a", ["/a/*"]), route("b", ["/a/{x}/*"])], "h", "/a/b/c"),
        ("id last", [route("b", ["/a"]), route("a", ["/a"])], "h", "/a"),
        ("id byte by byte", [route("a10", ["/a"]), route("B", ["/a"])], "h", "/a"),
        ("priority before host", [route("x", hosts: ["h"]), route("any", priority: 1)], "h", "/"),
        ("priority before path", [route("x", ["/a"]), route("p", ["/*"], priority: 1)], "h", "/a"),
        ("priority among wildcards", [route("x", hosts: ["*.b.c"]), route("p", hosts: ["*.c"], priority: 1)], "a.b.c", "/"),
        ("negative priority", [route("a", ["/a"], hosts: ["h"], priority: -1), route("b")], "h", "/a"),
        ("both negative", [route("a", ["/a"], priority: -3), route("b", priority: -2)], "h", "/a"),
        (
            "the largest and the smallest", [route("a", ["/a"], hosts: ["h"], priority: -1_000_000), route("b", priority: 1_000_000)], "h",
            "/a"
        ),
        ("equal priority: host again", [route("p", priority: 5), route("x", hosts: ["h"], priority: 5)], "h", "/"),
        (
            "prefix of the exact host before exact path of any host",
            [route("a", ["/a"], priority: 5), route("x", ["/*"], hosts: ["h"], priority: 5)], "h", "/a"
        ),
    ]
    @Test(arguments: 0..<orders.count) func order(_ i: Int) throws {
        let (rule, routes, host, path) = RouterTests.orders[i]
        for n in 1...routes.count {  // each against all those below it, in both orders of the file
            #expect(try Table(Array(routes[..<n])).ask(host, path).id == routes[n - 1].id, "\(rule)")
            #expect(try Table(routes[..<n].reversed()).ask(host, path).id == routes[n - 1].id, "\(rule)")
        }
    }

    @Test func backtracking() throws {
        let t = try Table([
            route("a", ["/a/b/x"]), route("b", ["/a/{p}/y"]), route("c", ["/{q}/b/z"]), route("d", ["/a/b*"], methods: ["POST"]),
            route("e", ["/*"]),
        ])
        #expect(t.ask("h", "/a/b/x").id == "a")
        #expect(t.ask("h", "/a/b/y") == Answer(id: "b", parameters: ["p": "b"]))
        #expect(t.ask("h", "/a/b/z") == Answer(id: "c", parameters: ["q": "a"]))
        #expect(t.ask("h", "/a/b/w").id == "e")
        #expect(t.ask("h", "/a/b/w", method: 3).id == "d")
        #expect(t.ask("h", "/a/b/y", method: 3).id == "b")
    }

    @Test func parameters() throws {
        let t = try Table([
            route("u", ["/users/{id}", "/people/{name}/posts/{post}", "/x/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}"]),
            route("v", ["/users/{other}"], methods: ["POST"], priority: 1),
        ])
        #expect(t.ask("h", "/users/7") == Answer(id: "u", parameters: ["id": "7"]))
        #expect(t.ask("h", "/users/7", method: 3) == Answer(id: "v", parameters: ["other": "7"]))
        #expect(t.ask("h", "/people/a%20b/posts/x.y") == Answer(id: "u", parameters: ["name": "a%20b", "post": "x.y"]))
        #expect(
            t.ask("h", "/x/1/2/3/4/5/6/7/8").parameters == ["a": "1", "b": "2", "c": "3", "d": "4", "e": "5", "f": "6", "g": "7", "h": "8"])
        #expect(t.ask("h", "/x/1/2/3/4/5/6/7/8/9") == Answer(id: nil))
    }

    @Test func methods() throws {
        let t = try Table([
            route("r", ["/a"], methods: ["GET", "HEAD"]), route("w", ["/a"], methods: ["POST"]), route("p", ["/a*"], methods: ["PUT"]),
            route("other", ["/a"], hosts: ["elsewhere"], methods: ["DELETE"]), route("any", ["/b"]),
        ])
        #expect(
            t.ask("h", "/a", method: 1).id == "r" && t.ask("h", "/a", method: 2).id == "r" && t.ask("h", "/a", method: 3).id == "w"
                && t.ask("h", "/a", method: 4).id == "p")
        #expect(t.ask("h", "/a", method: 5) == Answer(id: nil, allowed: 0b11110))  // GET HEAD POST PUT
        #expect(t.ask("elsewhere", "/a", method: 9) == Answer(id: nil, allowed: 0b111110))  // and DELETE
        #expect(t.ask("h", "/ab", method: 1) == Answer(id: nil, allowed: 0b10000))
        #expect(t.ask("h", "/c", method: 1) == Answer(id: nil))
        #expect(t.ask("h", "/b", method: 0).id == "any")  // a method without a name of its own
        #expect(t.ask("h", "/a", method: 0).id == nil)
    }

    @Test func manyChildren() throws {
        let bytes = (0x21..<0x7f).filter { ![0x23, 0x2a, 0x3f, 0x7b, 0x7d].contains($0) }.map { String(UnicodeScalar(UInt8($0))) }
        let t = try Table(bytes.map { route("r" + $0, ["/" + $0 + "x"]) })
        for b in bytes { #expect(t.ask("h", "/" + b + "x").id == "r" + b) }
        for b in ["#", "*", "{", "\u{7f}", "\u{1}", "ü"] { #expect(t.ask("h", "/" + b + "x").id == nil) }
    }

    @Test func hostsWithTheSameRoutesShareATree() throws {
        let hosts = (0..<50).map { "h\($0).example" }
        let one = try Table([route("r", ["/a", "/b"], hosts: ["h0.example"])])
        let many = try Table([route("r", ["/a", "/b"], hosts: hosts)])
        #expect(many.view.nodes.count == one.view.nodes.count)
        for h in hosts { #expect(many.ask(h, "/b").id == "r") }
    }

    @Test func sameThingTwiceInOneRoute() throws {
        let t = try Table([route("r", ["/a", "/a", "=/a"], hosts: ["h", "H", "h."])])
        #expect(t.view.entries.count == 1 && t.ask("h", "/a").id == "r")
    }

    @Test func longPathsAndDeepNesting() throws {
        let long = "/" + String(repeating: "0123456789", count: 200)
        let nested = (1...200).map { "/" + String(repeating: "a", count: $0) + "*" }
        let t = try Table([route("long", [long]), route("nested", nested), route("top", nested, priority: 1)])
        #expect(t.ask("h", long).id == "long" && t.ask("h", long + "x").id == nil)
        #expect(t.ask("h", "/" + String(repeating: "a", count: 5000)).id == "top")
    }
}
