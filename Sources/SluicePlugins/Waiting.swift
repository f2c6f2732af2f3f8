// The one way by which a hook begins to wait for the pipeline: on its fiber, where it goes on in the middle, or by returning
// SLUICE_SUSPEND, after which it is called again. Waits for anything else (timers, descriptors, tokens) are the task board's.
import CSluiceABI

enum Waiting {
    /// The running hook has a stack of its own that can be left and entered again.
    static var isOnFiber: Bool { false }

    /// Begins to wait. On a fiber it returns when the wait is over: SLUICE_OK or SLUICE_ECANCELED. Elsewhere at once: SLUICE_SUSPEND, which
    /// the hook returns. SLUICE_EPHASE: this phase may not wait.
    static func wait(_ ctx: Context, on kind: WaitKind) -> Int32 {
        guard let phase = PluginPhase(rawValue: ctx.pointee.phase), phase.mayPark else { return Status.phase }
        ctx.call(of: phase).pointee.wait = kind
        return Int32(SLUICE_SUSPEND)
    }
}

extension UnsafeMutablePointer where Pointee == MessageContext {
    /// Where a parked hook of `phase` is noted.
    @inlinable @inline(__always) public func call(of phase: PluginPhase) -> UnsafeMutablePointer<ParkedCall> {
        let raw = UnsafeMutableRawPointer(self)
        let at =
            phase == .content ? MemoryLayout<MessageContext>.offset(of: \.contentCall) : MemoryLayout<MessageContext>.offset(of: \.call)
        return (raw + at.unsafelyUnwrapped).assumingMemoryBound(to: ParkedCall.self)
    }
}
