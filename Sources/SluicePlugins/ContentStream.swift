// The response that a content hook makes: its head as far as it is known, and the bytes that were written and not yet taken by the
// pipeline. One heap block for as long as the response lives: a hook writes when it likes, the client reads when it likes.
import Glibc
import SluiceBytes

@frozen public struct ContentStream {
    /// Bytes that may wait before the writer waits; most that a writer without a fiber may add beyond it.
    public static var highWater: Int { 65_536 }
    public static var bytesMax: Int { 1 << 20 }

    public var isStarted = false
    public var isFinished = false
    /// The head has left: no more fields.
    public var headIsFixed = false
    public var status: UInt16 = 0
    /// As promised at the start, -1 when unknown.
    public var length: Int64 = -1
    public var written: Int64 = 0
    /// The hook's own.
    public var data: UnsafeMutableRawPointer?

    private var bytes: UnsafeMutablePointer<UInt8>?
    public private(set) var count = 0
    private var capacity = 0
    /// What was taken last, until it is taken back.
    private var spare: UnsafeMutablePointer<UInt8>?
    private var spareCapacity = 0

    public init() {}

    /// Adds as much as there is room for below `limit` in all; the number of bytes taken, -1 without memory.
    mutating func append(_ view: ByteView, limit: Int) -> Int {
        let n = min(view.count, limit - count)
        if n <= 0 { return 0 }
        if count + n > capacity {
            let size = min(max(count + n, capacity * 2, 4_096), Self.bytesMax)
            guard let grown = realloc(bytes, size) else { return -1 }
            bytes = grown.assumingMemoryBound(to: UInt8.self)
            capacity = size
        }
        memcpy(bytes! + count, view.start, n)
        count += n
        return n
    }

    /// Everything that waits, as bytes that stay until the next call; the writer goes on in another block meanwhile.
    public mutating func take() -> ByteView {
        let taken = ByteView(UnsafePointer(bytes ?? UnsafeMutablePointer(bitPattern: 16)!), count)
        swap(&bytes, &spare)
        swap(&capacity, &spareCapacity)
        count = 0
        return taken
    }
    /// Gives the memory back; once, when the request ends.
    public mutating func release() {
        free(bytes)
        free(spare)
        bytes = nil
        spare = nil
    }
}
