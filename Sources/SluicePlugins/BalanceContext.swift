// What a balancer hook sees and decides, for one attempt to reach a cluster; and the names by which plugins choose a cluster.
import SluiceBytes
import SluiceRules

public struct BalanceContext {
    public var image: ImageView
    /// Targets of the cluster.
    public var first: UnsafePointer<TargetRecord>
    public var count: Int
    /// Bit i: target i was tried (only the first 64 are remembered).
    public var tried: UInt64 = 0
    public var attempts: UInt32 = 0
    /// Requests under way to target i: a UInt32 at `active + poolOf[i] * activeStride`.
    public var active: UnsafeRawPointer
    public var activeStride: Int
    public var poolOf: UnsafePointer<UInt32>
    // Decided by the hook:
    public var chosen = -1
    public var connectMs: UInt32 = 0
    public var responseMs: UInt32 = 0
    public var retries: Int32 = -1

    public init(
        image: ImageView, first: UnsafePointer<TargetRecord>, count: Int, active: UnsafeRawPointer, activeStride: Int,
        poolOf: UnsafePointer<UInt32>
    ) {
        (self.image, self.first, self.count) = (image, first, count)
        (self.active, self.activeStride, self.poolOf) = (active, activeStride, poolOf)
    }
}

/// Cluster by name: an open-addressing table over the names of one image. Made once per snapshot, read by hooks.
public struct ClusterNames {
    private let image: ImageView
    private let slots: UnsafeMutablePointer<Int32>
    private let mask: Int

    public init(_ image: ImageView) {
        self.image = image
        var size = 8
        while size < image.clusters.count * 2 { size *= 2 }
        slots = .allocate(capacity: size)
        slots.initialize(repeating: -1, count: size)
        mask = size - 1
        for i in 0..<image.clusters.count {
            var at = Self.hash(image.text(image.clusters[i].id)) & mask
            while slots[at] >= 0 { at = (at + 1) & mask }
            slots[at] = Int32(i)
        }
    }
    public func deallocate() { slots.deallocate() }

    /// Index of the cluster in the image, -1 when there is none.
    public func find(_ name: ByteView) -> Int32 {
        var at = Self.hash(name) & mask
        while slots[at] >= 0 {
            if image.text(image.clusters[Int(slots[at])].id).equals(name) { return slots[at] }
            at = (at + 1) & mask
        }
        return -1
    }

    /// FNV-1a, 32 bits.
    private static func hash(_ name: ByteView) -> Int {
        var h: UInt32 = 0x811c_9dc5
        for i in 0..<name.count { h = (h ^ UInt32(name.start[i])) &* 0x0100_0193 }
        return Int(h)
    }
}
