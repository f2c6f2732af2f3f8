// Finds the route of a request in an image: the host table picks the trees, `TreeWalk` walks each. Which of several routes
// wins is decided here and by the order of the lists that `PathTreeBuilder` wrote. No allocation, no I/O, no configuration.
import SluiceBytes
import SluiceRules

/// A route wins over another that matches as well by, in this order: priority; exact host, longer wildcard, shorter
/// wildcard, any host; exact path before regular expression before
/// prefix; the better pattern of the two (`PathPattern`); a condition before none; the smaller id.
public enum Router {
    /// Index of the best route, or -1.
    ///
    /// - Parameters:
    ///   - host: without port, in any case; one trailing dot is ignored. Longer than 255 bytes it only matches "any host".
    ///   - path: without query, as bytes to compare: whoever decodes or normalises does so before.
    ///   - method: `Method.rawValue` of SluiceHTTP, 0...15.
    ///   - result: overwritten; the path parameters of the winning pattern, or the methods that would have matched.
    ///   - conditions: asked for routes with a condition; a route whose condition is false is passed over.
    public static func match(
        _ image: ImageView, host: ByteView, path: ByteView, method: UInt8, result: UnsafeMutablePointer<MatchResult>,
        conditions: UnsafePointer<Conditions>
    ) -> Int32 {
        result.pointee.parameterCount = 0
        result.pointee.allowedMethods = 0
        var walk = TreeWalk<Finding>(image, path, methodBit: 1 << UInt16(method & 15), result, conditions)
        walkAll(image, host, &walk)
        return walk.route
    }

    /// The same without conditions: routes that have one are passed over.
    public static func match(
        _ image: ImageView, host: ByteView, path: ByteView, method: UInt8, result: UnsafeMutablePointer<MatchResult>
    ) -> Int32 {
        var none = Conditions.none
        return match(image, host: host, path: path, method: method, result: result, conditions: &none)
    }

    /// The trees of a host, in the order in which they win.
    @inline(__always) static func walkAll<Mode>(_ image: ImageView, _ host: ByteView, _ walk: inout TreeWalk<Mode>) {
        let table = image.hostTable
        var length = host.count
        if length > 1 && host[length &- 1] == 0x2e { length &-= 1 }
        if length > 0 && length <= 255 {
            let name = host.prefix(length)
            if table.pointee.wildcardLabels == 0 {
                walkExact(image, name, HostHash.hash(name), &walk)
            } else {
                walkHosts(image, name, table.pointee.wildcardLabels, &walk)
            }
        }
        if table.pointee.anyMaxKey > walk.best { walk.run(table.pointee.anyRoot) }
    }

    @inline(__always) private static func walkExact<Mode>(
        _ image: ImageView, _ name: ByteView, _ hash: UInt64, _ walk: inout TreeWalk<Mode>
    ) {
        if let slot = find(image, name, hash, HostSlot.exact) { walk.run(slot.pointee.root) }
    }

    /// The exact host, then its wildcards, longest first. One pass over the name gives the hashes of all its suffixes.
    private static func walkHosts<Mode>(_ image: ImageView, _ name: ByteView, _ wanted: UInt32, _ walk: inout TreeWalk<Mode>) {
        var hashes = InlineArray<32, UInt64>(repeating: 0)
        var starts = InlineArray<32, UInt8>(repeating: 0)
        var found: UInt32 = 0
        var labels: UInt32 = 0
        var h = HostHash.start
        var i = name.count
        while i > 0 {
            i &-= 1
            let byte = name.start[i]
            h = HostHash.step(h, byte)
            if byte == 0x2e && i > 0 && labels < 31 {
                labels &+= 1
                if wanted & (1 << labels) != 0 {
                    hashes[Int(labels)] = h
                    starts[Int(labels)] = UInt8(i)
                    found |= 1 << labels
                }
            }
        }
        walkExact(image, name, HostHash.finish(h), &walk)
        while found != 0 {
            let n = 31 &- found.leadingZeroBitCount
            found &= ~(1 << UInt32(n))
            let suffix = name.dropFirst(Int(starts[n]))
            if let slot = find(image, suffix, HostHash.finish(hashes[n]), HostSlot.wildcard), slot.pointee.maxKey > walk.best {
                walk.run(slot.pointee.root)
            }
        }
    }

    /// Linear probing; the check saw that an empty slot exists.
    @inline(__always) private static func find(_ image: ImageView, _ name: ByteView, _ hash: UInt64, _ kind: UInt32) -> UnsafePointer<
        HostSlot
    >? {
        let slots = image.hostSlots
        let mask = slots.count &- 1
        var i = Int(truncatingIfNeeded: hash) & mask
        while true {
            let slot = slots.baseAddress.unsafelyUnwrapped + i
            if slot.pointee.kind == HostSlot.empty { return nil }
            if slot.pointee.hash == hash && slot.pointee.kind == kind && image.text(slot.pointee.text).equalsIgnoringCase(name) {
                return slot
            }
            i = (i &+ 1) & mask
        }
    }
}
