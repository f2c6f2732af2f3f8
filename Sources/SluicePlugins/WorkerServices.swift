// What the plugins of a worker share through the host, and what the host keeps for one generation. Both are found from the sluice_host
// that a plugin passes; the calls themselves are in HostTables+Variables, +Metrics and +Crypto.
import CSluiceABI
import SluiceShared

/// One per `PluginHost`.
final class WorkerServices {
    let block: WorkerBlock
    let variables = VariableNames()
    let metrics: MetricRegistry

    init(_ block: WorkerBlock) {
        self.block = block
        metrics = MetricRegistry(block)
    }

    /// Names and definitions are made while loading, not on requests. False: the call is counted as misuse.
    func mayDefine() -> Bool {
        let head = block.head
        let plugin = head.pointee.currentPlugin
        if plugin == 0 { return true }
        switch PluginPhase(rawValue: UInt8(truncatingIfNeeded: head.pointee.currentPhase)) {
        case .initialize, .workerInit, .configure: return true
        default:
            if plugin <= UInt64(SharedLimits.pluginSlots) { block.plugins[Int(plugin) - 1].misuse &+= 1 }
            return false
        }
    }
}

/// Plain data at a fixed address, so that a call on the request path counts no references.
struct GenerationServices {
    let worker: Unmanaged<WorkerServices>
    var metrics = MetricHandles()
    var crypto = CryptoStore()

    static func make(_ worker: WorkerServices) -> UnsafeMutablePointer<GenerationServices> {
        let p = UnsafeMutablePointer<GenerationServices>.allocate(capacity: 1)
        p.initialize(to: GenerationServices(worker: Unmanaged.passRetained(worker)))
        return p
    }

    /// Everything that the generation made goes; after its destroy.
    static func end(_ p: UnsafeMutablePointer<GenerationServices>) {
        let worker = p.pointee.worker
        p.pointee.metrics.end(worker.takeUnretainedValue().metrics)
        p.pointee.crypto.end()
        p.deinitialize(count: 1)
        p.deallocate()
        worker.release()
    }
}

typealias Services = UnsafeMutablePointer<GenerationServices>

/// The services of the generation that a host table belongs to; nil for NULL.
@inline(__always) func services(_ host: UnsafePointer<sluice_host>?) -> Services? {
    guard let context = host?.pointee.context else { return nil }
    return Unmanaged<Generation>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.services }
}

/// The same for definitions: nil on the request path.
func definingServices(_ host: UnsafePointer<sluice_host>?) -> Services? {
    guard let s = services(host), s.pointee.worker.takeUnretainedValue().mayDefine() else { return nil }
    return s
}
