// One request and its response, made of real bytes, that hooks can run on again and again: `restore` undoes what they edited.
// It stands for the pipeline's exchange; no socket, no pipeline.
import Glibc
import SluiceBytes
import SluiceHTTP
import SluicePlugins

/// A head, parsed once; hooks flag fields as removed, so a copy of the table as parsed is kept.
struct ParsedHead {
    let head: UnsafeMutablePointer<MessageHead>
    let map: HeaderMap
    private let parsed: UnsafeMutablePointer<HeaderField>

    init(_ text: String, isRequest: Bool) throws {
        let size = text.utf8.count, fieldsMax = 100
        let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: size + 128)  // the parser reads past the end
        buffer.initialize(repeating: 0, count: size + 128)
        _ = UnsafeMutableBufferPointer(start: buffer, count: size).update(fromContentsOf: Array(text.utf8))
        let fields = UnsafeMutablePointer<HeaderField>.allocate(capacity: fieldsMax)
        head = .allocate(capacity: 1)
        head.initialize(to: MessageHead())
        let limits = HeadLimits(fieldsMax: fieldsMax, targetBytesMax: 8192, headBytesMax: 16384)
        let n =
            isRequest
            ? HeadParser.request(buffer, count: size, head: head, fields: fields, limits: limits)
            : HeadParser.response(buffer, count: size, head: head, fields: fields, limits: limits)
        guard n == size else { throw BenchFailure("its own message does not parse (\(n))") }
        let count = Int(head.pointee.fieldCount)
        map = HeaderMap(buffer: buffer, fields: fields, fieldCount: count)
        parsed = .allocate(capacity: count)
        parsed.initialize(from: fields, count: count)
    }
    @inline(__always) func restore() { memcpy(map.fields, parsed, map.fieldCount * MemoryLayout<HeaderField>.stride) }
}

/// Lives until the process ends; nothing is given back.
struct BenchRequest {
    let context: UnsafeMutablePointer<MessageContext>
    private let arena: UnsafeMutablePointer<Arena>
    private let request: ParsedHead
    private let response: ParsedHead
    /// As it is before the first hook.
    private let fresh: MessageContext

    init() throws {
        let pool = UnsafeMutablePointer<BlockPool>.allocate(capacity: 1)
        pool.initialize(to: BlockPool(blockSize: 4096))
        arena = .allocate(capacity: 1)
        arena.initialize(to: Arena(pool: pool))
        request = try ParsedHead(
            "GET /private/orders/17?page=2 HTTP/1.1\r\nHost: api.example.org\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
                + "Accept: application/json\r\nAccept-Encoding: gzip, br\r\nAccept-Language: en\r\nX-Api-Key: demo-key\r\n"
                + "X-Internal: 1\r\nCookie: session=0123456789abcdef\r\n\r\n", isRequest: true)
        response = try ParsedHead(
            "HTTP/1.1 200 OK\r\nServer: origin\r\nDate: Tue, 01 Jul 2025 10:00:00 GMT\r\nContent-Type: application/json\r\n"
                + "Content-Length: 512\r\nCache-Control: no-store\r\n\r\n", isRequest: false)
        var made = MessageContext(arena: arena)
        made.requestHead = request.head
        made.request = request.map
        made.clientAddress = ByteView("10.0.0.7")
        made.clientPort = 4711
        made.routeID = ByteView("orders")
        made.clusterID = ByteView("demo")
        fresh = made
        context = .allocate(capacity: 1)
        context.initialize(to: made)
    }

    @inline(__always) func restore() {
        request.restore()
        response.restore()
        arena.pointee.reset()
        context.pointee = fresh
    }
    /// The origin has answered: what header_filter sees.
    @inline(__always) func answer() {
        context.pointee.responseHead = response.head
        context.pointee.response = response.map
        context.pointee.status = response.head.pointee.status
    }
}
