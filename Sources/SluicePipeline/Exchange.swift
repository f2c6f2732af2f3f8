// One request and its response, from the first parsed head to the log line. It exists only while a request is in flight;
// blocks come from a pool. The pieces are plain data: whoever ends an exchange releases them in `Pipeline+Finish`.
import SluiceBytes
import SluiceHTTP
import SluicePlugins
import SluiceRules

typealias Ex = UnsafeMutablePointer<Exchange>

/// Where in its life an exchange is; decides what a timeout or a lost connection means.
enum Stage: UInt8 {
    case routing
    /// Waiting for the upstream connection.
    case connecting
    /// Request on its way (head, then body); a response may already arrive.
    case sending
    /// Request sent, no response head yet.
    case waiting
    /// Response head has gone to the client or is about to.
    case responding
    case done
}

/// Where a response head comes from.
enum HeadSource: UInt8 { case upstream, own, content }
/// The answers that the gateway makes itself.
enum OwnAnswer: UInt8 { case error, route, plugin, maintenance }

/// How the end of a body is known (RFC 9112 section 6).
enum Framing: UInt8 { case none, length, chunked, untilClose }

/// One direction's body on its way through.
struct BodyRelay {
    var framing = Framing.none
    var isDone = true
    var remaining: Int64 = 0
    /// Content and framing bytes received so far.
    var received: UInt64 = 0
    var scanner = ChunkScanner()

    /// Content bytes received, which limits and logs count; chunk framing is none.
    var content: UInt64 { framing == .chunked ? scanner.contentBytes : received }

    mutating func start(_ f: Framing, length: Int64 = 0) {
        framing = f
        remaining = length
        received = 0
        isDone = f == .none || (f == .length && length == 0)
        if f == .chunked { scanner = ChunkScanner() }
    }
}

struct Exchange {
    var client: Conn
    var upstream: Conn?
    /// Keeps image, plugins and pools alive until this request has ended.
    var snapshot: UnsafeMutablePointer<Snapshot>
    var route: UnsafePointer<RouteRecord>?
    var chain: UnsafePointer<UInt32>?
    var chainCount: Int32 = 0
    /// Union of the phases that the chain's plugins have hooks for.
    var chainPhases: UInt8 = 0
    /// The bindings of the consumer are in the chain.
    var consumerJoined = false
    var stage = Stage.routing
    /// The response is relayed decoded: through body filters, or unchunked for an HTTP/1.0 client.
    var decodesResponse = false
    /// The decoded response goes out in chunks of ours.
    var chunksResponse = false
    var isUpgrade = false
    /// An answer of our own is being sent; no upstream is involved any more.
    var answersItself = false
    var headSent = false
    var responseEnded = false
    var interims: UInt8 = 0
    /// The client broke off or a side failed: the connection cannot be kept.
    var aborted = false
    /// The upstream stopped reading the request's body; its answer is awaited without sending more.
    var bodyRefused = false
    /// Body bytes have left the buffer they arrived in: the request cannot be sent again.
    var bodyIsGone = false
    /// The path came in an unusual spelling: routes are chosen by its folded form.
    var hasOddPath = false
    /// What came was not a request.
    var isRefused = false
    var headBuffer: Bytes
    var headBufferIsLarge = false
    /// Position in the client's input where body bytes began.
    var bodyStart: Int32 = 0
    /// Where the response's body area may start over in the upstream's input.
    var responseFloor: Int32 = 0
    var request = BodyRelay()
    var response = BodyRelay()
    var requestHead = MessageHead()
    var responseHead = MessageHead()
    var arena: Arena
    /// Body filters' own memory, released after every run of content.
    var chunkArena: Arena
    var context: MessageContext
    var targetIndex: Int32 = -1
    var tried: UInt64 = 0
    var attempts: UInt32 = 0
    var retries: UInt32 = 0
    var startedUs: UInt64 = 0
    var upstreamStartedUs: UInt64 = 0
    var upstreamUs: UInt64 = 0
    var bytesSent: UInt64 = 0
    /// Of which head, so that the log can tell the body's size.
    var headBytes: UInt32 = 0
    /// Window of the minimum-rate check.
    var rateWindowUs: UInt64 = 0
    var rateWindowBytes: UInt64 = 0
    /// A body that is being sent from memory (answers): what is left of it.
    var memoryBody = ByteView.empty
    /// Pipe of a spliced body, -1 = none, and bytes inside it.
    var pipe: Int32 = -1
    var piped: Int = 0
    /// The pipe carries the request's body, not the response's.
    var pipeIsRequest = false
    /// Walking the chain: a hook waits (not one of content), its phase and its place in the chain.
    var isParked = false
    var hookPhase = PluginPhase.rewrite
    var hookIndex: Int32 = 0
    /// The content hook has begun and not returned; its place in the chain.
    var contentRuns = false
    var contentIndex: Int32 = 0
    /// Whose head the header filters see, so that the walk goes on with the right thing.
    var headSource = HeadSource.upstream
    /// Which answer of ours is due once they have run, and its body.
    var ownAnswer = OwnAnswer.error
    var ownBody = ByteView.empty
    /// Filters see our own answer; not after a filter failed.
    var ownIsFiltered = false
    /// Decides between two generations of a plugin; 0 = not computed yet.
    var shareHash: UInt64 = 0
    /// Index of the cluster that the request goes to.
    var cluster: Int32 = -1
    /// What is left of a gathered body on its way upstream.
    var upload = ByteView.empty
    /// What a balancer hook decided for this attempt; 0 and -1 = as configured.
    var connectMs: UInt32 = 0
    var responseMs: UInt32 = 0
    var connectRetries: Int32 = -1
    /// Bindings by place in the chain: their condition was looked at, and was true.
    var conditionsKnown: UInt64 = 0
    var conditionsTrue: UInt64 = 0
    /// Of a route with extras, in the arena: nil for all others.
    var action: UnsafeMutablePointer<ActionState>?

    /// The form that every exchange begins as: one copy of a kilobyte costs a third of setting its fields one by one. Its pointers
    /// point nowhere until `Pipeline.begin` sets them.
    init(form arenas: UnsafeMutablePointer<BlockPool>) {
        client = Conn(bitPattern: 16)!
        snapshot = UnsafeMutablePointer(bitPattern: 16)!
        headBuffer = Bytes(bitPattern: 16)!
        arena = Arena(pool: arenas)
        chunkArena = Arena(pool: arenas)
        context = MessageContext(arena: UnsafeMutablePointer(bitPattern: 16)!)
    }
}

/// Address of a stored field of something that does not move (slab, pool block).
@inline(__always) func address<T>(_ field: inout T) -> UnsafeMutablePointer<T> { withUnsafeMutablePointer(to: &field) { $0 } }
