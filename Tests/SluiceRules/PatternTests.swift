// Path and host patterns: how a written pattern is read.
import Testing

@testable import SluiceRules

@Suite struct PatternTests {
    @Test(
        arguments: [
            ("/", "/", false, []), ("/about", "/about", false, []), ("/*", "/", true, []), ("/static/*", "/static/", true, []),
            ("/st*", "/st", true, []),
            ("=/a{b}*", "/a{b}*", false, []), ("/u/{id}", "/u/\u{1}", false, ["id"]),
            ("/{a}/{b_2}/*", "/\u{1}/\u{1}/", true, ["a", "b_2"]),
            ("/a//b", "/a//b", false, []),
            ("/%C3%BC", "/%C3%BC", false, []),
        ] as [(String, String, Bool, [String])])
    func path(text: String, bytes: String, isPrefix: Bool, names: [String]) throws {
        let p = try PathPattern(text, at: "p")
        #expect(p.bytes == bytes.utf8.map { $0 == 1 ? PathPattern.brace : $0 })
        #expect(p.isPrefix == isPrefix && p.names == names)
    }

    @Test(arguments: [
        ("", "slash"), ("a", "slash"), ("=a", "slash"), ("~^/v[0-9", "missing ]"), ("*", "slash"), ("/a?b", "\"?\""), ("/a#", "\"#\""),
        ("/a b", "a space"), ("/ü", "%C3%BC"),
        ("/a\n", "0xa"), ("/a*b", "not its end"), ("/**", "not its end"), ("/a{b}", "whole segment"), ("/{a}b", "whole segment"),
        ("/{a}*", "whole segment"),
        ("/{", "whole segment"), ("/}", "whole segment"), ("/{}", "name"), ("/{1a}", "name"), ("/{a-b}", "name"), ("/{a}/{a}", "twice"),
        ("/{{a}}", "name"),
        ("/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}", "at most 8"),
    ])
    func badPath(text: String, why: String) {
        let error = #expect(throws: ImageError.self) { try PathPattern(text, at: "p") }
        #expect(error?.path == "p" && error?.description.contains(why) == true, "\(error?.description ?? "")")
    }

    @Test func lengths() throws {
        #expect(try PathPattern("/" + String(repeating: "a", count: 2047), at: "p").bytes.count == 2048)
        #expect(throws: ImageError.self) { try PathPattern("/" + String(repeating: "a", count: 2048), at: "p") }
    }

    @Test(arguments: [
        ("API.Example.com", "api.example.com", false), ("a.", "a", false), ("*.Example.org", ".example.org", true), ("*.com", ".com", true),
        ("1.2.3.4", "1.2.3.4", false),
        ("[::1]", "[::1]", false), ("localhost", "localhost", false),
    ])
    func host(text: String, key: String, isWildcard: Bool) throws {
        let h = try HostPattern(text, at: "h")
        #expect(h.key == key && h.isWildcard == isWildcard)
    }

    @Test(arguments: ["", ".", "*", "*.", "a..b", ".a", "*a.b", "a.*", "a:80", "[::1", "[1.2.3.4]", "a/b", "ü.de", "a..", "**.a"])
    func badHost(text: String) { #expect(throws: ImageError.self) { try HostPattern(text, at: "h") } }
}
