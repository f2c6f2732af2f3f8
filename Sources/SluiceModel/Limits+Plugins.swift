// Bounds on what plugins may be, say and use. Those of the contract itself are also written in the SDK's headers.

extension Limits {
    public static let pluginFileBytesMax = 64 << 20
    public static let pluginConfigDepthMax = 32  // nesting of the JSON object that `configure` gets
    public static let pluginErrorBytesMax = 1_024  // what `configure` may say about a mistake
    public static let pluginLogBytesMax = 1_024  // of one line that a plugin logs
    public static let pluginPathBytesMax = 8_192  // path and query that a plugin sets
    public static let pluginMethodBytesMax = 32
    public static let pluginHostBytesMax = 255
    public static let pluginNameBytesMax = 128  // request id and consumer that a plugin sets
    public static let pluginQueryArgumentsMax = 1_024  // of one request that are looked at
    public static let pluginBodyPiecesMax = 1_024  // appended to one chunk by all plugins together
    // What a plugin has under way in one worker
    public static let pluginTasksMax = 65_536  // timers, watches, parked hooks, background tasks, exchanges
    public static let pluginJobsMax = 65_536  // posted and not run
    public static let boardEntriesMax = 1 << 20  // of all plugins
    public static let pluginWaitMsMax = 3_600_000
    public static let pluginTimerMsMax = 2_147_483_647
    public static let pluginLeaveMs = 30_000  // from the last table that names a generation to the cancelling of what it has under way

    // Trial of a plugin before any worker loads it
    public static let probeTimeoutMs = 5_000
    public static let probeMemoryBytesMax = 8 << 30  // of address space
    public static let probeRequestBytesMax = 16 << 20
    public static let probeConfigurationsMax = 256  // of one generation that are tried
    public static let probeVerdictBytesMax = 8_192
    // Watch over hooks
    public static let pluginHoldWarnMs = 200
    public static let pluginHoldMaxMs = 2_000
    public static let pluginHoldRange = 0...3_600_000
    public static let pluginStartHoldMs = 5_000  // init, configure and the like, which run once: at least this long
    public static let pluginHoldSampleMs = 50  // a worker that is to be killed gets to say where it is
    public static let pluginHoldWarnEveryMs = 5_000  // of one worker
    // Crash reports
    public static let crashReportsMax = 64
}
