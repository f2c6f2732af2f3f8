// What rules and plugins refer to in an image: programs of conditions, sets of addresses, consumers. Plain records and how they are found;
// they are made in `ImageCompiler+Policies.swift`. What is inside a program or a set of addresses is the business of SluiceCEL.
import SluiceBytes
import SluiceModel

@frozen public struct IPSetRecord {
    public var id = ImageText()
    /// The set's bytes as SluiceCEL writes and reads them, 8-byte aligned.
    public var bytes = ImageRange()
    public init() {}
}

@frozen public struct ConsumerRecord {
    public var id = ImageText()
    /// Run of ConsumerLabel.
    public var labels = ImageRange()
    /// Run of UInt32 in `chains`: bindings that run for its requests, after the route's.
    public var chain = ImageRange()
    public init() {}
}

@frozen public struct ConsumerLabel {
    public var name = ImageText()
    public var value = ImageText()
    public init(name: ImageText = ImageText(), value: ImageText = ImageText()) { (self.name, self.value) = (name, value) }
}

extension ImageView {
    @inlinable public var programs: UnsafeBufferPointer<ImageRange> { records(header.pointee.programs) }
    @inlinable public var ipSets: UnsafeBufferPointer<IPSetRecord> { records(header.pointee.ipSets) }
    @inlinable public var consumers: UnsafeBufferPointer<ConsumerRecord> { records(header.pointee.consumers) }

    /// Bytes of a program or of a set of addresses.
    @inlinable @inline(__always) public func bytes(_ range: ImageRange) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base + Int(range.offset), count: Int(range.count))
    }
    @inlinable public func labels(_ consumer: UnsafePointer<ConsumerRecord>) -> UnsafeBufferPointer<ConsumerLabel> {
        records(consumer.pointee.labels)
    }
    @inlinable public func chain(_ consumer: UnsafePointer<ConsumerRecord>) -> UnsafeBufferPointer<UInt32> {
        records(consumer.pointee.chain)
    }

    /// Index of the consumer with this id, or -1.
    public func consumer(named name: ByteView) -> Int32 {
        let index: UnsafeBufferPointer<UInt32> = records(header.pointee.consumerIndex)
        if index.isEmpty { return -1 }
        let mask = index.count &- 1
        var i = Int(truncatingIfNeeded: ImageHash.hash(UnsafeRawPointer(name.start), count: name.count)) & mask
        while index[i] != 0 {
            if text(consumers[Int(index[i]) &- 1].id).equals(name) { return Int32(truncatingIfNeeded: index[i]) &- 1 }
            i = (i &+ 1) & mask
        }
        return -1
    }

    /// Index of the set of addresses with this id, or -1. Sets are few and asked for by name only when something is prepared.
    public func ipSet(named name: ByteView) -> Int32 {
        for i in 0..<ipSets.count where text(ipSets[i].id).equals(name) { return Int32(truncatingIfNeeded: i) }
        return -1
    }
}
