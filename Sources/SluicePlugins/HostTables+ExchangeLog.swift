// "sluice.exchange-log/1": how the exchange ended, in log.
import CSluiceABI
import Glibc

extension HostTables {
    nonisolated(unsafe) static let exchangeLog = make(
        sluice_exchange_log_v1(
            size: UInt32(MemoryLayout<sluice_exchange_log_v1>.size), reserved: 0,
            request: { handle in handle },  // one context behind every handle
            facts: { handle, out in
                guard let ctx = logging(handle) else { return handle == nil ? Status.invalid : Status.phase }
                guard let out, out.pointee.size >= 8 else { return Status.invalid }
                let size = out.pointee.size
                let status = ctx.pointee.status != 0 ? ctx.pointee.status : ctx.pointee.answerStatus
                var facts = sluice_exchange_facts(
                    size: size, status: UInt32(status), bytes_sent: ctx.pointee.bytesSent, bytes_received: ctx.pointee.bytesReceived,
                    duration_us: ctx.pointee.durationUs, upstream_us: ctx.pointee.upstreamUs, retries: ctx.pointee.retries, reserved: 0)
                memcpy(out, &facts, min(Int(size), MemoryLayout<sluice_exchange_facts>.size))
                return Status.ok
            }))
}
