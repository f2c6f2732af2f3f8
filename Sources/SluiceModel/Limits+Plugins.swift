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
    public static let clientUrlBytesMax = 8_192  // plugins' own http requests
    public static let clientHeadersMax = 64
    public static let clientBodyBytesMax = 16 << 20  // of a request, of an answer
    public static let clientBodyBytes = 1 << 20  // of an answer, unless the plugin says
    public static let clientHeadBytesMax = 16_384  // of an answer
    public static let clientIdleMax = 8  // connections kept for an address
    public static let clientIdleAllMax = 256
    public static let clientIdleMs = 30_000
    public static let pluginLeaveMs = 30_000  // from the last table that names a generation to the cancelling of what it has under way
    // Store, canary, quarantine
    public static let pluginVersionsKept = 5  // generations of a name in the store; 1...64
    public static let pluginVersionsRange = 1...64
    public static let pluginSignatureKeysMax = 64
    public static let pluginSignatureFileBytesMax = 4_096
    public static let pluginCrashesMax = 3  // of a generation within the window; 1...1000
    public static let pluginCrashesRange = 1...1_000
    public static let pluginCrashWindowSeconds = 60
    public static let pluginSecondsRange = 1...86_400
    public static let pluginProbationSeconds = 60  // 0...86400
    public static let pluginProbationErrorsMax = 50  // percent
    public static let pluginProbationMinCalls = 100
    public static let pluginMinCallsRange = 1...1_000_000_000
    public static let pluginWatchIntervalMs = 200  // between two looks at the counters of what is on trial
    public static let pluginQuarantinesMax = 32  // remembered of one name
    public static let pluginUnloadDeadlineSecondsMax = 3_600
    // Uploads
    public static let uploadPartsMax = 16
    public static let uploadFieldBytesMax = 4_096
    public static let uploadHeadBytesMax = 8_192  // of one part

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

extension Limits {
    public static let variableNamesMax = 1_024  // of one worker
    public static let variableNameBytesMax = 64
    public static let variablesPerRequestMax = 64
    public static let variableBytesMax = 8_192
    public static let headerBatchMax = 64  // names or edits of one call
    public static let metricsPerGenerationMax = 256
    public static let metricNameBytesMax = 64
    public static let metricHelpBytesMax = 200
    public static let metricLabelNameBytesMax = 32
    public static let metricLabelValueBytesMax = 64
    public static let metricTextBytesMax = 640  // of one series: name, help, labels
    public static let cryptoBytesMax = 64 << 20  // of one input
    public static let cryptoPiecesMax = 1_024
    public static let cryptoObjectsMax = 4_096  // keys and streams of one generation
    public static let cryptoKeyBytesMax = 4_096  // of an HMAC key
    public static let cryptoPublicKeyBytesMax = 16_384
    public static let cryptoRandomBytesMax = 65_536
    public static let functionsPerPluginMax = 64
    public static let configuredFunctionsMax = 256
    public static let functionArgumentsMax = 8
    public static let functionNameBytesMax = 64
    public static let functionSignatureBytesMax = 128
    public static let functionResultBytesMax = 65_536
}
