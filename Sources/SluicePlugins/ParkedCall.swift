// What a hook waits for, and who wakes it: written by whoever parks (fiber, token, gather, write), read by the pipeline.

public enum WaitKind: UInt8, Sendable {
    case none = 0
    /// Input or output of the plugin's own, a timer, a token: the host resumes it and reports the end (`PluginHost.nextFinished`).
    case call
    /// The request's body: the pipeline gathers it and calls `PluginHost.resume`.
    case body
    /// Room in the response of a content hook: the pipeline calls `PluginHost.resume`.
    case room
}

/// One parked hook of a request.
@frozen public struct ParkedCall {
    public var wait = WaitKind.none
    /// `PluginPhase` of the hook.
    public var phase: UInt8 = PluginPhase.none
    /// Whose hook it is; valid while the table lives, that is while the request does.
    public var binding: UnsafeMutablePointer<BoundPlugin>?
    /// The fiber or token that holds it; the host's own.
    public var reference: UInt64 = 0
    public init() {}
    public var isParked: Bool { wait != .none }
}
