// What the opaque handles of the contract point to: everything that plugins may see and change of one request. It is plain
// data inside the pipeline's exchange; the pipeline fills it in, runs the hooks, and reads what they changed.
// The functions that plugins call on it are in `HostTables+….swift`.
import SluiceBytes
import SluiceHTTP
import SluiceShared

/// What a parked hook waits for, and so who makes it go on.
public enum Wait: UInt8, Sendable {
    case none
    /// A timer, a descriptor, a token: the host; `PluginHost.nextFinished` tells when the hook has ended.
    case call
    /// The whole request body: the pipeline, by `PluginHost.resume`.
    case body
    /// Room towards the client: the pipeline, by `PluginHost.resume`.
    case room
}

/// One per request in flight. Views must stay valid until the request ends, those of the heads until their head is let go
/// (then set the pointer to the head to nil and the map to `HeaderMap()`: reads answer "none").
@frozen public struct MessageContext {
    /// `PluginPhase` of the hook that runs now, `PluginPhase.none` outside; set by `BoundPlugin.run`.
    public var phase: UInt8 = PluginPhase.none
    public var answerStatus: UInt16 = 0
    /// Status that will be sent to the client; header_filter may change it.
    public var status: UInt16 = 0
    public var clientPort: UInt16 = 0
    /// Counters of the plugin that runs now, for calls that its phase does not allow.
    @usableFromInline var counters: UnsafeMutablePointer<PluginCounters>?

    public var requestHead: UnsafeMutablePointer<MessageHead>?
    public var request = HeaderMap()
    public var responseHead: UnsafeMutablePointer<MessageHead>?
    public var response = HeaderMap()
    /// Where edits and plugins allocate until the request ends.
    public var arena: UnsafeMutablePointer<Arena>

    /// Set by plugins, nil = as received. `path` is path and query.
    public var path: ByteView?
    public var method: ByteView?
    public var host: ByteView?

    /// Text of the client's IP address.
    public var clientAddress = ByteView.empty
    public var scheme = ByteView("http")
    public var routeID = ByteView.empty
    public var clusterID = ByteView.empty
    public var targetLabel = ByteView.empty
    public var requestID = ByteView.empty
    public var consumer = ByteView.empty

    /// Answer of a plugin: `answerStatus` (0 = none), body, fields (extras only).
    public var answerBody = ByteView.empty
    public var answerMap = HeaderMap()

    /// body_filter: before the first filter of a chunk the pipeline sets `chunk`, `chunkIsLast`, `chunkIsWritable` and calls
    /// `beginChunk`; after the last one it sends `chunk` as it is, or, when `chunkReplaced`, the
    /// `chunkOutCount` views of `chunkOut` in its place (there may be none).
    public var chunk = ByteView.empty
    public var chunkIsLast = false
    /// The bytes of `chunk` may be changed in place (a buffer of ours, not an image or a constant).
    public var chunkIsWritable = false
    public var chunkReplaced = false
    public var chunkOut: UnsafeMutablePointer<ByteView>?
    public var chunkOutCount = 0
    @usableFromInline var chunkOutCapacity = 0
    /// Where bytes of `chunkOut` are allocated; the pipeline may give an arena that it resets after each chunk was sent, so that
    /// a long body is not bounded by the request's memory. nil = `arena`.
    public var chunkArena: UnsafeMutablePointer<Arena>?

    /// log
    public var bytesSent: UInt64 = 0
    public var bytesReceived: UInt64 = 0
    public var durationUs: UInt64 = 0
    public var upstreamUs: UInt64 = 0
    public var retries: UInt32 = 0

    // Waiting; see `PluginHost+Waiting.swift`. The pipeline reads `wait`, the rest is the board's.
    /// What the hook that parked last waits for; meaningful when `run` or `resume` said 2.
    public var wait = Wait.none
    /// The parked hook of the phase that is walked, and the parked content hook: both may be there at once.
    @usableFromInline var parked: UnsafeMutableRawPointer?
    @usableFromInline var producer: UnsafeMutableRawPointer?
    /// What the hook that runs now has prepared to wait for (a token, the body, room), void unless it returns SLUICE_SUSPEND.
    @usableFromInline var pending: UnsafeMutableRawPointer?
    /// The exchange is over (`PluginHost.cancel`): every wait ends at once, failures are not the plugin's.
    public internal(set) var isCancelled = false
    /// The generation goes by force: the hook that runs now is called a last time, and every wait of it ends at once.
    var hookIsCancelled = false
    /// The binding whose hook runs now.
    @usableFromInline var binding: UnsafeMutablePointer<BoundPlugin>?
    /// The pipeline's exchange, which finds its request again when a parked hook ends.
    public var owner: UnsafeMutableRawPointer?

    /// The pipeline's list of requests whose hooks want something of it: they wrote content, or wait for the body.
    public var attention: UnsafeMutablePointer<UnsafeMutablePointer<MessageContext>?>?
    public var nextInLine: UnsafeMutablePointer<MessageContext>?
    public var isInLine = false

    public var body = RequestBody()
    public var content = ContentStream()
    /// Set for the time of a balancer hook.
    public var balance: UnsafeMutablePointer<BalanceContext>?
    /// Names of the clusters of the image in force, and the cluster that a plugin chose (-1 = the route's).
    public var clusters: UnsafePointer<ClusterNames>?
    public var chosenCluster: Int32 = -1
    /// The route sends requests to a cluster.
    public var routeProxies = false

    /// Variables that plugins set, in the arena (`VariableNames.swift`); none until the first is set.
    @usableFromInline var variables: UnsafeMutablePointer<RequestVariable>?
    @usableFromInline var variableCount: UInt8 = 0
    @usableFromInline var variableCapacity: UInt8 = 0

    public init(arena: UnsafeMutablePointer<Arena>) { self.arena = arena }

    /// Forgets what filters made of the chunk before; call it for every chunk before its first filter runs.
    @inlinable public mutating func beginChunk(_ bytes: ByteView, isLast: Bool, isWritable: Bool) {
        chunk = bytes
        chunkIsLast = isLast
        chunkIsWritable = isWritable
        chunkReplaced = false
        chunkOut = nil
        chunkOutCount = 0
        chunkOutCapacity = 0
    }

    // MARK: what attributes show

    /// Path and query that go upstream.
    @inlinable public var pathAndQuery: ByteView {
        if let path { return path }
        guard let head = requestHead else { return .empty }
        return ByteView(UnsafePointer(request.buffer) + Int(head.pointee.pathOffset), Int(head.pointee.pathLength))
    }

    @inlinable public var methodToken: ByteView {
        if let method { return method }
        guard let head = requestHead else { return .empty }
        return ByteView(UnsafePointer(request.buffer), Int(head.pointee.methodLength))
    }

    @inlinable public var authority: ByteView {
        if let host { return host }
        guard let head = requestHead else { return .empty }
        return ByteView(UnsafePointer(request.buffer) + Int(head.pointee.authorityOffset), Int(head.pointee.authorityLength))
    }
}
