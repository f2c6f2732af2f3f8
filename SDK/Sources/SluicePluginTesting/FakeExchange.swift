// One request on the fake host, what plugins made of it, and its hook that runs or waits. Set it up, run hooks, look at it.
import CSluiceABI
import SluicePlugin

/// A response: an answer of a plugin, what a content hook made, or what filters see.
public struct FakeResponse: Equatable, Sendable {
    public var status: Int
    public var headers: [HTTPField]
    public var body: [UInt8]
    public init(status: Int = 200, headers: [HTTPField] = [], body: [UInt8] = []) {
        (self.status, self.headers, self.body) = (status, headers, body)
    }
    public var text: String { String(decoding: body, as: UTF8.self) }
    /// First field of this name, letters' case ignored.
    public func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name.lowercased() }?.value }
}

/// A target that a balancer hook may choose.
public struct FakeTarget: Sendable {
    public var label: String, weight: Int, active: Int, wasTried: Bool
    public init(_ label: String, weight: Int = 1, active: Int = 0, wasTried: Bool = false) {
        (self.label, self.weight, self.active, self.wasTried) = (label, weight, active, wasTried)
    }
}

public final class FakeExchange {
    // The request.
    public var method: String, path: String, host: String
    /// What a hook changed in place shows here.
    public var body: [UInt8] {
        get { lentBody.map { Array(UnsafeBufferPointer(start: $0, count: bodyBytes.count)) } ?? bodyBytes }
        set { (bodyBytes, lentBody) = (newValue, nil) }
    }
    private var bodyBytes: [UInt8]
    /// Handed out by `writable`.
    var lentBody: UnsafeMutablePointer<UInt8>?
    public var requestHeaders: [HTTPField]
    public var scheme = "http", httpVersion = "HTTP/1.1", sourceAddress = "192.0.2.1", sourcePort = "50000"
    public var routeID = "route", clusterID = "cluster", target = "", id = "", consumer = ""
    /// The body arrives only while a hook waits for it.
    public var bodyIsSlow = false
    /// Longest body that a hook may gather or make.
    public var bodyMaxBytes = 1 << 20
    public var variables: [String: [UInt8]] = [:]

    // What plugins made.
    /// What the client gets instead of a response of the upstream; nil when no hook answered.
    public internal(set) var answer: FakeResponse?
    public internal(set) var chosenCluster: String?
    public internal(set) var chosenTarget: Int?
    /// What header and body filters see and change, and what content hooks make.
    public var response = FakeResponse()
    /// Calls that the phase did not allow.
    public internal(set) var misuses = 0

    // The balancer's and the log's input.
    public var targets: [FakeTarget] = []
    public var attempts = 0
    public internal(set) var timeoutsMs: (connect: Int, response: Int) = (0, 0)
    public internal(set) var retries: Int?
    public var durationUs: UInt64 = 1_000, upstreamUs: UInt64 = 500, bytesReceived: UInt64 = 0

    var chunk = FakeChunk(bytes: [], isLast: true)
    var content = FakeContent()
    var answerHeaders: [HTTPField] = []
    var bodyIsGathered = false
    private var memory: [UnsafeMutableRawPointer] = []
    private var memoryBytes = 0
    /// What plugins may allocate for one request.
    static let memoryBytesMax = 1 << 20

    public init(
        method: String = "GET", path: String = "/", host: String = "example.test", headers: [HTTPField] = [], body: [UInt8] = []
    ) {
        (self.method, self.path, self.host, bodyBytes) = (method, path, host, body)
        requestHeaders = [HTTPField(name: "Host", value: host)] + headers
        if !body.isEmpty { requestHeaders.append(HTTPField(name: "Content-Length", value: "\(body.count)")) }
    }
    deinit { for p in memory { p.deallocate() } }

    /// First field of this name as the upstream would get it, letters' case ignored.
    public func requestHeader(_ name: String) -> String? {
        requestHeaders.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    // MARK: the hook

    enum Parked { case none, token(UInt64), body, room }
    /// The phase of the hook that runs now; nil between hooks and while one waits.
    private(set) var phase: FakePhase?
    private(set) var hookPhase = FakePhase.rewrite
    var parked = Parked.none
    /// What the running hook has prepared to wait for.
    var prepared = Parked.none
    private(set) var isCancelled = false
    private(set) var result: Int32?
    private var hook: (OpaquePointer) -> Int32 = { _ in 0 }
    private(set) unowned var world = World.none

    var isParked: Bool { if case .none = parked { false } else { true } }
    var handle: OpaquePointer { OpaquePointer(Unmanaged.passUnretained(self).toOpaque()) }
    static func of(_ handle: OpaquePointer?) -> FakeExchange? {
        handle.map { Unmanaged<FakeExchange>.fromOpaque(UnsafeRawPointer($0)).takeUnretainedValue() }
    }

    func begin(_ phase: FakePhase, _ world: World, _ hook: @escaping (OpaquePointer) -> Int32) {
        (hookPhase, self.world, self.hook, result) = (phase, world, hook, nil)
        if phase == .content { content = FakeContent() }
    }
    /// Calls the hook, at first or again.
    func call() { inside { hook(handle) } }

    /// Runs `body` as part of the hook and settles what it returned.
    func inside(_ body: () -> Int32) {
        parked = .none
        prepared = .none
        phase = hookPhase
        let r = body()
        phase = nil
        guard r == Int32(SLUICE_SUSPEND), !isCancelled else { return finish(r) }
        parked = prepared
        switch parked {
        case .none: finish(Int32(SLUICE_EFAULT))  // suspended without having said for what
        case .token(let token): world.didPark(token)
        case .body, .room: world.waiting.append(self)
        }
    }
    private func finish(_ r: Int32) {
        result = r
        if r == Int32(SLUICE_ANSWERED) {
            switch hookPhase {
            case .content: if !content.isFinished { result = Int32(SLUICE_EFAULT) }
            case .rewrite, .access, .routing:
                if answer == nil { result = Int32(SLUICE_EFAULT) } else { answer!.headers = answerHeaders }
            default: result = Int32(SLUICE_EFAULT)
            }
        }
    }
    func cancel() {
        isCancelled = true
        let was = parked
        switch was {
        case .none: break
        case .token(let token): world.end(token, Int32(SLUICE_ECANCELED))
        case .body, .room:
            world.waiting.removeAll { $0 === self }
            call()
        }
        result = Int32(SLUICE_ECANCELED)
    }

    // MARK: memory of the request

    func allocate(_ count: Int) -> UnsafeMutableRawPointer? {
        guard count <= Self.memoryBytesMax - memoryBytes else { return nil }
        memoryBytes += count
        let p = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1), alignment: 16)
        memory.append(p)
        return p
    }
    /// A view that stays until the exchange goes: the fake forgives what the gateway does not.
    func lend<C: Collection<UInt8>>(_ bytes: C) -> sluice_view {
        let p = UnsafeMutableRawPointer.allocate(byteCount: max(bytes.count, 1), alignment: 16)
        memory.append(p)
        let q = p.initializeMemory(as: UInt8.self, from: Array(bytes), count: bytes.count)
        return sluice_view(data: q, size: UInt64(bytes.count))
    }
    func lend(_ text: String) -> sluice_view { lend(text.utf8) }
}

struct FakeChunk {
    var bytes: [UInt8]
    var isLast: Bool
    var appended: [UInt8] = []
    /// Handed out by `writable`: changes show up here.
    var buffer: UnsafeMutablePointer<UInt8>?
    init(bytes: [UInt8], isLast: Bool) { (self.bytes, self.isLast) = (bytes, isLast) }
    var current: [UInt8] { buffer.map { Array(UnsafeBufferPointer(start: $0, count: bytes.count)) } ?? bytes }
    var result: [UInt8] { current + appended }
}

struct FakeContent {
    var isStarted = false, isFinished = false, headIsOut = false
    var length = -1
    var unsent = 0
    var state: UnsafeMutableRawPointer?
}

extension sluice_view {
    var array: [UInt8] { Array(UnsafeBufferPointer(start: data, count: Int(size))) }
    var string: String { String(decoding: UnsafeBufferPointer(start: data, count: Int(size)), as: UTF8.self) }
}
