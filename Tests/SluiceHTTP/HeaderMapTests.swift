// HeaderMap against a naive array of pairs, under random edits from a seed, and what an edit may not do.
import SluiceBytes
import Testing

@testable import SluiceHTTP

/// A parsed message that stays in memory, with an arena for edits.
final class LiveMessage {
    let buffer: UnsafeMutablePointer<UInt8>
    let fields = UnsafeMutablePointer<HeaderField>.allocate(capacity: 100)
    let head = UnsafeMutablePointer<MessageHead>.allocate(capacity: 1)
    let pool = UnsafeMutablePointer<BlockPool>.allocate(capacity: 1)
    let arena = UnsafeMutablePointer<Arena>.allocate(capacity: 1)
    let count: Int
    var map = HeaderMap()

    init(_ bytes: [UInt8], _ kind: Kind = .request) {
        count = bytes.count
        buffer = .allocate(capacity: bytes.count + 65)
        for i in 0..<bytes.count + 65 { buffer[i] = i < bytes.count ? bytes[i] : 0x41 }
        head.initialize(to: MessageHead())
        let n =
            kind == .request
            ? HeadParser.request(buffer, count: bytes.count, head: head, fields: fields, limits: usualLimits)
            : HeadParser.response(buffer, count: bytes.count, head: head, fields: fields, limits: usualLimits)
        precondition(n > 0, "a test's own message was refused: \(HeadProblem(rawValue: head.pointee.problem)!)")
        pool.initialize(to: BlockPool(blockSize: 4096))
        arena.initialize(to: Arena(pool: pool))
        map = HeaderMap(buffer: buffer, fields: fields, fieldCount: Int(head.pointee.fieldCount))
    }
    convenience init(_ text: String, _ kind: Kind = .request) { self.init(Array(text.utf8), kind) }
    deinit {
        arena.pointee.reset()
        pool.pointee.trim()
        pool.pointee.trim()  // the second one knows that nothing is in use
        buffer.deallocate()
        fields.deallocate()
        head.deallocate()
        pool.deallocate()
        arena.deallocate()
    }

    func first(_ name: String) -> String? { withView(name) { map.first($0)?.string } }
    func count(_ name: String) -> Int { withView(name) { map.count($0) } }
    func remove(_ name: String) -> Int { withView(name) { map.remove($0) } }
    func add(_ name: String, _ value: String) -> Bool { withView(name) { n in withView(value) { map.add(n, $0, arena: arena) } } }
    func set(_ name: String, _ value: String) -> Bool { withView(name) { n in withView(value) { map.set(n, $0, arena: arena) } } }
    var pairs: [String] {
        var all: [String] = []
        var cursor = 0
        while let f = map.next(&cursor) { all.append(f.name.string + ": " + f.value.string) }
        return all
    }
}

@Suite struct HeaderMapTests {
    @Test func edits() {
        let m = LiveMessage(request("X-A: 1", "Via: v", "x-a: 2", "Content-Length: 3"))
        #expect(m.first("x-A") == "1" && m.count("X-a") == 2 && m.first("VIA") == "v" && m.first("nope") == nil && !m.map.isEdited)
        #expect(m.map.first(id: HeaderID.host)?.string == "h" && m.map.first(id: HeaderID.date) == nil)
        #expect(m.add("X-B", "b") && m.map.isEdited && m.add("Via", "w") && m.count("via") == 2)
        #expect(m.remove("X-A") == 2 && m.remove("X-A") == 0 && m.first("x-a") == nil)
        #expect(m.set("x-b", "c") && m.count("X-B") == 1 && m.first("X-B") == "c")
        #expect(m.set("VIA", "only") && m.map.first(id: HeaderID.via)?.string == "only" && m.count("via") == 1)
        #expect(m.pairs == ["Host: h", "Content-Length: 3", "x-b: c", "VIA: only"])
        #expect(m.set("Host", "other:1") && m.map.first(id: HeaderID.host)?.string == "other:1" && m.count("host") == 1)
        #expect(m.add("X-Empty", "") && m.first("x-empty") == "")
    }

    @Test(arguments: [
        ("", "x"), ("A B", "x"), ("A:", "x"), ("A\r\nB", "x"), ("\u{e9}", "x"), ("A", "x\r\nB: y"), ("A", "x\n"), ("A", "x\ry"),
        ("A", "\0"), ("A", "\u{1b}"),
        ("A", "\u{7f}"), ("A", " x"), ("A", "x\t"), ("Content-Length", "5"), ("transfer-encoding", "chunked"), ("Connection", "close"),
        ("Keep-Alive", "x"),
        ("Proxy-Connection", "x"), ("TE", "trailers"), ("Upgrade", "h2c"), ("Trailer", "X"), ("Expect", "100-continue"), ("Host", "a b"),
        (
            "Host",
            "u@h"
        ),
    ]) func refused(_ name: String, _ value: String) {
        let m = LiveMessage(request("A: old", host: "Host: h"))
        #expect(!m.add(name, value) && !m.set(name, value) && !m.map.isEdited && m.pairs == ["Host: h", "A: old"])
    }

    @Test func framingStays() {
        let m = LiveMessage(request("Transfer-Encoding: chunked", "Connection: x"))
        #expect(m.remove("Transfer-Encoding") == 0 && m.count("transfer-encoding") == 1 && !m.map.isEdited)
        #expect(LiveMessage(request("Content-Length: 1")).remove("content-length") == 0)
        #expect(!m.add("Host", "second"))
    }

    @Test func bounds() {
        let m = LiveMessage(request())
        #expect(!m.add(String(repeating: "n", count: 257), "v") && m.add(String(repeating: "n", count: 256), "v"))
        #expect(!m.add("A", String(repeating: "v", count: 16_385)) && m.add("A", String(repeating: "v", count: 16_384)))
        for i in 2..<256 { #expect(m.add("x\(i)", "v")) }
        #expect(!m.add("one-more", "v") && m.remove("x7") == 1 && m.add("one-more", "v"))  // holes are used again
        for i in 0..<2000 { #expect(m.set("one-more", "\(i)")) }
        #expect(m.first("one-more") == "1999" && m.first("x255") == "v" && m.map.extraCount <= 256)
        let big = LiveMessage(request())
        var added = 0
        while big.add("A", String(repeating: "v", count: 16_384)) { added += 1 }
        #expect(added > 50 && added < 65 && big.count("A") == added)  // the arena's bound of 1 MiB
    }

    @Test func emptyMap() {
        let m = LiveMessage(request())
        m.map = HeaderMap()
        #expect(m.pairs.isEmpty && m.first("A") == nil && m.remove("A") == 0 && m.count("Host") == 0)
        #expect(m.add("A", "b") && m.add("Host", "h") && m.pairs == ["A: b", "Host: h"])
    }

    @Test(arguments: 0..<200) func randomEdits(_ seed: Int) {
        var random = Seeded(UInt64(seed) &+ 77)
        let names = ["A", "b-C", "Via", "Server", "user-agent", "X-Forwarded-For", "longer-name-than-most-others-are"]
        func anyName() -> String {
            let n = names.randomElement(using: &random)!
            return Bool.random(using: &random) ? n : n.uppercased()
        }
        var model: [(String, String)] = [("Host", "h")]
        for i in 0..<Int.random(in: 0...8, using: &random) { model.append((anyName(), "v\(i)")) }
        let m = LiveMessage(
            request(model.dropFirst().map { "\($0.0): \($0.1)" }.joined(separator: "\r\n") + (model.count > 1 ? "" : "Z: z")))
        if model.count == 1 { model.append(("Z", "z")) }
        for step in 0..<60 {
            let name = anyName()
            let same = { (pair: (String, String)) in pair.0.lowercased() == name.lowercased() }
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                #expect(m.add(name, "a\(step)"))
                model.append((name, "a\(step)"))
            case 1:
                #expect(m.set(name, "s\(step)"))
                model.removeAll(where: same)
                model.append((name, "s\(step)"))
            case 2:
                #expect(m.remove(name) == model.filter(same).count)
                model.removeAll(where: same)
            default:
                #expect(m.first(name) == model.first(where: same)?.1 && m.count(name) == model.filter(same).count)
                let id = withView(name) { FieldName.id($0) }
                if id != 0 { #expect(m.map.first(id: id)?.string == model.first(where: same)?.1) }
            }
            #expect(m.pairs == model.map { "\($0.0): \($0.1)" })
        }
    }
}
