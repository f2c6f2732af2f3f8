// One request and its response, made of real bytes, that hooks can run on again and again: `restore` undoes what they edited. For
// `PluginBench`; it stands for the pipeline's exchange without a socket. Lives until the process ends; nothing is given back.
import Glibc
import SluiceBytes
import SluiceHTTP
import SluiceModel
import SluiceRules

/// What the request looks like.
public struct PluginBenchShape: Sendable {
    public var method = "GET"
    /// Path and query.
    public var target = "/private/orders/17?page=2"
    /// Lines "Name: value" beside those of a browser.
    public var lines: [String] = []
    /// Bytes of the one chunk that body_filter gets, and of the body of a POST, PUT or PATCH.
    public var chunkBytes = 4096
    public init() {}
}

/// A head, parsed once; hooks flag fields as removed, so a copy of the table as parsed is kept.
private struct BenchHead {
    let head: UnsafeMutablePointer<MessageHead>
    let map: HeaderMap
    private let parsed: UnsafeMutablePointer<HeaderField>

    init(_ text: String, isRequest: Bool) throws(PluginFailure) {
        let size = text.utf8.count, fieldsMax = 100
        let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: size + 128)  // the parser reads past the end
        buffer.initialize(repeating: 0, count: size + 128)
        _ = UnsafeMutableBufferPointer(start: buffer, count: size).update(fromContentsOf: Array(text.utf8))
        let fields = UnsafeMutablePointer<HeaderField>.allocate(capacity: fieldsMax)
        head = .allocate(capacity: 1)
        head.initialize(to: MessageHead())
        let limits = HeadLimits(fieldsMax: fieldsMax, targetBytesMax: 8192, headBytesMax: 65536)
        let n =
            isRequest
            ? HeadParser.request(buffer, count: size, head: head, fields: fields, limits: limits)
            : HeadParser.response(buffer, count: size, head: head, fields: fields, limits: limits)
        guard n == size else { throw PluginFailure("the request is no HTTP/1.1: check method, path and headers") }
        let count = Int(head.pointee.fieldCount)
        map = HeaderMap(buffer: buffer, fields: fields, fieldCount: count)
        parsed = .allocate(capacity: max(1, count))
        parsed.initialize(from: fields, count: count)
    }
    func restore() { memcpy(map.fields, parsed, map.fieldCount * MemoryLayout<HeaderField>.stride) }
}

struct PluginBenchRequest {
    let context: UnsafeMutablePointer<MessageContext>
    private let arena: UnsafeMutablePointer<Arena>
    private let request: BenchHead
    private let response: BenchHead
    private let chunk: ByteView
    private let hasBody: Bool
    /// Targets that a balancer hook chooses from; all of the one cluster, "demo".
    static let targets = 3
    let balance: UnsafeMutablePointer<BalanceContext>
    /// As it is before the first hook.
    private let fresh: MessageContext

    init(_ shape: PluginBenchShape) throws(PluginFailure) {
        let pool = UnsafeMutablePointer<BlockPool>.allocate(capacity: 1)
        pool.initialize(to: BlockPool(blockSize: 4096))
        arena = .allocate(capacity: 1)
        arena.initialize(to: Arena(pool: pool))
        let own = [
            "Host: api.example.org", "User-Agent: Mozilla/5.0 (X11; Linux x86_64)", "Accept: application/json", "Accept-Language: en",
        ]
        let lines = (own + shape.lines).map { $0 + "\r\n" }.joined()
        request = try BenchHead("\(shape.method) \(shape.target) HTTP/1.1\r\n\(lines)\r\n", isRequest: true)
        response = try BenchHead(
            "HTTP/1.1 200 OK\r\nServer: origin\r\nDate: Tue, 01 Jul 2025 10:00:00 GMT\r\nContent-Type: application/json\r\n"
                + "Content-Length: \(shape.chunkBytes)\r\nCache-Control: no-store\r\n\r\n", isRequest: false)
        let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, shape.chunkBytes))
        for i in 0..<shape.chunkBytes { bytes[i] = UInt8(ascii: "a") + UInt8(i % 26) }
        chunk = ByteView(bytes, shape.chunkBytes)
        hasBody = ["POST", "PUT", "PATCH"].contains(shape.method)
        let image = try Self.image()
        balance = Self.choice(image)
        let clusters = UnsafeMutablePointer<ClusterNames>.allocate(capacity: 1)
        clusters.initialize(to: ClusterNames(image))
        var made = MessageContext(arena: arena)
        made.clusters = UnsafePointer(clusters)
        made.routeProxies = true
        made.balance = balance
        made.body.declared = hasBody ? Int64(shape.chunkBytes) : 0
        made.body.limit = UInt64(1 << 20)
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

    /// The request as it is when `phase` begins.
    @inline(__always) func restore(_ phase: PluginPhase) {
        request.restore()
        response.restore()
        arena.pointee.reset()
        context.pointee.body.release()
        context.pointee.content.release()
        context.pointee = fresh
        if phase == .balancer { balance.pointee.chosen = -1 }
        guard phase == .headerFilter || phase == .bodyFilter || phase == .log else { return }
        context.pointee.responseHead = response.head
        context.pointee.response = response.map
        context.pointee.status = response.head.pointee.status
        if phase == .bodyFilter { context.pointee.beginChunk(chunk, isLast: true, isWritable: true) }
    }

    /// The body that a hook waits for has come. False: no memory.
    func completeBody() -> Bool {
        if hasBody && !context.pointee.body.append(chunk) { return false }
        context.pointee.body.state = .complete
        return true
    }
    /// The client has taken what a content hook wrote.
    func takeContent() { _ = context.pointee.content.take() }

    // MARK: a cluster

    private static func image() throws(PluginFailure) -> ImageView {
        var configuration = Configuration(), demo = Cluster(id: "demo")
        configuration.listeners = [Listener(address: "127.0.0.1:80")]
        demo.targets = (1...targets).map { Target(address: "10.0.1.\($0):8080") }
        configuration.clusters = [demo]
        do {
            let bytes = try ImageBuilder(
                configuration: configuration, revision: 1, resolve: { _ in [] }, routeSlot: { _ in 0 }, plugin: { _ in nil }, configPath: ""
            ).build()
            let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes.count, alignment: 4096)
            memory.copyMemory(from: bytes, byteCount: bytes.count)
            return try ImageView(base: UnsafeRawPointer(memory), count: bytes.count)
        } catch {
            throw PluginFailure("the image of the measurement: \(error)")
        }
    }

    /// The first attempt, nothing tried, nothing under way.
    private static func choice(_ image: ImageView) -> UnsafeMutablePointer<BalanceContext> {
        let active = UnsafeMutablePointer<UInt32>.allocate(capacity: targets),
            pools = UnsafeMutablePointer<UInt32>.allocate(capacity: targets)
        active.initialize(repeating: 0, count: targets)
        for i in 0..<targets { (pools + i).initialize(to: UInt32(i)) }
        let made = UnsafeMutablePointer<BalanceContext>.allocate(capacity: 1)
        made.initialize(
            to: BalanceContext(
                image: image, first: image.targets.baseAddress.unsafelyUnwrapped, count: targets, active: UnsafeRawPointer(active),
                activeStride: MemoryLayout<UInt32>.stride, poolOf: UnsafePointer(pools)))
        return made
    }
}
