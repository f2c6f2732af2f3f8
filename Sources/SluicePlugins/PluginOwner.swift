// Whose something is: one record per generation of a plugin, which everything that the plugin has under way points to. Host functions
// find it from the host table that the plugin hands them, so a plugin cannot forget to say who it is. Counts only; what is counted is
// on the `TaskBoard`.
import CSluiceABI
import SluiceLoop
import SluiceShared
import Synchronization

@usableFromInline struct PluginOwner: ~Copyable {
    let board: Unmanaged<TaskBoard>
    let counters: UnsafeMutablePointer<PluginCounters>
    let shared: UnsafeMutablePointer<GenerationState>
    /// As WorkerHead shows it: stat slot + 1, generation.
    let stat: UInt64
    let generation: UInt64
    /// Entries of the board, the last one taken first.
    var entries = 0
    var first: BoardEntry.Ref?
    /// Posted jobs that have not run; any thread.
    let jobs = Atomic<Int>(0)
    /// Nothing may be started any more; any thread reads it.
    let isClosing = Atomic<Bool>(false)

    init(
        board: TaskBoard, counters: UnsafeMutablePointer<PluginCounters>, shared: UnsafeMutablePointer<GenerationState>, stat: UInt64,
        generation: UInt64
    ) {
        self.board = Unmanaged.passUnretained(board)
        (self.counters, self.shared, self.stat, self.generation) = (counters, shared, stat, generation)
    }

    /// Nothing of the plugin is under way.
    var isIdle: Bool { entries == 0 && jobs.load(ordering: .acquiring) == 0 }

    /// Shown in shared memory: what keeps the generation, and since when.
    func hold(_ kind: ReferenceKind, nowMs: UInt64) {
        if shared.pointee.held[kind.rawValue] == 0 { shared.pointee.heldSinceUs[kind.rawValue] = nowMs &* 1000 }
        shared.pointee.held[kind.rawValue] &+= 1
    }
    func letGo(_ kind: ReferenceKind) { shared.pointee.held[kind.rawValue] &-= 1 }
}

typealias Owner = UnsafeMutablePointer<PluginOwner>

extension UnsafeMutablePointer where Pointee == PluginOwner {
    @inline(__always) var board: TaskBoard { pointee.board._withUnsafeGuaranteedRef { $0 } }
    /// A call in a place that does not allow it.
    func misuse() { pointee.counters.pointee.misuse &+= 1 }
}

/// The owner behind the host table that a plugin hands back; nil for NULL or a forged one.
@inline(__always) func owner(_ host: UnsafePointer<sluice_host>?) -> Owner? {
    guard let context = host?.pointee.context else { return nil }
    return Unmanaged<Generation>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.owner }
}
