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
