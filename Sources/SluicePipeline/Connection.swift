// One TCP (or Unix) connection, client or upstream, as plain data in the slab. No protocol here: what is being said on it
// stands in its `Exchange`. An idle connection holds no buffer.
import SluiceBytes
import SluiceHTTP
import SluiceLoop

typealias Conn = UnsafeMutablePointer<Connection>
typealias Bytes = UnsafeMutablePointer<UInt8>

/// ```
///            accept                     head complete                 response sent
///  client:  ───────► idle ──► head ───────────────────► exchange ───────────────────► idle
///                      ▲ first byte                        │ 101        │ error, close
///                      └───────────────────────────────────┼─► tunnel   └─► lingering ─► closed
///
///            connect          EPOLLOUT            response done, reusable
///  upstream: ───────► connecting ───► exchange ─────────────────────────► pooled ─► exchange …
/// ```
enum ConnectionState: UInt8 {
    case free, idle, head, exchange, tunnel, lingering, connecting, pooled, closed
}

struct Connection: ~Copyable {
    /// First, so that a timer's address is its connection's.
    var timer = TimerNode()
    var descriptor: Int32 = -1
    var index: UInt32 = 0
    /// Part of the event token: an event for an earlier user of the slot is recognised. Never 0 while in use.
    var generation: UInt32 = 0
    var state = ConnectionState.free
    var isUpstream = false
    /// Edge-triggered readiness: true until a call came up short.
    var readable = false
    var writable = false
    /// The peer finished sending (a half-close is not an abort), or the connection is broken both ways.
    var hangup = false
    var broken = false
    /// May carry another message after this one.
    var keepAlive = false
    var inputIsLarge = false
    var outputIsLarge = false
    /// Taken from the pool, not freshly connected.
    var reused = false
    var trusted = false
    /// Wakes only for a good part of a large body (`Pipeline.starve`).
    var gathers = false
    var addressLength: UInt8 = 0
    var port: UInt16 = 0
    /// Received bytes: [inputStart, inputChecked) may be sent on, [inputChecked, inputEnd) have not been looked at.
    var input: Bytes?
    var inputStart: Int32 = 0
    var inputChecked: Int32 = 0
    var inputEnd: Int32 = 0
    /// Bytes still to be sent.
    var output: Bytes?
    var outputStart: Int32 = 0
    var outputEnd: Int32 = 0
    var exchange: UnsafeMutablePointer<Exchange>?
    /// Requests served (client) on this connection.
    var requests: UInt32 = 0
    /// Upstream: its target's pool and the neighbours in that pool's idle list.
    var pool: UInt32 = 0
    var poolNext: Int32 = -1
    var poolPrevious: Int32 = -1
    /// Next in the list of connections that closed in this turn.
    var graveNext: Int32 = -1
    /// Waiting in line for the next turn (`Pipeline.yield`).
    var inLine = false
    var lineNext: Int32 = -1
    var listener: UInt16 = 0
    /// The client's address as text, without port.
    var address: InlineArray<46, UInt8> = .init(repeating: 0)

    @inline(__always) var outputPending: Int { Int(outputEnd &- outputStart) }
}

/// Sizes of the two kinds of I/O buffer. Before the bytes lies the table of parsed header fields, so that an ordinary head and its fields
/// share one page: that is what a request holds while a hook of it waits. Behind the bytes come 128 pad bytes (the parser reads past the end).
struct BufferShape {
    let capacity: Int
    let blockSize: Int
    init(capacity: Int) {
        self.capacity = capacity
        blockSize = (BufferShape.tableBytes + capacity + 128 + 4095) & ~4095
    }
    static let tableBytes = (fieldsMax * MemoryLayout<HeaderField>.stride + 63) & ~63
    /// Most fields of a head, whatever the configuration allows.
    static let fieldsMax = 256
    /// Heads begin in a buffer of this size; one that is allowed to be larger moves on in a large one.
    static let smallCapacity = 16_384
    /// Bodies move in runs of this size: larger runs mean fewer system calls, beyond 64 KiB nothing was gained.
    static let largeCapacity = 65_536
}
