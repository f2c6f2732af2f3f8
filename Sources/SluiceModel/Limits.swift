// Every limit, timeout and queue bound with its default, unit last in the name. `docs/configuration.md` and the JSON
// Schema are made from these values and the ranges beside them.

public enum Limits {
    // Listeners and processes
    public static let listenBacklog = 4096  // 1...65535, the kernel caps it at net.core.somaxconn
    public static let workersMax = 256
    public static let connectionsMax = 16_384  // per worker, clients and upstreams together; 16...1_048_576
    public static let drainTimeoutMs = 30_000
    public static let drainIdleGraceMs = 1_000  // of a recycled worker: idle connections may send what is on its way
    public static let stopGraceMs = 500  // from "leave now" to SIGKILL
    public static let controlStopTimeoutMs = 2_000  // the control process closes its store
    public static let workerStartTimeoutMs = 30_000  // spawn to `ready`
    public static let prepareTimeoutMs = 5_000  // a change: asked to every worker has prepared it
    public static let prepareOverdueMs = 4_000  // a worker that is silent this long when the change is given up hangs
    public static let rapidDeathMs = 1_000  // a child that dies younger counts as failing to start
    public static let healthyMs = 10_000  // a child this old is forgiven its predecessors
    public static let respawnDelayMsMin = 100
    public static let respawnDelayMsMax = 5_000
    public static let frameQueueMax = 1_024  // frames that wait for one child to read
    public static let descriptorReserve = 256  // open files of a process that are no connections
    public static let stateDirectory = "/var/lib/sluice"
    // Request heads
    public static let headBytesMax = 16_384  // 1024...61440
    public static let targetBytesMax = 8_192  // 64...61440, at most headBytesMax
    public static let headerFieldsMax = 100  // 8...256
    public static let headTimeoutMs = 10_000
    // Clients
    public static let clientIdleTimeoutMs = 75_000
    public static let bodyIdleTimeoutMs = 60_000
    public static let pluginBodyBytesMax: UInt64 = 1 << 20  // gathered for plugins
    public static let pluginBodyBytesRange: ClosedRange<UInt64> = 0...(64 << 20)
    public static let bodyRateMin = 240  // bytes a second, 0 = off
    public static let tunnelIdleTimeoutMs = 3_600_000
    // Upstreams
    public static let connectTimeoutMs = 5_000
    public static let responseTimeoutMs = 60_000
    public static let upstreamIdleMax = 512  // per target and worker
    public static let upstreamIdleTimeoutMs = 60_000
    public static let targetsPerClusterMax = 4096
    // Chunked coding
    public static let chunkExtensionBytesMax = 4_096  // of one message, all chunks together
    public static let trailerBytesMax = 8_192
    // Timers
    public static let timeoutMsMax = 86_400_000
}
