// The chunked coding against a naive decoder, on hand-written rules and on random bodies cut at random places:
// RFC 9112 section 7.1.
import SluiceBytes
import Testing

@testable import SluiceHTTP

/// What became of a body: content, bytes used, or the refusal.
struct Unchunked: Equatable {
    var content: [UInt8] = []
    var used = 0
    var isDone = false
    var status = 0
}

@Suite struct ChunkScannerTests {
    /// Feeds `bytes` in pieces that end at `cuts` through `decode`.
    func decoded(_ bytes: [UInt8], cuts: [Int]) -> Unchunked {
        var scanner = ChunkScanner()
        var out = Unchunked()
        for (from, to) in zip([0] + cuts, cuts + [bytes.count]) {
            let piece = Array(bytes[from..<to])  // its own allocation: a look past its end is seen by AddressSanitizer
            var used = 0
            while used < piece.count && !scanner.isDone {
                var content = ByteView.empty
                let k = withView(piece) { scanner.decode($0.start + used, piece.count - used, content: &content) }
                if k < 0 { return Unchunked(status: k) }
                #expect(k > 0 && content.count <= k)
                withView(piece) { _ in out.content += Array(UnsafeBufferPointer(start: content.start, count: content.count)) }
                used += k
            }
            out.used += used
        }
        out.isDone = scanner.isDone
        #expect(scanner.contentBytes == UInt64(out.content.count))
        return out
    }

    func scanned(_ bytes: [UInt8], cuts: [Int], contentBytes: Int? = nil) -> Unchunked {
        var scanner = ChunkScanner()
        var out = Unchunked()
        for (from, to) in zip([0] + cuts, cuts + [bytes.count]) where !scanner.isDone {
            let k = withView(Array(bytes[from..<to])) { scanner.scan($0.start, $0.count) }
            if k < 0 { return Unchunked(status: k) }
            out.used += k
        }
        out.isDone = scanner.isDone
        if let contentBytes { #expect(scanner.contentBytes == UInt64(contentBytes)) }
        return out
    }

    /// The same verdict whole, byte by byte and cut once at every place, from both ways of reading.
    @discardableResult
    func check(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) -> Unchunked {
        let bytes = Array(text.utf8)
        let whole = decoded(bytes, cuts: [])
        for cuts in [[]] + (0...bytes.count).map({ [$0] }) + [Array(0..<bytes.count)] {
            let d = decoded(bytes, cuts: cuts)
            var s = scanned(bytes, cuts: cuts)
            s.content = d.content
            #expect(d == whole && s == whole, "\(text.debugDescription) cut at \(cuts)", sourceLocation: sourceLocation)
        }
        return whole
    }

    @Test func bodies() {
        #expect(check("0\r\n\r\n") == Unchunked(used: 5, isDone: true))
        #expect(check("5\r\nhello\r\n0\r\n\r\nGET /") == Unchunked(content: Array("hello".utf8), used: 15, isDone: true))
        #expect(check("0000000000000005\r\nhello\r\n00\r\n\r\n").content == Array("hello".utf8))
        #expect(check("a\r\n0123456789\r\nA\r\n\r\n\r\n0\r\n\r\n").isDone == false)  // data is not looked at
        #expect(check("2\r\n\r\n\r\n1\r\nx\r\n0\r\n\r\n").content == Array("\r\nx".utf8))
        #expect(check("3;a=b;c=\"d e\"\r\nabc\r\n0;z\r\n\r\n").content == Array("abc".utf8))
        #expect(check("3 \t;a\r\nabc\r\n0\t;\r\n\r\n").isDone)
        #expect(check("1\r\na\r\n0\r\nX-T: 1\r\nGrpc-Status:\t0 \u{e9}\r\n\r\nrest").used == 38)
        #expect(check("5\r\nhel") == Unchunked(content: Array("hel".utf8), used: 6))
        #expect(check("7fffffffffffffff\r\nx") == Unchunked(content: [0x78], used: 19))
        #expect(check("") == Unchunked())
    }

    @Test(arguments: [
        "\r\n", " 5\r\nhello\r\n", "+5\r\nhello\r\n", "-1\r\n", "0x5\r\nhello\r\n", "g\r\n", ";a\r\n", "5\nhello\r\n", "5\rhello",
        "5\r\rhello", "5 \r\nhello\r\n",
        "5\t\r\nhello", "5 5\r\nhello", "5\r\nhello0\r\n", "5\r\nhello\n0\r\n", "5\r\nhello\rx", "5\r\nhello\r\n\r\n",
        "00000000000000005\r\nhello\r\n",
        "8000000000000000\r\n", "ffffffffffffffff\r\n", "8000000000000000;a\r\n", "10000000000000000\r\n", "5;a\nb\r\nhello",
        "5;a\0\r\nhello", "5;a\rb", "5;\u{7f}\r\n", "0\r\n\n",
        "0\r\n\rx", "0\n\r\n", "0\r\n X: y\r\n\r\n", "0\r\nX y\r\n\r\n", "0\r\nX : y\r\n\r\n", "0\r\n: y\r\n\r\n", "0\r\nX\r\n\r\n",
        "0\r\nX: y\n\r\n", "0\r\nX: y\r\r\n",
        "0\r\nX: \0\r\n\r\n", "0\r\nX: y\r\n z\r\n\r\n", "0\r\nX\0: y\r\n\r\n", "5,5\r\nhello", "\u{665}\r\n", "5\u{b}\r\n", "5\"\r\n",
        "\n0\r\n\r\n",
    ]) func refused(_ text: String) {
        #expect(check(text).status == -400)
    }

    @Test(arguments: [
        "Content-Length", "transfer-ENCODING", "Host", "Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Upgrade", "Expect",
        "Via", "Content-Encoding", "Content-Type", "Content-Range", "Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie",
        "Cache-Control", "Max-Forwards",
        "Range", "Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port",
    ]) func forbiddenTrailers(_ name: String) {
        #expect(check("0\r\nA: b\r\n\(name): x\r\n\r\n").status == -400)
        #expect(check("0\r\n\(name)x: x\r\nx\(name): y\r\n\r\n").isDone)
    }

    @Test func bounds() {
        func extensions(_ n: Int) -> String { "1;" + String(repeating: "a", count: n - 1) + "\r\nx\r\n" }
        let half = extensions(2048)
        #expect(scanned(Array((half + half + "0\r\n\r\n").utf8), cuts: [7, 3000]).isDone)
        #expect(scanned(Array((half + half + "0;\r\n\r\n").utf8), cuts: [7, 3000]).status == -400)
        func trailers(_ n: Int) -> [UInt8] { Array(("0\r\nX: " + String(repeating: "y", count: n - 7) + "\r\n\r\n").utf8) }
        #expect(scanned(trailers(8192), cuts: [1000]).isDone)
        #expect(scanned(trailers(8193), cuts: [1000]).status == -431)
        #expect(scanned(Array(("0\r\n" + String(repeating: "a", count: 9000)).utf8), cuts: []).status == -431)
        #expect(MemoryLayout<ChunkScanner>.size <= 32)
    }

    @Test(arguments: 0..<300) func randomBodies(_ seed: Int) {
        var random = Seeded(UInt64(seed))
        var bytes: [UInt8] = []
        var content: [UInt8] = []
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            let chunk = (0..<Int.random(in: 1...40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            let size = String(chunk.count, radix: 16, uppercase: Bool.random(using: &random))
            let zeros = String(repeating: "0", count: Int.random(in: 0...3, using: &random))
            bytes += Array((zeros + size + ["", ";x", " ;a=\"b\""].randomElement(using: &random)! + "\r\n").utf8) + chunk + [0x0d, 0x0a]
            content += chunk
        }
        bytes += Array("0\r\n".utf8) + Array(["", "X: y\r\n", "Abc:\r\nD: e\r\n"].randomElement(using: &random)!.utf8) + [0x0d, 0x0a]
        let end = bytes.count
        bytes += Array("GET / HTTP/1.1".utf8)
        for _ in 0..<20 {
            let cuts = (0..<Int.random(in: 0...8, using: &random)).map { _ in Int.random(in: 0...bytes.count, using: &random) }.sorted()
            #expect(decoded(bytes, cuts: cuts) == Unchunked(content: content, used: end, isDone: true))
            #expect(scanned(bytes, cuts: cuts, contentBytes: content.count) == Unchunked(used: end, isDone: true))
        }
        // One byte of framing or data changed: both ways, whole and cut, still agree with each other.
        for _ in 0..<20 {
            var broken = bytes
            broken[Int.random(in: 0..<end, using: &random)] = [0, 9, 10, 13, 32, 0x30, 0x3a, 0x3b, 0x46, 0x7f, 0x80].randomElement(
                using: &random)!
            let whole = decoded(broken, cuts: [])
            let cuts = (0..<3).map { _ in Int.random(in: 0...broken.count, using: &random) }.sorted()
            #expect(decoded(broken, cuts: cuts) == whole)
            var s = scanned(broken, cuts: cuts)
            s.content = whole.content
            #expect(s == whole)
        }
    }
}
