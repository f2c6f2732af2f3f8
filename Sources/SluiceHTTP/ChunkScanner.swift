// The chunked coding (RFC 9112 section 7.1): checks framing while bytes are relayed as they are, or takes them apart.
// Plain data of 32 bytes that survives any cut of the stream; trailer lines are judged in ChunkScanner+Trailer.swift.
import SluiceBytes

/// ```
///  firstDigit ─hex─► size ─CR─► sizeLF ─LF─► data ─all─► dataCR ─► dataLF ─LF─► firstDigit
///                      │ ;  ▲                  (size 0) └► lineStart ─CR─► finalLF ─LF─► done
///                      ▼    │ CR                           │ token  ▲
///              blank/extension                             ▼        │ LF
///                                                        name ─:─► value ─CR─► valueLF
/// ```
@frozen public struct ChunkScanner {
    @usableFromInline enum State {
        static var firstDigit: UInt8 { 0 }
        static var size: UInt8 { 1 }
        static var blank: UInt8 { 2 }
        static var extent: UInt8 { 3 }
        static var sizeLF: UInt8 { 4 }
        @usableFromInline static var data: UInt8 { 5 }
        static var dataCR: UInt8 { 6 }
        static var dataLF: UInt8 { 7 }
        static var lineStart: UInt8 { 8 }
        static var name: UInt8 { 9 }
        static var value: UInt8 { 10 }
        static var valueLF: UInt8 { 11 }
        static var finalLF: UInt8 { 12 }
        @usableFromInline static var done: UInt8 { 13 }
    }
    /// Content bytes of the current chunk still to come; while the size is read, the size so far.
    @usableFromInline var left: UInt64 = 0
    @usableFromInline var contentCount: UInt64 = 0
    /// FNV-1a of the current trailer name in lower case.
    @usableFromInline var nameHash: UInt64 = 0
    @usableFromInline var extensionBytes: UInt16 = 0
    @usableFromInline var trailerBytes: UInt16 = 0
    @usableFromInline var state: UInt8 = 0
    @usableFromInline var digits: UInt8 = 0
    @usableFromInline var nameLength: UInt8 = 0

    @inlinable public init() {}

    /// Content bytes seen so far, framing excluded: what limits on bodies count.
    @inlinable public var contentBytes: UInt64 { contentCount }

    /// The last byte of the body, trailers included, was seen.
    @inlinable public var isDone: Bool { state == State.done }

    /// Checks the next `n` bytes of the body.
    /// - Returns: how many of them belong to the body: `n`, or fewer when it ends among them; a negative status (400, or
    ///   431 for too many trailer bytes) when the framing is broken. The scanner is useless after that.
    @inlinable public mutating func scan(_ p: UnsafePointer<UInt8>, _ n: Int) -> Int {
        if state == State.data && left >= UInt64(truncatingIfNeeded: n) && n > 0 {  // inside one chunk: nothing to look at
            left &-= UInt64(truncatingIfNeeded: n)
            contentCount &+= UInt64(truncatingIfNeeded: n)
            if left == 0 { endChunk() }
            return n
        }
        var used = 0
        var content = ByteView(p, 0)
        while used < n && state != State.done {
            let k = decode(p + used, n &- used, content: &content)
            if k < 0 { return k }
            used &+= k
        }
        return used
    }

    /// Consumes framing, at most one run of content, and the framing behind it.
    /// - Parameter content: the run, a view into `p`; its count is 0 when these bytes are framing only.
    /// - Returns: bytes consumed, content included, at least 1 unless `n` is 0 or the body is done; or a negative status.
    @inlinable public mutating func decode(_ p: UnsafePointer<UInt8>, _ n: Int, content: inout ByteView) -> Int {
        content = ByteView(p, 0)
        var used = 0
        if state != State.data {
            used = framing(p, n)
            if used < 0 || state != State.data { return used }
        }
        let run = Int(truncatingIfNeeded: min(left, UInt64(truncatingIfNeeded: n &- used)))
        content = ByteView(p + used, run)
        left &-= UInt64(truncatingIfNeeded: run)
        contentCount &+= UInt64(truncatingIfNeeded: run)
        used &+= run
        if left == 0 {
            endChunk()
            let k = framing(p + used, n &- used)
            return k < 0 ? k : used &+ k
        }
        return used
    }

    @usableFromInline mutating func endChunk() { state = State.dataCR }

    /// Consumes bytes until content or the end of the body follows; byte by byte, because framing is short.
    @usableFromInline @inline(never)
    mutating func framing(_ p: UnsafePointer<UInt8>, _ n: Int) -> Int {
        var i = 0
        while i < n {
            let c = p[i]
            switch state {
            case State.firstDigit, State.size:
                if Syntax.isHex(c) {
                    if digits == HTTPLimits.chunkSizeDigitsMax { return -400 }
                    left = left << 4 | UInt64(c < 0x3a ? c &- 0x30 : (c | 0x20) &- 0x57)
                    digits &+= 1
                    state = State.size
                } else if state == State.firstDigit || left > UInt64(Int64.max) {
                    return -400
                } else if c == 0x0d {
                    state = State.sizeLF
                } else if !beginExtension(c) {
                    return -400
                }
            case State.blank:  // white space is allowed before ";" only (BWS)
                if !beginExtension(c) { return -400 }
            case State.extent:
                if c == 0x0d {
                    state = State.sizeLF
                } else if (c < 0x20 && c != 9) || c == 0x7f || !countExtension() {
                    return -400
                }
            case State.sizeLF:
                if c != 0x0a { return -400 }
                digits = 0
                if left > 0 {
                    state = State.data
                    return i &+ 1
                }
                state = State.lineStart
            case State.dataCR:
                if c != 0x0d { return -400 }
                state = State.dataLF
            case State.dataLF:
                if c != 0x0a { return -400 }
                state = State.firstDigit
            case State.done:
                return i
            default:
                let status = trailer(c)
                if status != 0 { return status }
            }
            i &+= 1
        }
        return i
    }

    private mutating func beginExtension(_ c: UInt8) -> Bool {
        if c == 0x3b {
            state = State.extent
        } else if Syntax.isBlank(c) {
            state = State.blank
        } else {
            return false
        }
        return countExtension()
    }

    private mutating func countExtension() -> Bool {
        extensionBytes &+= 1
        return extensionBytes <= HTTPLimits.chunkExtensionBytesMax
    }
}
