// How an exchange ended, in log.
import CSluiceABI

public struct Exchange: ~Copyable {
    public let request: RequestFacts
    /// Sent to the client; 0 when none was.
    public let status: Int
    public let bytesSent: UInt64
    public let bytesReceived: UInt64
    public let durationUs: UInt64
    /// Request sent upstream to first byte of the response; 0 when none was asked.
    public let upstreamUs: UInt64
    public let retries: Int

    init(_ slot: Slot) {
        request = RequestFacts(slot)
        var facts = sluice_exchange_facts()
        facts.size = UInt32(MemoryLayout<sluice_exchange_facts>.size)
        _ = slot.ask { Tables.exchangeLog.pointee.facts($0, &facts) }
        status = Int(facts.status)
        bytesSent = facts.bytes_sent
        bytesReceived = facts.bytes_received
        durationUs = facts.duration_us
        upstreamUs = facts.upstream_us
        retries = Int(facts.retries)
    }
}
