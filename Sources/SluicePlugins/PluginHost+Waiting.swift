// What the pipeline asks of the host about hooks that wait.

/// A parked hook that ended; `result` as `BoundPlugin.run` returns it.
public struct FinishedCall {
    public let context: UnsafeMutablePointer<MessageContext>
    public let phase: PluginPhase
    public let result: Int32
}

extension PluginHost {
    /// Once a turn of the loop: jobs, timers and descriptors of plugins.
    public func turn(nowMs: UInt64) {}
    /// Hooks that ended since they parked, one after the other.
    public func nextFinished() -> FinishedCall? { nil }
    /// Goes on with a hook that waited for the pipeline on its fiber; as `BoundPlugin.run`.
    public func resume(_ context: UnsafeMutablePointer<MessageContext>, _ phase: PluginPhase) -> Int32 { 0 }
    /// The parked hook gets SLUICE_ECANCELED from its waits and runs to its end; nothing of the host knows `context` afterwards.
    public func cancel(_ context: UnsafeMutablePointer<MessageContext>, _ phase: PluginPhase) {}
}
