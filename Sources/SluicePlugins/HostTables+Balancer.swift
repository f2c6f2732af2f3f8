// "sluice.balancer/1": the choice of a target, in balancer. "sluice.cluster/1": the choice of a cluster, before it.
import CSluiceABI
import SluiceBytes

extension HostTables {
    nonisolated(unsafe) static let balancer = make(
        sluice_balancer_v1(
            size: UInt32(MemoryLayout<sluice_balancer_v1>.size), reserved: 0,
            request: { handle in handle },  // one context behind every handle
            count: { handle in balancing(handle).map { UInt32(clamping: $0.pointee.count) } ?? 0 },
            target: { handle, index, out in
                guard let balance = balancing(handle) else { return handle == nil ? Status.invalid : Status.phase }
                guard let out else { return Status.invalid }
                guard Int(index) < balance.pointee.count else { return Status.notFound }
                return describe(balance.pointee, Int(index), out)
            },
            choose: { handle, index in
                guard let balance = balancing(handle) else { return handle == nil ? Status.invalid : Status.phase }
                guard Int(index) < balance.pointee.count else { return Status.notFound }
                balance.pointee.chosen = Int(index)
                return Status.ok
            },
            set_timeouts: { handle, connect, response in
                guard let balance = balancing(handle) else { return handle == nil ? Status.invalid : Status.phase }
                guard connect <= 3_600_000, response <= 3_600_000 else { return Status.invalid }
                (balance.pointee.connectMs, balance.pointee.responseMs) = (connect, response)
                return Status.ok
            },
            set_retries: { handle, retries in
                guard let balance = balancing(handle) else { return handle == nil ? Status.invalid : Status.phase }
                guard retries <= 16 else { return Status.invalid }
                balance.pointee.retries = Int32(retries)
                return Status.ok
            },
            attempts: { handle in balancing(handle)?.pointee.attempts ?? 0 }))

    nonisolated(unsafe) static let cluster = make(
        sluice_cluster_v1(
            size: UInt32(MemoryLayout<sluice_cluster_v1>.size), reserved: 0,
            choose: { handle, name in
                guard let ctx = deciding(handle) else { return handle == nil ? Status.invalid : Status.phase }
                guard ctx.pointee.routeProxies else { return Status.phase }
                guard let name = bytes(name), let found = ctx.pointee.clusters?.pointee.find(name) else { return Status.invalid }
                if found < 0 { return Status.notFound }
                ctx.pointee.chosenCluster = found
                return Status.ok
            },
            find: { handle, name in
                guard let ctx = deciding(handle) else { return handle == nil ? Status.invalid : Status.phase }
                guard let name = bytes(name), let found = ctx.pointee.clusters?.pointee.find(name) else { return Status.invalid }
                return found < 0 ? Status.notFound : Status.ok
            }))

    /// Fills no more than the caller's struct has.
    private static func describe(_ balance: BalanceContext, _ i: Int, _ out: UnsafeMutablePointer<sluice_target>) -> Int32 {
        let record = balance.first[i], room = Int(out.pointee.size)
        guard room >= 8, room <= 4_096 else { return Status.invalid }
        var all = sluice_target()
        all.size = out.pointee.size
        all.weight = UInt32(clamping: record.weight)
        all.label = balance.image.text(record.label).view
        all.active = (balance.active + Int(balance.poolOf[i]) * balance.activeStride).load(as: UInt32.self)
        all.tried = i < 64 && balance.tried & (1 << UInt64(i)) != 0 ? 1 : 0
        withUnsafeBytes(of: &all) { UnsafeMutableRawPointer(out).copyMemory(from: $0.baseAddress!, byteCount: min(room, $0.count)) }
        return Status.ok
    }
}

/// The decision behind a handle, if a balancer hook runs; otherwise the call is counted as misuse.
@inline(__always) private func balancing(_ handle: OpaquePointer?) -> UnsafeMutablePointer<BalanceContext>? {
    inside(handle, .balancer, .balancer)?.pointee.balance
}
