// A table of routes as an image, asked in one line; and the naive matcher that the router is compared with.
import CSluiceRegex
import SluiceBytes
import SluiceModel
import SluiceRouter
import SluiceRules

@testable import SluiceCEL

struct Answer: Equatable {
    var id: String?
    var parameters: [String: String] = [:]
    var allowed: UInt16 = 0
}

/// Conditions of the tests are words; a lookup says which of them are true.
final class ConditionWords {
    /// By number of the program.
    var texts: [String] = []
    var isTrue: Set<String> = []

    /// A program that is never run: the router only asks for its number.
    func compile(_ text: String) throws -> [UInt8] {
        texts.append(text)
        var e = Expression(text: text)
        e.nodes = [Node(.literal(.bool(true)), SourceRange(offset: 0, count: 1))]
        e.nodes[0].type = .bool
        e.root = ExpressionID(0)
        return try ProgramCompiler.compile(CheckedExpression(expression: e, type: .bool, cost: 1, attributesUsed: []))
    }

    var conditions: Conditions {
        Conditions(context: Unmanaged.passUnretained(self).toOpaque()) { me, program in
            let words = Unmanaged<ConditionWords>.fromOpaque(me!).takeUnretainedValue()
            return words.isTrue.contains(words.texts[Int(program)])
        }
    }
}

/// Owns the image of some routes.
final class Table {
    let memory: UnsafeMutableRawBufferPointer
    let view: ImageView
    let words: ConditionWords

    init(_ routes: [Route], words: ConditionWords = ConditionWords(), cache: ImageCache = ImageCache()) throws {
        self.words = words
        var c = Configuration()
        c.listeners = [Listener(address: "127.0.0.1:80")]
        c.routes = routes
        let bytes = try ImageBuilder(
            configuration: c, revision: 1, resolve: { _ in [] }, routeSlot: { _ in 0 }, plugin: { _ in nil }, configPath: "",
            program: { text, _, _ in try words.compile(text) }
        )
        .build(cache)
        memory = .allocate(byteCount: bytes.count, alignment: RegexSearch.alignment)
        memory.copyBytes(from: bytes)
        view = try ImageView(base: UnsafeRawPointer(memory.baseAddress!), count: bytes.count)
        guard RegexSearch.prepare(view) else { throw ImageError(path: "", found: "no memory", allowed: "") }
    }
    deinit { memory.deallocate() }

    func ask(_ host: String, _ path: String, method: UInt8 = 1) -> Answer {
        var host = host
        var path = path
        var result = MatchResult()
        var conditions = words.conditions
        return host.withUTF8 { h in
            path.withUTF8 { p in
                let empty = ByteView.empty.start
                let index = Router.match(
                    view, host: ByteView(h.baseAddress ?? empty, h.count), path: ByteView(p.baseAddress ?? empty, p.count), method: method,
                    result: &result, conditions: &conditions)
                if index < 0 { return Answer(id: nil, allowed: result.allowedMethods) }
                var answer = Answer(id: view.text(view.routes[Int(index)].id).string)
                for i in 0..<Int(result.parameterCount) {
                    let one = result.parameters[i]
                    answer.parameters[view.text(one.name).string] = String(
                        decoding: p[Int(one.offset)..<Int(one.offset + one.count)], as: UTF8.self)
                }
                return answer
            }
        }
    }
}

func route(_ id: String, _ paths: [String] = [], hosts: [String] = [], methods: [String] = [], priority: Int = 0, when: String? = nil)
    -> Route
{
    var r = Route(id: id, action: .respond(status: 200, body: "", headers: []))
    r.paths = paths
    r.hosts = hosts
    r.methods = methods
    r.priority = priority
    r.when = when
    return r
}

/// The rules of `Router` and `PathPattern` word for word, one route after the other.
struct NaiveMatcher {
    private struct Candidate {
        let id: String
        let isConditional: Bool
        let priority: Int
        /// 0 any, 1 + labels for a wildcard, 1000 exact.
        let hostRank: Int
        let pattern: Pattern
        let parameters: [String: String]
    }
    private struct Pattern {
        /// Literal bytes 0...255; 256 for `{name}`; 257 for the end of a prefix.
        var tokens: [Int] = []
        var names: [String] = []
        var isPrefix = false
        var regex: NaiveRegex?
        /// Exact, regular expression, prefix: the smaller is better.
        var kind: Int { regex != nil ? 1 : isPrefix ? 2 : 0 }
    }
    private struct Rule {
        let route: Route
        let methods: UInt16
        let patterns: [Pattern]
    }
    private let rules: [Rule]

    init(_ routes: [Route]) {
        let tokens = ["", "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]
        rules = routes.map { r in
            Rule(
                route: r, methods: r.methods.reduce(0) { $0 | 1 << UInt16(tokens.firstIndex(of: $1)!) },
                patterns: r.paths.isEmpty ? [Pattern(tokens: [257], isPrefix: true)] : r.paths.map(NaiveMatcher.parse))
        }
    }

    private static func parse(_ text: String) -> Pattern {
        var p = Pattern()
        if text.hasPrefix("~") {
            p.regex = NaiveRegex.of(String(text.dropFirst()))
            return p
        }
        if text.hasPrefix("=") {
            p.tokens = text.utf8.dropFirst().map(Int.init)
            return p
        }
        var rest = text[...]
        p.isPrefix = rest.hasSuffix("*")
        if p.isPrefix { rest.removeLast() }
        while let c = rest.first {
            if c == "{" {
                let end = rest.firstIndex(of: "}")!
                p.names.append(String(rest[rest.index(after: rest.startIndex)..<end]))
                p.tokens.append(256)
                rest = rest[rest.index(after: end)...]
            } else {
                p.tokens.append(Int(rest.utf8.first!))
                rest.removeFirst()
            }
        }
        if p.isPrefix { p.tokens.append(257) }
        return p
    }

    private static func match(_ p: Pattern, _ path: [UInt8]) -> [String: String]? {
        if let regex = p.regex { return regex.matches(path) ? [:] : nil }
        var i = 0
        var values: [String] = []
        for token in p.tokens {
            switch token {
            case 257: return Dictionary(uniqueKeysWithValues: zip(p.names, values))
            case 256:
                let end = path[i...].firstIndex(of: UInt8(ascii: "/")) ?? path.count
                if end == i { return nil }
                values.append(String(decoding: path[i..<end], as: UTF8.self))
                i = end
            default:
                if i >= path.count || Int(path[i]) != token { return nil }
                i += 1
            }
        }
        return i == path.count ? Dictionary(uniqueKeysWithValues: zip(p.names, values)) : nil
    }

    private static func rank(_ patterns: [String], _ host: String) -> Int? {
        if patterns.isEmpty { return 0 }
        var name = host.lowercased()
        if name.hasSuffix(".") && name.count > 1 { name.removeLast() }
        if name.utf8.count > 255 { return nil }
        return patterns.compactMap { p -> Int? in
            let p = p.lowercased()
            if p == name { return 1000 }
            if p.hasPrefix("*.") && name.hasSuffix(p.dropFirst()) && name.utf8.count > p.utf8.count - 1 {
                return 1 + p.split(separator: ".").count
            }
            return nil
        }.max()
    }

    func ask(_ host: String, _ path: String, method: UInt8, isTrue: Set<String> = []) -> Answer {
        let bytes = Array(path.utf8)
        var candidates: [Candidate] = []
        var allowed: UInt16 = 0
        for rule in rules {
            guard let rank = NaiveMatcher.rank(rule.route.hosts, host) else { continue }
            for p in rule.patterns {
                guard let parameters = NaiveMatcher.match(p, bytes) else { continue }
                if let when = rule.route.when, !isTrue.contains(when) { continue }
                allowed |= rule.methods
                if rule.methods != 0 && rule.methods & 1 << UInt16(method) == 0 { continue }
                candidates.append(
                    Candidate(
                        id: rule.route.id, isConditional: rule.route.when != nil, priority: rule.route.priority, hostRank: rank, pattern: p,
                        parameters: parameters))
            }
        }
        let best = candidates.enumerated().min { a, b in
            let (x, y) = (a.element, b.element)
            if x.priority != y.priority { return x.priority > y.priority }
            if x.hostRank != y.hostRank { return x.hostRank > y.hostRank }
            if x.pattern.kind != y.pattern.kind { return x.pattern.kind < y.pattern.kind }
            if let r = x.pattern.regex, let s = y.pattern.regex, r.literal != s.literal { return r.literal > s.literal }
            if x.pattern.tokens != y.pattern.tokens { return x.pattern.tokens.lexicographicallyPrecedes(y.pattern.tokens) }
            if x.isConditional != y.isConditional { return x.isConditional }
            if x.id != y.id { return x.id.utf8.lexicographicallyPrecedes(y.id.utf8) }
            return a.offset < b.offset
        }
        return best.map { Answer(id: $0.element.id, parameters: $0.element.parameters) } ?? Answer(id: nil, allowed: allowed)
    }
}

/// One expression by RE2, with the length of the literal that the order of routes looks at.
final class NaiveRegex: @unchecked Sendable {
    private let regex: OpaquePointer
    let literal: Int
    nonisolated(unsafe) private static var known: [String: NaiveRegex] = [:]

    private init(_ text: String) {
        var error = [CChar](repeating: 0, count: 100)
        regex = text.withCString { cs_regex_make($0, text.utf8.count, 1 << 20, &error, error.count)! }
        let plain = text.dropFirst().prefix { $0.isLetter || $0 == "/" }.count
        literal =
            text.hasPrefix("^") && !text.contains("|")
            ? plain - (text.dropFirst(1 + plain).first.map { "?*{".contains($0) } == true ? 1 : 0) : 0
    }
    /// Every test of this folder runs alone with it.
    static func of(_ text: String) -> NaiveRegex {
        if let r = known[text] { return r }
        known[text] = NaiveRegex(text)
        return known[text]!
    }
    func matches(_ path: [UInt8]) -> Bool {
        path.withUnsafeBytes { cs_regex_search(regex, $0.baseAddress?.assumingMemoryBound(to: CChar.self), path.count) != 0 }
    }
}
