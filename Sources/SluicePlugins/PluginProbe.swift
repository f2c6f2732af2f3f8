// Loading a plugin for trial, in a process that is there for nothing else: the same host code as in a worker walks the whole life of
// one generation and of its configurations. Whatever the plugin does to the process, no worker has loaded it yet. The process itself
// is SluiceWorker's `ProbeProcess`; who starts it and reads the verdict is in SluiceControl.
//
// A library that is no plugin, of which rules call functions, is opened as workers open it, and closed.
//
//   inspect ─► dlopen ─► entry ─► init ─► tables ─► configure each ─► release each ─► worker_exit ─► destroy ─► dlclose ─► exit
import SluiceShared

public struct PluginProbe {
    var spec: PluginSpec
    var configurations: [String] = []
    /// Of a library.
    var functions: [FunctionSpec] = []

    /// Fields as the control process writes them: path, name, generation, digest (decimal), then one configuration each, or, of a library,
    /// whose name is empty, symbol, name and signature of each function; a NUL behind every field. Nil when they are not that.
    public init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.last == 0 else { return nil }
        let fields = bytes.dropLast().split(separator: 0, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
        guard fields.count >= 4, let generation = UInt64(fields[2]), let digest = UInt64(fields[3]) else { return nil }
        spec = PluginSpec(name: fields[1], path: fields[0], generation: generation, digest: digest, statSlot: 0, failOpen: false)
        guard spec.name.isEmpty else {
            configurations = Array(fields[4...])
            return
        }
        guard fields.count % 3 == 1 else { return nil }
        for i in stride(from: 4, to: fields.count, by: 3) {
            functions.append(
                FunctionSpec(
                    path: spec.path, digest: digest, symbol: fields[i], name: fields[i + 1], signature: fields[i + 2], isPure: false))
        }
    }

    /// As `FunctionTable` does it in a worker.
    private func runLibrary(_ block: WorkerBlock) -> String? {
        let head = block.head
        do throws(PluginFailure) {
            head.pointee.enter(spec, phase: PhaseName.load)
            var library: FunctionLibrary? = try FunctionLibrary(path: spec.path, digest: spec.digest)
            for f in functions { _ = try library?.function(f) }
            head.pointee.enter(spec, phase: PhaseName.unload)
            library = nil
            head.pointee.enter(spec, phase: PhaseName.exit)
            return nil
        } catch {
            head.pointee.leave()
            return error.description
        }
    }

    /// Nil: nothing speaks against it, and the block's record says that the process ends now; call `exit` next, for what the plugin left
    /// behind to run at the process's end runs in a worker too. Else why a worker would refuse it.
    public func run(on block: WorkerBlock) -> String? {
        if spec.name.isEmpty { return runLibrary(block) }
        let host = PluginHost(shared: block) { _, _ in }  // workers will log what it says
        do throws(PluginFailure) {
            let bindings = configurations.enumerated().map {
                PluginHost.BindingSpec(plugin: 0, config: $0.element, key: UInt64($0.offset) + 1)
            }
            let table = try host.prepare(plugins: [spec], bindings: bindings)
            host.retire(table)
            host.finishLeaving(.max)  // nothing that it started keeps it here
            block.head.pointee.enter(spec, phase: PhaseName.exit)
            return nil
        } catch {
            return error.description
        }
    }
}

extension FaultHandler {
    /// For a process that runs plugins: the record names the route and the request of the context in hand.
    public static func install(_ block: WorkerBlock) -> Bool {
        install(
            block, routeOffset: MemoryLayout<MessageContext>.offset(of: \.routeID)!,
            requestOffset: MemoryLayout<MessageContext>.offset(of: \.requestID)!)
    }
}
