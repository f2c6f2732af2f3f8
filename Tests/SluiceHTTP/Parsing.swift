// What the tests of this folder share: parsing a literal head in a buffer with a hostile surround, and proof for every
// single message that the verdict does not depend on where the network cut it.
import SluiceBytes
import Testing

@testable import SluiceHTTP

/// A parsed head taken out of its buffer, for comparison.
struct Parsed {
    var result = 0
    var problem = HeadProblem.none
    var head = MessageHead()
    var fields: [HeaderField] = []
    var bytes: [UInt8] = []

    func text(_ offset: UInt16, _ length: UInt16) -> String {
        String(decoding: bytes[Int(offset)..<Int(offset) + Int(length)], as: UTF8.self)
    }
    var method: String { text(head.targetOffset - 1 - head.methodLength, head.methodLength) }
    var target: String { text(head.targetOffset, head.targetLength) }
    var path: String { text(head.pathOffset, head.pathLength) }
    var query: String? { has(MessageHead.hasQuery) ? text(head.queryOffset, head.queryLength) : nil }
    var authority: String { text(head.authorityOffset, head.authorityLength) }
    var host: String { text(head.authorityOffset, head.hostLength) }
    func has(_ flag: UInt16) -> Bool { head.flags & flag != 0 }
    func name(_ i: Int) -> String { text(fields[i].nameOffset, fields[i].nameLength) }
    func value(_ i: Int) -> String { text(fields[i].valueOffset, fields[i].valueLength) }
    /// Names of fields that go no further.
    var hops: [String] { fields.indices.filter { fields[$0].flags & HeaderField.hopByHop != 0 }.map(name) }
}

enum Kind { case request, response }
let usualLimits = HeadLimits(fieldsMax: 100, targetBytesMax: 8192, headBytesMax: 16_384)

/// Parses the first `count` bytes of `bytes`. Behind them stands what would come next, so that a look past the end of the
/// received part would change the verdict; the block ends 64 bytes behind, where AddressSanitizer watches.
func parseOnce(_ bytes: [UInt8], count: Int, _ kind: Kind, _ limits: HeadLimits) -> Parsed {
    let room = count + 65
    let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: room)
    let fields = UnsafeMutablePointer<HeaderField>.allocate(capacity: limits.fieldsMax)
    defer {
        buffer.deallocate()
        fields.deallocate()
    }
    for i in 0..<room { buffer[i] = i < bytes.count ? bytes[i] : 0x41 }
    var parsed = Parsed()
    if kind == .request {
        parsed.result = HeadParser.request(buffer, count: count, head: &parsed.head, fields: fields, limits: limits)
    } else {
        parsed.result = HeadParser.response(buffer, count: count, head: &parsed.head, fields: fields, limits: limits)
    }
    parsed.problem = HeadProblem(rawValue: parsed.head.problem)!
    parsed.bytes = Array(UnsafeBufferPointer(start: buffer, count: count))
    if parsed.result > 0 { parsed.fields = Array(UnsafeBufferPointer(start: fields, count: Int(parsed.head.fieldCount))) }
    return parsed
}

/// Parses the whole, after checking that every shorter part is either incomplete or already has the same verdict.
func parse(
    _ bytes: [UInt8], _ kind: Kind = .request, limits: HeadLimits = usualLimits, sourceLocation: SourceLocation = #_sourceLocation
) -> Parsed {
    let whole = parseOnce(bytes, count: bytes.count, kind, limits)
    var decided = false
    for count in 0..<bytes.count {
        let part = parseOnce(bytes, count: count, kind, limits)
        if part.result == 0 && !decided { continue }
        decided = true
        if part.result != whole.result || part.problem != whole.problem {
            Issue.record(
                "cut at \(count): \(part.result) \(part.problem), whole: \(whole.result) \(whole.problem)", sourceLocation: sourceLocation)
            break
        }
    }
    return whole
}
func parse(
    _ text: String, _ kind: Kind = .request, limits: HeadLimits = usualLimits, sourceLocation: SourceLocation = #_sourceLocation
) -> Parsed {
    parse(Array(text.utf8), kind, limits: limits, sourceLocation: sourceLocation)
}

/// A request with these lines between request line and end, Host included unless told otherwise.
func request(_ lines: String..., line: String = "GET / HTTP/1.1", host: String? = "Host: h") -> String {
    ([line] + (host.map { [$0] } ?? []) + lines).map { $0 + "\r\n" }.joined() + "\r\n"
}
func response(_ lines: String..., line: String = "HTTP/1.1 200 OK") -> String {
    ([line] + lines).map { $0 + "\r\n" }.joined() + "\r\n"
}

func expectRefused(
    _ text: String, _ status: Int, _ problem: HeadProblem, _ kind: Kind = .request, sourceLocation: SourceLocation = #_sourceLocation
) {
    let p = parse(text, kind, sourceLocation: sourceLocation)
    #expect(
        p.result == -status && p.problem == problem, "\(text.debugDescription): \(p.result) \(p.problem)", sourceLocation: sourceLocation)
}

/// Borrows an array, or a string's bytes, as a view.
func withView<R>(_ bytes: [UInt8], _ body: (ByteView) -> R) -> R {
    bytes.withUnsafeBufferPointer { b in b.isEmpty ? body(.empty) : body(ByteView(b.baseAddress!, b.count)) }
}
func withView<R>(_ text: String, _ body: (ByteView) -> R) -> R { withView(Array(text.utf8), body) }

/// SplitMix64: random tests that fail the same way every time.
struct Seeded: RandomNumberGenerator {
    var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
