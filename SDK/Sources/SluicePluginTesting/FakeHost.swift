// The host behind all fake plugins of a test process: the table that the SDK is connected with, one lock, jobs from other threads. The
// tables of the contract are in `FakeHost+….swift`; each refuses what the gateway refuses, and answers SLUICE_EPHASE in a wrong phase.
import CSluiceABI
import CSluiceFakeCrypto
import Glibc
@_spi(Testing) import SluicePlugin

final class FakeHost: @unchecked Sendable {
    static let shared = FakeHost()

    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let signal = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let foreignLock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var foreign: [() -> Void] = []
    private var depth = 0
    private var owner: pthread_t?
    /// Whose plugin runs now.
    private(set) var world = World.none
    /// Names of variables by their number - 1, for the life of the process as in a worker.
    var variableNames: [String] = []
    let host = UnsafeMutablePointer<sluice_host>.allocate(capacity: 1)

    private init() {
        pthread_mutex_init(lock, nil)
        pthread_mutex_init(foreignLock, nil)
        pthread_cond_init(signal, nil)
        host.initialize(
            to: sluice_host(
                size: UInt32(MemoryLayout<sluice_host>.size), abi_major: UInt16(SLUICE_ABI_MAJOR), abi_minor: UInt16(SLUICE_ABI_MINOR),
                context: nil,
                get_extension: { _, id in id.flatMap { FakeHost.tables[String(cString: $0)] } },
                log: { _, level, text in
                    let line = LogLine(level: LogLevel(rawValue: level) ?? .error, text: text.string)
                    FakeHost.shared.world.log.append(line)
                }))
        precondition(UnderTest.connect(host), "the SDK needs a table that this fake host lacks")
    }

    /// Runs `body` as the worker's thread, for the plugin of `world`. Others wait meanwhile.
    func enter<R>(_ world: World, _ body: () throws -> R) rethrows -> R {
        if isHere {
            depth += 1
        } else {
            pthread_mutex_lock(lock)
            (owner, depth) = (pthread_self(), 1)
        }
        let outer = self.world
        self.world = world
        defer {
            self.world = outer
            depth -= 1
            if depth == 0 {
                owner = nil
                pthread_mutex_unlock(lock)
            }
        }
        return try body()
    }
    var isHere: Bool { owner.map { pthread_equal($0, pthread_self()) != 0 } ?? false }

    // MARK: jobs from other threads

    func post(_ job: @escaping () -> Void) {
        if isHere { return world.jobs.append(job) }
        pthread_mutex_lock(foreignLock)
        foreign.append(job)
        pthread_cond_signal(signal)
        pthread_mutex_unlock(foreignLock)
    }
    func takeForeign() {
        pthread_mutex_lock(foreignLock)
        let jobs = foreign
        foreign = []
        pthread_mutex_unlock(foreignLock)
        world.jobs += jobs
    }
    /// Waits two seconds of real time for a job of another thread; false: none came.
    func awaitForeign() -> Bool {
        pthread_mutex_lock(foreignLock)
        defer { pthread_mutex_unlock(foreignLock) }
        var end = timespec()
        clock_gettime(CLOCK_REALTIME, &end)
        end.tv_sec += 2
        while foreign.isEmpty { if pthread_cond_timedwait(signal, foreignLock, &end) != 0 { return false } }
        return true
    }

    // MARK: tables

    nonisolated(unsafe) static let tables: [String: UnsafeRawPointer] = [
        SLUICE_REQUEST_1: table(request), SLUICE_REQUEST_EDIT_1: table(requestEdit), SLUICE_ANSWER_1: table(answer),
        SLUICE_RESPONSE_1: table(response), SLUICE_BODY_1: table(body), SLUICE_EXCHANGE_LOG_1: table(exchangeLog),
        SLUICE_MEMORY_1: table(memory), SLUICE_REQUEST_BODY_1: table(requestBody), SLUICE_HEADER_BATCH_1: table(headerBatch),
        SLUICE_CLUSTER_1: table(cluster), SLUICE_BALANCER_1: table(balancer), SLUICE_CONTENT_1: table(content),
        SLUICE_SUSPEND_1: table(suspend), SLUICE_LOOP_1: table(loop), SLUICE_HTTP_CLIENT_1: table(httpClient),
        SLUICE_VARIABLES_1: table(variables), SLUICE_METRICS_1: table(metrics), SLUICE_CRYPTO_1: table(sluice_fake_crypto),
    ]
    private static func table<T>(_ value: T) -> UnsafeRawPointer {
        let p = UnsafeMutablePointer<T>.allocate(capacity: 1)
        p.initialize(to: value)
        return UnsafeRawPointer(p)
    }

    /// The exchange of a handle when one of `phases` runs; else the call is counted as a misuse.
    static func exchange(_ handle: OpaquePointer?, _ phases: FakePhase...) -> FakeExchange? {
        guard let e = FakeExchange.of(handle) else { return nil }
        if let now = e.phase, phases.isEmpty || phases.contains(now) { return e }
        e.misuses += 1
        return nil
    }
}

let ok = Int32(SLUICE_OK), invalid = Int32(SLUICE_EINVAL), notFound = Int32(SLUICE_ENOTFOUND), wrongPhase = Int32(SLUICE_EPHASE)
let noMemory = Int32(SLUICE_ENOMEM), limit = Int32(SLUICE_ELIMIT), cancelled = Int32(SLUICE_ECANCELED)

/// Size of a table, for its first field.
func size<T>(_ type: T.Type) -> UInt32 { UInt32(MemoryLayout<T>.size) }
