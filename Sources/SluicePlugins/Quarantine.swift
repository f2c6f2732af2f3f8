// What stands in for a plugin that is kept from running: none of its code is loaded, its bindings act out its failure mode. Who
// gets there and who comes back is decided by the control process.
import CSluiceABI
import SluiceBytes
import SluiceShared

enum Quarantine {
    /// Closed: every request is answered 503 in the first phase that can answer. Open: no hook at all.
    static func bound(_ spec: PluginSpec, _ block: WorkerBlock, owner: Owner, address: UnsafeMutablePointer<BoundPlugin>) -> BoundPlugin {
        var hooks = InlineArray<8, BoundPlugin.Hook?>(repeating: nil)
        if !spec.failOpen { hooks[Int(PluginPhase.rewrite.rawValue)] = refuse }
        // Slot 0 is nobody's: what happens here is not counted as the plugin's, and a crash would not be blamed on it.
        return BoundPlugin(
            hooks: hooks, instance: nil, counters: block.plugins, head: block.head, currentPlugin: 0, generation: spec.generation,
            phases: spec.failOpen ? 0 : PluginPhase.rewrite.bit, allPhases: spec.failOpen ? 0 : PluginPhase.rewrite.bit,
            failOpen: spec.failOpen, fiberPhases: 0, owner: owner, address: address)
    }

    /// Whose a stand-in is: nothing is ever under way. Lives as long as the process.
    static func owner(_ board: TaskBoard, _ block: WorkerBlock) -> Owner {
        let shown = UnsafeMutablePointer<GenerationState>.allocate(capacity: 1)
        shown.initialize(to: GenerationState())
        let owner = Owner.allocate(capacity: 1)
        owner.initialize(to: PluginOwner(board: board, counters: block.plugins, shared: shown, stat: 0, generation: 0))
        return owner
    }

    static let refuse: BoundPlugin.Hook = { _, request in
        let ctx = request.map(UnsafeMutableRawPointer.init)?.assumingMemoryBound(to: MessageContext.self)
        ctx?.pointee.answerStatus = 503
        ctx?.pointee.answerBody = ByteView("plugin quarantined\n")
        return Int32(SLUICE_ANSWERED)
    }
}
