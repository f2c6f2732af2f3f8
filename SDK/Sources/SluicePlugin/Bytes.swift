// Borrowed bytes: what the contract calls sluice_view. No owner, no copy, no allocation.
import CSluiceABI

/// Valid until the hook that got it returns or waits, or until what it shows is changed; literals are valid for ever. Keep `string` or
/// `array`, which are copies.
@frozen public struct Bytes: ExpressibleByStringLiteral, Equatable {
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
    @inlinable public var buffer: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: start, count: count) }
    /// A copy that may be kept (lossy UTF-8). Allocates.
    public var string: String { String(decoding: buffer, as: UTF8.self) }
    /// A copy that may be kept. Allocates.
    public var array: [UInt8] { Array(buffer) }

    @inlinable public static func == (_ a: Bytes, _ b: Bytes) -> Bool {
        if a.count != b.count { return false }
        for i in 0..<a.count where a.start[i] != b.start[i] { return false }
        return true
    }
    /// The same letters, case of A–Z ignored: header names, tokens.
    @inlinable public func equalsIgnoringCase(_ other: Bytes) -> Bool {
        if count != other.count { return false }
        for i in 0..<count {
            let (a, b) = (start[i], other.start[i])
            if a != b && (a ^ b != 0x20 || !(0x61...0x7a).contains(a | 0x20)) { return false }
        }
        return true
    }
    /// Bytes `range` of these.
    @inlinable public subscript(_ range: Range<Int>) -> Bytes {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "range outside the bytes")
        return Bytes(start + range.lowerBound, range.count)
    }
    @inlinable public func hasPrefix(_ other: Bytes) -> Bool { count >= other.count && self[0..<other.count] == other }
    @inlinable public func firstIndex(of byte: UInt8) -> Int? { buffer.firstIndex(of: byte) }
    /// Every byte passes `test`.
    @inlinable public func allSatisfy(_ test: (UInt8) -> Bool) -> Bool {
        for i in 0..<count where !test(start[i]) { return false }
        return true
    }
    @inlinable var view: sluice_view { sluice_view(data: start, size: UInt64(count)) }
}

extension String {
    /// The text as borrowed bytes, valid inside `body`.
    public func withBytes<R>(_ body: (Bytes) throws -> R) rethrows -> R {
        var copy = self
        return try copy.withUTF8 { try body($0.baseAddress.map { [n = $0.count] p in Bytes(p, n) } ?? "") }
    }
}
extension [UInt8] {
    /// The array as borrowed bytes, valid inside `body`.
    public func withBytes<R>(_ body: (Bytes) throws -> R) rethrows -> R {
        try withUnsafeBufferPointer { b in try body(b.baseAddress.map { Bytes($0, b.count) } ?? "") }
    }
}
