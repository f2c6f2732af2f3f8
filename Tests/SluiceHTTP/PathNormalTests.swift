// One path, one spelling (RFC 3986 sections 5.2.4 and 6.2.2): the RFC's examples and the ways around a route.
import SluiceBytes
import Testing

@testable import SluiceHTTP

@Suite struct PathNormalTests {
    func normal(_ s: String) -> String? {
        let bytes = Array(s.utf8)
        var out = [UInt8](repeating: 0xee, count: bytes.count + 1)
        let n = bytes.withUnsafeBufferPointer { b in
            out.withUnsafeMutableBufferPointer { PathNormal.normalize(ByteView(b.baseAddress!, b.count), into: $0.baseAddress!) }
        }
        #expect(out.last == 0xee || n == bytes.count + 1, "wrote past the room")
        return n < 0 ? nil : String(decoding: out[..<n], as: UTF8.self)
    }

    @Test(
        arguments: [
            ("/a/b/c/./../../g", "/a/g"), ("/mid/content=5/../6", "/mid/6"), ("/./", "/"), ("/.", "/"), ("/a/..", "/"), ("/a/.", "/a/"),
            ("/a/b/..", "/a/"), ("/a//b", "/a//b"), ("/a//../b", "/a/b"), ("/", "/"), ("/.well-known/x", "/.well-known/x"),
            ("/...", "/..."), ("/..a/b", "/..a/b"),
            ("/%61dmin", "/admin"), ("/%2e%2e/x", nil), ("/a/%2e%2E/x", "/x"), ("/a%2fb", "/a%2Fb"), ("/%7euser", "/~user"),
            ("/a%20b", "/a%20b"),
            ("/..", nil), ("/../etc/passwd", nil), ("/a/../../b", nil), ("/%", nil), ("/%4", nil), ("/%zz", nil), ("/a%00b", nil),
            ("/%25%32%65", "/%252e"),
        ] as [(String, String?)])
    func table(input: String, expected: String?) { #expect(normal(input) == expected) }

    @Test func normalizingTwiceChangesNothing() {
        var random = UInt64(88_172_645_463_325_252)
        let pieces = ["/", ".", "..", "a", "%2e", "%2F", "%41", "b.c", "~", "%7E", "//"]
        for _ in 0..<20_000 {
            var s = "/"
            for _ in 0..<8 {
                random ^= random << 13
                random ^= random >> 7
                random ^= random << 17
                s += pieces[Int(random % UInt64(pieces.count))]
            }
            if let once = normal(s) {
                #expect(once.hasPrefix("/") && once.utf8.count <= s.utf8.count)
                #expect(normal(once) == once, "\(s) → \(once)")
                #expect(!once.split(separator: "/").contains("..") && !once.split(separator: "/").contains("."))
            }
        }
    }

    @Test(
        arguments: [
            ("/private%2Fa", "/private/a"), ("//private/a", "/private/a"), ("/a///b", "/a/b"), ("/a%2F%2Fb", "/a/b"), ("/a/", "/a/"),
            ("/", "/"),
            ("/static/..%2Fopen", nil), ("/a%2F.", nil), ("/a%2F..%2Fb", nil), ("/a%2F...", "/a/..."), ("/a%2f.b", "/a/.b"),
            ("/%25", "/%25"),
        ] as [(String, String?)]) func foldsForRoutes(input: String, expected: String?)
    {
        let bytes = Array(input.utf8)
        var out = [UInt8](repeating: 0, count: bytes.count)
        let n = bytes.withUnsafeBufferPointer { b in
            out.withUnsafeMutableBufferPointer { PathNormal.fold(ByteView(b.baseAddress!, b.count), into: $0.baseAddress!) }
        }
        #expect((n < 0 ? nil : String(decoding: out[..<n], as: UTF8.self)) == expected)
    }

    @Test func theQuickCheckNeverMissesWork() {
        for s in ["/a/./b", "/a/../b", "/%41", "/.", "/..", "/a/.", "/a/.."] {
            let b = Array(s.utf8)
            #expect(b.withUnsafeBufferPointer { !PathNormal.isNormal(ByteView($0.baseAddress!, $0.count)) })
        }
        let plain = Array("/users/7/files.tar.gz".utf8)
        #expect(plain.withUnsafeBufferPointer { PathNormal.isNormal(ByteView($0.baseAddress!, $0.count)) })
    }
}
