// An image as a worker sees it: typed windows into mapped memory. Making a view checks everything once (`ImageCheck`); from
// then on reads are plain loads. It maps, copies and owns nothing.
import SluiceBytes

/// Valid as long as the memory it was made from; the memory must not change meanwhile.
@frozen public struct ImageView {
    public let base: UnsafeRawPointer
    public let count: Int

    /// Checks magic, version, size, digest, and every offset, range, index and text of the image.
    ///
    /// - Parameters:
    ///   - base: 8-byte aligned.
    ///   - count: size of the image; exactly what its header says.
    public init(base: UnsafeRawPointer, count: Int) throws(ImageError) {
        self.base = base
        self.count = count
        try ImageCheck(view: self).run()
    }

    /// An image that another process has checked whole, in memory that nobody can change any more (a sealed memory file): only its head is
    /// looked at, so that an image of 100,000 routes is ready in microseconds. Whoever calls this answers for both.
    ///
    /// - Parameter base: at the beginning of a page.
    public init(alreadyChecked base: UnsafeRawPointer, count: Int) throws(ImageError) {
        self.base = base
        self.count = count
        try ImageCheck(view: self).checkHead()
    }

    @inlinable public var header: UnsafePointer<ImageHeader> { base.assumingMemoryBound(to: ImageHeader.self) }
    @inlinable public var settings: UnsafePointer<SettingsRecord> {
        (base + Int(header.pointee.settings.offset)).assumingMemoryBound(to: SettingsRecord.self)
    }
    @inlinable public var listeners: UnsafeBufferPointer<ListenerRecord> { records(header.pointee.listeners) }
    @inlinable public var clusters: UnsafeBufferPointer<ClusterRecord> { records(header.pointee.clusters) }
    @inlinable public var targets: UnsafeBufferPointer<TargetRecord> { records(header.pointee.targets) }
    @inlinable public var routes: UnsafeBufferPointer<RouteRecord> { records(header.pointee.routes) }
    @inlinable public var plugins: UnsafeBufferPointer<PluginRecord> { records(header.pointee.plugins) }
    @inlinable public var bindings: UnsafeBufferPointer<BindingRecord> { records(header.pointee.bindings) }
    @inlinable public var trustedNetworks: UnsafeBufferPointer<NetworkRecord> { records(header.pointee.trustedNetworks) }

    // Routing structures, for SluiceRouter.
    @inlinable public var hostTable: UnsafePointer<HostTableHeader> {
        (base + Int(header.pointee.hosts.offset)).assumingMemoryBound(to: HostTableHeader.self)
    }
    @inlinable public var hostSlots: UnsafeBufferPointer<HostSlot> {
        var range = header.pointee.hosts
        range.offset &+= UInt32(MemoryLayout<HostTableHeader>.stride)
        return records(range)
    }
    @inlinable public var nodes: UnsafeBufferPointer<RouteNode> { records(header.pointee.nodes) }
    /// First byte of each node; 64 readable bytes follow the last.
    @inlinable public var firstBytes: UnsafePointer<UInt8> {
        (base + Int(header.pointee.nodes.offset) + Int(header.pointee.nodes.count) * MemoryLayout<RouteNode>.stride).assumingMemoryBound(
            to: UInt8.self)
    }
    @inlinable public var entries: UnsafeBufferPointer<RouteEntry> { records(header.pointee.lists) }
    @inlinable public var parameterNames: UnsafeBufferPointer<ImageText> { records(header.pointee.parameterNames) }

    /// The bytes of a text of this image; a NUL follows them.
    @inlinable @inline(__always) public func text(_ t: ImageText) -> ByteView {
        ByteView((base + Int(t.offset)).assumingMemoryBound(to: UInt8.self), Int(t.count))
    }
    /// Indices into `bindings`: the plugins of a route in the order they run.
    @inlinable @inline(__always) public func chain(_ route: UnsafePointer<RouteRecord>) -> UnsafeBufferPointer<UInt32> {
        records(route.pointee.chain)
    }
    @inlinable @inline(__always) public func chain(_ route: RouteRecord) -> UnsafeBufferPointer<UInt32> { records(route.chain) }

    @inlinable @inline(__always) func records<T>(_ range: ImageRange) -> UnsafeBufferPointer<T> {
        UnsafeBufferPointer(start: (base + Int(range.offset)).assumingMemoryBound(to: T.self), count: Int(range.count))
    }

    /// Whether a client with this socket address may set forwarding headers. A Unix socket's peer has no address to look up: false,
    /// the caller decides.
    public func isTrusted(_ client: borrowing AddressRecord) -> Bool {
        var offset = 8
        if client.family == AddressRecord.familyIPv4 { offset = 4 } else if client.family != AddressRecord.familyIPv6 { return false }
        var mapped = InlineArray<16, UInt8>(repeating: 0)
        if offset == 4 {
            mapped[10] = 0xff
            mapped[11] = 0xff
            for i in 0..<4 { mapped[12 + i] = client.bytes[4 + i] }
        } else {
            for i in 0..<16 { mapped[i] = client.bytes[8 + i] }
        }
        return isTrusted(mapped: mapped)
    }

    /// The same for 16 address bytes in network order, IPv4 as IPv4-mapped IPv6.
    public func isTrusted(mapped: InlineArray<16, UInt8>) -> Bool {
        for i in 0..<trustedNetworks.count where trustedNetworks[i].contains(mapped) { return true }
        return false
    }
}

extension NetworkRecord {
    /// `address`: 16 bytes in network order, IPv4 as IPv4-mapped IPv6.
    public func contains(_ address: InlineArray<16, UInt8>) -> Bool {
        let whole = Int(prefixBits >> 3)
        for i in 0..<min(whole, 16) where bytes[i] != address[i] { return false }
        let rest = prefixBits & 7
        if rest == 0 || whole > 15 { return true }
        return (bytes[whole] ^ address[whole]) >> UInt8(8 - rest) == 0
    }
}
