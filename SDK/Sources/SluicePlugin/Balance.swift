// Choosing the target within the cluster, in balancer. It runs before every attempt and never waits.
import CSluiceABI

public struct Balance: ~Copyable {
    let slot: Slot
    public let request: RequestFacts
    init(_ slot: Slot) {
        self.slot = slot
        request = RequestFacts(slot)
    }

    public struct Target {
        public let weight: Int
        /// "10.0.0.1:8080" as configured; valid inside the hook.
        public let label: Bytes
        /// Requests of this worker that are there now.
        public let active: Int
        /// This request tried it already.
        public let wasTried: Bool
    }

    /// Number of targets; their order is the configuration's.
    public var count: Int { max(0, Int(slot.ask { h in Tables.balancer.map { Int32(clamping: $0.pointee.count(h)) } ?? 0 })) }
    /// Attempts before this one.
    public var attempts: Int { max(0, Int(slot.ask { h in Tables.balancer.map { Int32(clamping: $0.pointee.attempts(h)) } ?? 0 })) }

    /// Target `index`, 0..<count; nil outside.
    public subscript(_ index: Int) -> Target? {
        guard let index = UInt32(exactly: index) else { return nil }
        var t = sluice_target()
        t.size = UInt32(MemoryLayout<sluice_target>.size)
        guard slot.ask({ Tables.balancer?.pointee.target($0, index, &t) ?? missing }) == 0 else { return nil }
        return Target(weight: Int(t.weight), label: Bytes(t.label), active: Int(t.active), wasTried: t.tried != 0)
    }

    /// This attempt goes to target `index`.
    public mutating func choose(_ index: Int) throws(HostError) {
        try check(slot.ask { Tables.balancer?.pointee.choose($0, UInt32(clamping: index)) ?? missing })
    }
    /// Times of this attempt in ms, 0 leaves the configured one: connecting; request sent to first byte of the response.
    public mutating func setTimeouts(connectMs: Int = 0, responseMs: Int = 0) throws(HostError) {
        try check(
            slot.ask { Tables.balancer?.pointee.set_timeouts($0, UInt32(clamping: connectMs), UInt32(clamping: responseMs)) ?? missing })
    }
    /// How often a failed connect may be tried elsewhere, 0…16, in place of the cluster's.
    public mutating func setRetries(_ retries: Int) throws(HostError) {
        try check(slot.ask { Tables.balancer?.pointee.set_retries($0, UInt32(clamping: retries)) ?? missing })
    }
}
