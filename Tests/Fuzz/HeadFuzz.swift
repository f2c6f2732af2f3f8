// libFuzzer target for the HTTP/1.1 codec; run.sh builds and runs it. The first input byte chooses what is fuzzed
// (Q request, R response, anything else a chunked body), the second the options; the rest is what the network sent.
// Properties, besides AddressSanitizer's: no cut changes a verdict, every offset lies inside the head, and what was
// accepted is written so that our own parser accepts it again.
import CSluiceSys
import SluiceBytes
import SluiceHTTP

@_cdecl("LLVMFuzzerTestOneInput") public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> Int32 {
    if size < 2 { return 0 }
    let input = ByteView(data + 2, size - 2)
    switch data[0] {
    case 0x51: fuzzHead(input, options: data[1], isRequest: true)
    case 0x52: fuzzHead(input, options: data[1], isRequest: false)
    default: fuzzBody(input, piece: Int(data[1]) + 1)
    }
    return 0
}

func must(_ condition: Bool, _ what: StaticString) {
    if !condition { fatalError("property broken: \(what)") }
}

let fieldsMax = 40
/// A bound that inputs reach, so that refusals for size are cut as well.
let limits = HeadLimits(fieldsMax: fieldsMax, targetBytesMax: 200, headBytesMax: 1000)

/// One parse in a block of its own: 65 bytes behind the received ones, as the parser asks for, and not one more.
struct Attempt {
    let buffer: UnsafeMutablePointer<UInt8>
    let head = UnsafeMutablePointer<MessageHead>.allocate(capacity: 1)
    let fields = UnsafeMutablePointer<HeaderField>.allocate(capacity: fieldsMax)
    let result: Int

    init(_ input: ByteView, count: Int, isRequest: Bool, limits: HeadLimits) {
        buffer = .allocate(capacity: count + 65)
        for i in 0..<count + 65 { buffer[i] = i < input.count ? input[i] : 0x41 }
        result =
            isRequest
            ? HeadParser.request(buffer, count: count, head: head, fields: fields, limits: limits)
            : HeadParser.response(buffer, count: count, head: head, fields: fields, limits: limits)
    }
    func free() {
        buffer.deallocate()
        head.deallocate()
        fields.deallocate()
    }
}

func fuzzHead(_ input: ByteView, options: UInt8, isRequest: Bool) {
    let whole = Attempt(input, count: input.count, isRequest: isRequest, limits: limits)
    defer { whole.free() }
    must(whole.result <= input.count, "the head is not longer than what was received")
    must(whole.result >= 0 || whole.head.pointee.problem != 0, "a refusal has a reason")
    let step = input.count > 300 ? 7 : 1
    for count in stride(from: 0, to: input.count, by: step) {
        let part = Attempt(input, count: count, isRequest: isRequest, limits: limits)
        must(part.result == 0 || part.result == whole.result, "a cut does not change the verdict")
        must(part.result <= count, "a part's head is not longer than the part")
        part.free()
    }
    if whole.result <= 0 { return }
    checkOffsets(whole)
    if isRequest { checkPath(whole) }
    let map = HeaderMap(buffer: whole.buffer, fields: whole.fields, fieldCount: Int(whole.head.pointee.fieldCount))
    let head = UnsafePointer(whole.head)
    var written: Int
    let out: UnsafeMutablePointer<UInt8>
    if isRequest {
        let o = requestOptions(options)
        let bound = HeadWriter.requestBound(head: head, map: map, options: o)
        out = .allocate(capacity: bound)
        written = HeadWriter.request(head: head, map: map, options: o, into: out)
        must(written <= bound, "a request keeps to its bound")
    } else {
        let o = responseOptions(options)
        let bound = HeadWriter.responseBound(head: head, map: map, options: o)
        out = .allocate(capacity: bound)
        written = HeadWriter.response(head: head, map: map, options: o, into: out)
        must(written <= bound, "a response keeps to its bound")
    }
    // The next recipient has room for what we added.
    let wide = HeadLimits(fieldsMax: fieldsMax, targetBytesMax: 400, headBytesMax: 4000)
    let again = Attempt(ByteView(out, written), count: written, isRequest: isRequest, limits: wide)
    must(again.result == written || again.head.pointee.problem == HeadProblem.tooManyFields.rawValue, "what is written is accepted, whole")
    if again.result > 0 && isRequest && options & 64 == 0 {
        must(again.head.pointee.contentLength == head.pointee.contentLength, "the body keeps its length")
        must((again.head.pointee.flags ^ head.pointee.flags) & MessageHead.chunked == 0, "the body keeps its coding")
    }
    again.free()
    out.deallocate()
}

func checkOffsets(_ a: Attempt) {
    let h = a.head.pointee
    func inside(_ offset: UInt16, _ length: UInt16) -> Bool { Int(offset) + Int(length) <= a.result }
    must(Int(h.length) == a.result && Int(h.fieldCount) <= fieldsMax, "length and count are as returned")
    must(
        inside(h.targetOffset, h.targetLength) && inside(h.pathOffset, h.pathLength) && inside(h.queryOffset, h.queryLength),
        "target inside")
    must(inside(h.authorityOffset, h.authorityLength) && h.hostLength <= h.authorityLength, "authority inside")
    for i in 0..<Int(h.fieldCount) {
        let f = a.fields[i]
        must(f.nameLength > 0 && inside(f.nameOffset, f.nameLength) && inside(f.valueOffset, f.valueLength), "field inside")
        must(Syntax.isToken(ByteView(a.buffer + Int(f.nameOffset), Int(f.nameLength))), "names are tokens")
        must(Syntax.isFieldValue(ByteView(a.buffer + Int(f.valueOffset), Int(f.valueLength))), "values have no controls")
    }
}

/// Normalising a path stays in its room, and twice is once.
func checkPath(_ a: Attempt) {
    let h = a.head.pointee
    let query = h.flags & MessageHead.hasQuery != 0 ? Int(h.queryLength) + 1 : 0
    let path = ByteView(a.buffer + Int(h.pathOffset), Int(h.pathLength) - query)
    if path[0] != 0x2f { return }
    let once = UnsafeMutablePointer<UInt8>.allocate(capacity: path.count)
    let twice = UnsafeMutablePointer<UInt8>.allocate(capacity: path.count)
    let n = PathNormal.normalize(path, into: once)
    must(n <= path.count && n != 0, "a normal path is not longer and not empty")
    if n > 0 {
        must(once[0] == 0x2f && Syntax.isOriginTarget(ByteView(once, n)), "a normal path may stand in a request line")
        must(PathNormal.normalize(ByteView(once, n), into: twice) == n && ByteView(twice, n).equals(ByteView(once, n)), "twice is once")
    }
    if PathNormal.isNormal(path) { must(n == path.count && ByteView(once, n).equals(path), "the quick check misses nothing") }
    once.deallocate()
    twice.deallocate()
}

func requestOptions(_ bits: UInt8) -> RequestHeadOptions {
    var o = RequestHeadOptions()
    o.clientAddress = bits & 128 == 0 ? ByteView("192.0.2.1") : ByteView("2001:db8::1")
    o.localPort = ByteView("8080")
    o.clientIsTrusted = bits & 1 != 0
    o.xForwarded = bits & 2 != 0
    o.standard = bits & 4 != 0
    o.via = bits & 8 != 0
    o.keepUpgrade = bits & 16 != 0
    o.keepExpect = bits & 32 != 0
    o.dropBody = bits & 64 != 0
    if bits & 128 != 0 { o.path = ByteView("/rewritten?x") }
    return o
}

func responseOptions(_ bits: UInt8) -> ResponseHeadOptions {
    var o = ResponseHeadOptions()
    o.date = ByteView("Tue, 24 Nov 2026 13:00:00 GMT")
    o.framing = BodyFraming(rawValue: bits & 7) ?? .asReceived
    o.contentLength = 12_345
    o.keepAlive = bits & 8 != 0
    o.clientMinorVersion = bits >> 4 & 1
    o.via = bits & 32 != 0
    o.keepUpgrade = bits & 64 != 0
    if bits & 128 != 0 { o.status = 503 }
    return o
}

/// Outcome of a body: bytes used (or the refusal), whether it ended, and a hash of the content.
struct Outcome: Equatable {
    var used = 0
    var isDone = false
    var contentHash: UInt64 = 0
}

func fuzzBody(_ input: ByteView, piece: Int) {
    let whole = decode(input, piece: max(1, input.count))
    must(decode(input, piece: piece) == whole && decode(input, piece: 1) == whole, "a cut does not change a body")
    for size in [max(1, input.count), piece, 1] {
        var s = scan(input, piece: size)
        s.contentHash = whole.contentHash
        must(s == whole, "scanning and decoding agree")
    }
}

func decode(_ input: ByteView, piece: Int) -> Outcome {
    var scanner = ChunkScanner()
    var out = Outcome()
    var from = 0
    while from < input.count && !scanner.isDone {
        let n = min(piece, input.count - from)
        var content = ByteView.empty
        let k = scanner.decode(input.start + from, n, content: &content)
        if k < 0 { return Outcome(used: k) }
        must(k > 0 && k <= n && content.count <= k, "decode goes on, within its bytes")
        for i in 0..<content.count { out.contentHash = out.contentHash &* 31 &+ UInt64(content[i]) &+ 1 }
        from += k
    }
    out.used = from
    out.isDone = scanner.isDone
    return out
}

func scan(_ input: ByteView, piece: Int) -> Outcome {
    var scanner = ChunkScanner()
    var out = Outcome()
    while out.used < input.count && !scanner.isDone {
        let n = min(piece, input.count - out.used)
        let k = scanner.scan(input.start + out.used, n)
        if k < 0 { return Outcome(used: k) }
        must(k == n || scanner.isDone, "scan stops only at the end of the body")
        out.used += k
    }
    out.isDone = scanner.isDone
    return out
}
