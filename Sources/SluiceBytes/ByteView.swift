// A borrowed run of bytes: pointer and length, no owner. Whoever hands one out says until when it is valid.
// Nothing here allocates; text that must outlive the memory is copied into an arena.
import CSluiceSys

@frozen public struct ByteView {
    public var start: UnsafePointer<UInt8>
    public var count: Int

    @inlinable @inline(__always) public init(_ start: UnsafePointer<UInt8>, _ count: Int) {
        self.start = start
        self.count = count
    }
    /// Bytes of a literal; valid forever.
    @inlinable @inline(__always) public init(_ s: StaticString) {
        start = s.utf8Start
        count = s.utf8CodeUnitCount
    }
    /// A view of no bytes at a valid address.
    @inlinable @inline(__always) public static var empty: ByteView { ByteView("") }
    @inlinable @inline(__always) public var isEmpty: Bool { count == 0 }
    @inlinable @inline(__always) public subscript(_ i: Int) -> UInt8 { start[i] }
    @inlinable @inline(__always) public func dropFirst(_ n: Int) -> ByteView { ByteView(start + n, count &- n) }
    @inlinable @inline(__always) public func prefix(_ n: Int) -> ByteView { ByteView(start, n) }

    /// A Swift string of the bytes (lossy UTF-8); allocates, so never on the request path.
    public var string: String { String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self) }

    @inlinable @inline(__always) public func equals(_ o: ByteView) -> Bool {
        count == o.count && memcmp(start, o.start, count) == 0
    }
    /// ASCII case-insensitive equality.
    @inlinable public func equalsIgnoringCase(_ o: ByteView) -> Bool {
        if count != o.count { return false }
        var i = 0
        while i < count {
            if ASCII.lower(start[i]) != ASCII.lower(o.start[i]) { return false }
            i &+= 1
        }
        return true
    }
    /// Index of the first `b`, or -1.
    @inlinable @inline(__always) public func firstIndex(of b: UInt8) -> Int {
        guard count > 0, let p = memchr(start, Int32(b), count) else { return -1 }
        return UnsafeRawPointer(p) - UnsafeRawPointer(start)
    }
}

public enum ASCII {
    @inlinable @inline(__always) public static func lower(_ c: UInt8) -> UInt8 { c &- 0x41 < 26 ? c | 0x20 : c }
    @inlinable @inline(__always) public static func isDigit(_ c: UInt8) -> Bool { c &- 0x30 < 10 }
}
