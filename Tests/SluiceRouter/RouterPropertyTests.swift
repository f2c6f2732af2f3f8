// The router against the naive matcher on random tables and requests, drawn from few words so that they collide often. Each table is made
// from the one before by a cache: changes of single routes are tested as much as lookups.
import Glibc
import SluiceModel
import SluiceRules
import Testing

@Suite struct RouterPropertyTests {
    private static let words = ["a", "b", "ab", "abc", "users", "user", "x-long-segment", "x-long-segments", "%2F", ""]
    private static let hosts = ["a.b.c", "b.c", "c", "x.c", "x.b.c", "*.c", "*.b.c", "*.a.b.c", "A.B.C", "*.x.c"]
    private static let expressions = [
        "^/users/[0-9]+$", "^/user", "^/users?/", "/ab", "abc$", "^/(a|b)/", "(?i)^/USERS", "^/a{2}/", "[^/]{5}", "^/x-long-segments?/.*b",
        "^/a", "^/",
    ]
    private static let words3 = ["beta", "night", "office"]
    private static let methods = ["GET", "HEAD", "POST", "PUT", "PATCH"]

    /// `SLUICE_COMPARISONS` sets how many; the seed is in the message of a failure.
    @Test func agreesWithTheNaiveMatcher() throws {
        var comparisons = 200_000
        if let p = getenv("SLUICE_COMPARISONS"), let n = Int(String(cString: p)) { comparisons = n }
        var done = 0
        var found = 0
        var captured = 0
        var refused = 0
        var held = 0
        var seed: UInt64 = 1
        var routes: [Route] = []
        let cache = ImageCache()
        let words = ConditionWords()
        while done < comparisons {
            var random = SplitMix(state: seed)
            RouterPropertyTests.change(&routes, &random)
            let table = try Table(routes, words: words, cache: cache)
            let naive = NaiveMatcher(routes)
            for _ in 0..<200 {
                words.isTrue = Set(RouterPropertyTests.words3.filter { _ in Bool.random(using: &random) })
                let host = RouterPropertyTests.randomHost(&random)
                let path = RouterPropertyTests.randomPath(routes, &random)
                let method = UInt8.random(in: 0...9, using: &random)
                let answer = table.ask(host, path, method: method)
                let expected = naive.ask(host, path, method: method, isTrue: words.isTrue)
                if answer != expected {
                    let rules = routes.map { ($0.id, $0.hosts, $0.paths, $0.methods, $0.priority, $0.when) }
                    Issue.record("seed \(seed): \(method) \(host) \(path): \(answer), expected \(expected) among \(rules)")
                    return
                }
                done += 1
                if let id = answer.id {
                    found += 1
                    if routes.contains(where: { $0.id == id && $0.when != nil }) { held += 1 }
                }
                if !answer.parameters.isEmpty { captured += 1 }
                if answer.allowed != 0 { refused += 1 }
            }
            seed += 1
        }
        // The requests reach every outcome.
        #expect(found > done / 4 && found < done && captured > done / 50 && refused > done / 100 && held > done / 50)
    }

    /// A new table now and then, else some routes changed, gone, come, or in another order.
    private static func change(_ routes: inout [Route], _ random: inout SplitMix) {
        if routes.isEmpty || Int.random(in: 0..<10, using: &random) == 0 {
            routes = (0..<Int.random(in: 1...24, using: &random)).map { randomRoute($0, &random) }
        }
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            let i = Int.random(in: 0..<routes.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0 where routes.count > 1: routes.remove(at: i)
            case 1: routes.insert(randomRoute((routes.map { Int($0.id.dropFirst())! }.max() ?? 0) + 1, &random), at: i)
            case 2 where Int.random(in: 0..<4, using: &random) == 0: routes.shuffle(using: &random)
            default: routes[i] = randomRoute(Int(routes[i].id.dropFirst())!, &random)
            }
        }
    }

    private static func randomRoute(_ i: Int, _ random: inout SplitMix) -> Route {
        func some(_ list: [String], _ most: Int) -> [String] {
            (0..<Int.random(in: 0...most, using: &random)).map { _ in list.randomElement(using: &random)! }
        }
        let paths = (0..<Int.random(in: 0...3, using: &random)).map { _ in randomPattern(&random) }
        let priority = Int.random(in: 0..<4, using: &random) == 0 ? Int.random(in: -1...2, using: &random) : 0
        return route(
            "r\(i)", paths, hosts: some(hosts, 2), methods: Bool.random(using: &random) ? [] : some(methods, 3), priority: priority,
            when: Int.random(in: 0..<3, using: &random) == 0 ? words3.randomElement(using: &random) : nil)
    }

    private static func randomPattern(_ random: inout SplitMix) -> String {
        if Int.random(in: 0..<5, using: &random) == 0 { return "~" + expressions.randomElement(using: &random)! }
        var text = ""
        for i in 0..<Int.random(in: 1...4, using: &random) {
            text += "/" + (Int.random(in: 0..<3, using: &random) == 0 ? "{p\(i)}" : words.randomElement(using: &random)!)
        }
        switch Int.random(in: 0..<6, using: &random) {
        case 0: return "=" + text
        case 1: return text + "/*"
        case 2 where !text.hasSuffix("}"): return text + "*"
        default: return text
        }
    }

    private static func randomHost(_ random: inout SplitMix) -> String {
        let host = hosts.randomElement(using: &random)!.replacing("*", with: ["q", "a", "x.y", "", "Z.z"].randomElement(using: &random)!)
        switch Int.random(in: 0..<8, using: &random) {
        case 0: return host.uppercased()
        case 1: return host + "."
        case 2: return "else.where"
        default: return host
        }
    }

    /// Half of the paths come from a pattern of the table, so that most requests reach into it.
    private static func randomPath(_ routes: [Route], _ random: inout SplitMix) -> String {
        var path = ""
        if Bool.random(using: &random), let pattern = routes.randomElement(using: &random)!.paths.randomElement(using: &random),
            !pattern.hasPrefix("~")
        {
            for c in pattern {
                switch c {
                case "=": break
                case "*": path += words.randomElement(using: &random)!
                default: path.append(c)
                }
            }
            for i in 0..<4 where Int.random(in: 0..<8, using: &random) != 0 {
                path = path.replacing("{p\(i)}", with: words.randomElement(using: &random)!)
            }
        } else {
            for _ in 0..<Int.random(in: 0...5, using: &random) { path += "/" + words.randomElement(using: &random)! }
        }
        if Int.random(in: 0..<8, using: &random) == 0 { path += ["/", "x", "*", "{"].randomElement(using: &random)! }
        return path
    }
}

/// A small generator with a seed, so that a failure repeats.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }
}
