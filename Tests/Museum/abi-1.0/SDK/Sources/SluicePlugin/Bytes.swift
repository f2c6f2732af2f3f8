// Borrowed bytes: what the contract calls sluice_view. No owner, no copy, no allocation.
import CSluiceABI

/// Valid until the hook that got it returns, or until what it shows is changed; literals are valid for ever.
@frozen public struct Bytes: ExpressibleByStringLiteral {
    public let start: UnsafePointer<UInt8>
    public let count: Int

    @inlinable public init(_ start: UnsafePointer<UInt8>, _ count: Int) { (self.start, self.count) = (start, count) }
    @inlinable public init(stringLiteral value: StaticString) { self.init(value.utf8Start, value.utf8CodeUnitCount) }
    @inlinable init(_ v: sluice_view) {
        if let data = v.data { self.init(data, Int(v.size)) } else { self.init(stringLiteral: "") }
    }

    @inlinable public var isEmpty: Bool { count == 0 }
    @inlinable public subscript(_ i: Int) -> UInt8 {
        precondition(i >= 0 && i < count, "index outside the bytes")
        return start[i]
    }
    /// A copy that may be kept (lossy UTF-8). Allocates.
    public var string: String { String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self) }

    @inlinable public func equals(_ other: Bytes) -> Bool {
        if count != other.count { return false }
        for i in 0..<count where start[i] != other.start[i] { return false }
        return true
    }
    /// Every byte passes `test`.
    @inlinable public func allSatisfy(_ test: (UInt8) -> Bool) -> Bool {
        for i in 0..<count where !test(start[i]) { return false }
        return true
    }
    @inlinable var view: sluice_view { sluice_view(data: start, size: UInt64(count)) }
}
