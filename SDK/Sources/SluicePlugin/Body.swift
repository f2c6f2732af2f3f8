// One piece of the response body, in body_filter.
import CSluiceABI

public struct Body: ~Copyable {
    let slot: Slot
    public let request: RequestFacts
    init(_ slot: Slot) {
        self.slot = slot
        request = RequestFacts(slot)
    }

    /// The chunk; its size says nothing.
    public var chunk: Bytes { slot.view(slot.pointee.handle) { Tables.body.pointee.chunk($0, $1) } ?? "" }
    /// Nothing follows.
    public var isLast: Bool { slot.ask { Int32(Tables.body.pointee.is_last($0)) } == 1 }

    /// These bytes instead of the chunk; none swallow it. False: the host has no room.
    @discardableResult public mutating func replace(_ bytes: Bytes) -> Bool {
        slot.ask { Tables.body.pointee.replace($0, bytes.view) } == 0
    }
    /// These bytes behind the chunk. False: the host has no room.
    @discardableResult public mutating func append(_ bytes: Bytes) -> Bool {
        slot.ask { Tables.body.pointee.append($0, bytes.view) } == 0
    }

    /// Changes the chunk's bytes in place. False: the host has no room.
    @discardableResult public mutating func change(_ body: (UnsafeMutableBufferPointer<UInt8>) -> Void) -> Bool {
        var data: UnsafeMutablePointer<UInt8>?
        var size: UInt64 = 0
        guard slot.ask({ Tables.body.pointee.writable($0, &data, &size) }) == 0 else { return false }
        body(UnsafeMutableBufferPointer(start: data, count: Int(size)))
        return true
    }
}
