// Putting text into a log line's memory: numbers, plain copies, and copies that escape what must not stand in a log. Every
// field has a bound of its own on the bytes it may take, so a line's size is known before it is written.
import CSluiceSys
import SluiceBytes
import SluiceSystem

/// A cursor in memory that the caller has made large enough; nothing here checks the end of it.
struct LineWriter {
    var p: UnsafeMutablePointer<UInt8>
    init(_ p: UnsafeMutablePointer<UInt8>) { self.p = p }

    @inline(__always) mutating func byte(_ b: UInt8) {
        p.pointee = b
        p += 1
    }
    @inline(__always) mutating func text(_ s: StaticString) {
        memcpy(p, s.utf8Start, s.utf8CodeUnitCount)
        p += s.utf8CodeUnitCount
    }
    /// Three digits a step: statuses, retries and most durations need one.
    mutating func number(_ value: UInt64) {
        if value >= 1000 {
            number(value / 1000)
            return group(UInt32(truncatingIfNeeded: value % 1000), from: 1000)
        }
        group(UInt32(truncatingIfNeeded: value), from: UInt32(truncatingIfNeeded: value))
    }
    /// The digits of `v` (0…999) without those that `size` is too small for; multiplications stand for divisions by 100 and 10.
    @inline(__always) private mutating func group(_ v: UInt32, from size: UInt32) {
        let hundreds = (v &* 41) >> 12
        let rest = v &- hundreds &* 100
        let tens = (rest &* 103) >> 10
        if size >= 100 { byte(0x30 | UInt8(truncatingIfNeeded: hundreds)) }
        if size >= 10 { byte(0x30 | UInt8(truncatingIfNeeded: tens)) }
        byte(0x30 | UInt8(truncatingIfNeeded: rest &- tens &* 10))
    }
    @inline(__always) mutating func hex(_ c: UInt8) {
        let digits: StaticString = "0123456789ABCDEF"
        byte(digits.utf8Start[Int(c >> 4)])
        byte(digits.utf8Start[Int(c & 15)])
    }

    enum Escape { case combined, json }

    /// Copies `v`, at most `max` bytes of output; bytes that `mode` does not allow are escaped. A field that does not fit
    /// ends with its last whole character or escape.
    mutating func escaped(_ v: ByteView, max: Int, _ mode: Escape) {
        var i = 0
        let limit = p + max
        while i < v.count {
            // Sixteen clean bytes at a time, then eight; the common field is all clean.
            while i &+ 16 <= v.count, limit - p >= 16 {
                if cs_needs_care16(v.start + i) != 0 { break }
                memcpy(p, v.start + i, 16)
                p += 16
                i &+= 16
            }
            while i &+ 8 <= v.count, limit - p >= 8 {
                let w = UnsafeRawPointer(v.start + i).loadUnaligned(as: UInt64.self)
                if LineWriter.needsCare(w) { break }
                UnsafeMutableRawPointer(p).storeBytes(of: w, as: UInt64.self)
                p += 8
                i &+= 8
            }
            if i >= v.count { return }
            let used = careful(v, i, limit, mode)
            if used == 0 { return }
            i &+= used
        }
    }

    /// Whether any byte of `w` is a control, a quote, a backslash or above 0x7e (now and then true for clean ones too).
    @inline(__always) static func needsCare(_ w: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let control = (w &- ones &* 0x20) & ~w
        let quote = w ^ (ones &* 0x22)
        let slash = w ^ (ones &* 0x5c)
        let delete = w ^ (ones &* 0x7f)
        let zeros = ((quote &- ones) & ~quote) | ((slash &- ones) & ~slash) | ((delete &- ones) & ~delete)
        return (control | zeros | w) & (ones &* 0x80) != 0
    }

    /// One character or one escape; returns how many bytes of the source it stands for, 0 when it does not fit any more.
    @inline(__always) mutating func careful(_ v: ByteView, _ i: Int, _ limit: UnsafeMutablePointer<UInt8>, _ mode: Escape) -> Int {
        let c = v[i]
        if c >= 0x20 && c < 0x7f && c != 0x22 && c != 0x5c {
            if p >= limit { return 0 }
            byte(c)
            return 1
        }
        return escape(v, i, limit, mode)
    }

    @inline(never) mutating func escape(_ v: ByteView, _ i: Int, _ limit: UnsafeMutablePointer<UInt8>, _ mode: Escape) -> Int {
        let c = v[i]
        let room = limit - p
        if mode == .combined {
            if room < 4 { return 0 }
            text("\\x")
            hex(c)
            return 1
        }
        let n = c < 0x80 ? 0 : UTF8Check.length(v, i)
        if n > 0 {  // a whole character
            if room < n { return 0 }
            memcpy(p, v.start + i, n)
            p += n
            return n
        }
        if c == 0x22 || c == 0x5c {
            if room < 2 { return 0 }
            byte(0x5c)
            byte(c)
            return 1
        }
        if room < 6 { return 0 }
        text("\\u00")
        hex(c)
        return 1
    }
}

enum UTF8Check {
    /// Length of the well-formed multi-byte character at `i` (RFC 3629 section 4), or 0 when the bytes are none.
    static func length(_ v: ByteView, _ i: Int) -> Int {
        let c = v[i]
        let n = c >= 0xc2 && c <= 0xdf ? 2 : c >= 0xe0 && c <= 0xef ? 3 : c >= 0xf0 && c <= 0xf4 ? 4 : 0
        if n == 0 || i + n > v.count { return 0 }
        let low: UInt8 = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80
        let high: UInt8 = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf
        if v[i + 1] < low || v[i + 1] > high { return 0 }
        for k in 2..<n where v[i + k] & 0xc0 != 0x80 { return 0 }
        return n
    }
}
