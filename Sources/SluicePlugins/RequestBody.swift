// A request body that a plugin asked for, gathered whole up to the route's limit. One heap block for as long as the request lives: bodies
// flow by without a copy unless a plugin wants them, and what it wants it gets in one piece.
import Glibc
import SluiceBytes

@frozen public struct RequestBody {
    public enum State: UInt8, Sendable {
        case flowing
        /// A hook waits, the pipeline collects.
        case gathering
        case complete
    }
    public var state = State.flowing
    /// Most bytes that may be gathered; 0 until the pipeline knows the route.
    public var limit: UInt64 = 0
    /// Content-Length as received, -1 when unknown.
    public var declared: Int64 = 0
    public private(set) var data: UnsafeMutablePointer<UInt8>?
    public private(set) var count = 0
    private var capacity = 0

    public init() {}
    public var view: ByteView { data.map { ByteView(UnsafePointer($0), count) } ?? .empty }

    /// Room for `n` bytes in all. False: no memory.
    public mutating func reserve(_ n: Int) -> Bool {
        if n <= capacity { return true }
        let size = max(n, min(capacity * 2, Int(clamping: limit)), 4_096)
        guard let grown = realloc(data, size) else { return false }
        data = grown.assumingMemoryBound(to: UInt8.self)
        capacity = size
        return true
    }
    /// False: no memory. The caller has compared with `limit`.
    public mutating func append(_ bytes: ByteView) -> Bool {
        guard reserve(count + bytes.count) else { return false }
        if bytes.count > 0 { memcpy(data! + count, bytes.start, bytes.count) }
        count += bytes.count
        return true
    }
    /// `bytes` may lie inside the body.
    mutating func replace(_ bytes: ByteView) -> Bool {
        var other = RequestBody()
        other.limit = limit
        guard other.append(bytes) else { return false }
        free(data)
        (data, count, capacity) = (other.data, other.count, other.capacity)
        return true
    }
    /// Gives the memory back; once, when the request ends.
    public mutating func release() {
        free(data)
        data = nil
    }
}
